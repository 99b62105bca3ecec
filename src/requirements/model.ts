import { modelOf } from "../host/models.ts";
import { isUnknown } from "../host/observed.ts";
import type { HostState, PhysicalFunction } from "../host/state.ts";
import { firmwareCardOf, remedyForTooFew } from "./firmware-wait.ts";
import type { Finding, Requirement } from "./requirement.ts";
import { pfName } from "./virtual-functions.ts";

/** The NIC can do what the mode asks for. Proof is what the driver shows; the model's id is only a hint. */
export const model: Requirement = {
  id: "model",
  stage: "early",
  title: "the NIC can do the declared mode",
  why: "switchdev needs an eSwitch, VF-LAG a ConnectX-5 or later; without them every later step fails with a less clear message.",
  observe: ["devlink dev eswitch show pci/ADDRESS", "lspci -nn -s ADDRESS"],
  byHand: ["Use mode: sriov on a NIC without eSwitch.", "ConnectX-3: set num_vfs, probe_vf and port_type_array as options of mlx4_core."],
  references: [
    "https://docs.kernel.org/networking/devlink/devlink-eswitch-attr.html",
    "https://docs.kernel.org/networking/representors.html",
  ],
  gate: true,
  check: ({ nic, pfs, state }) =>
    pfs.flatMap((pf) => {
      const needs = sriovNeeds(pf, nic.vfs, state);
      return nic.mode === "sriov" ? needs : [...needs, ...eswitchNeeds(pf, nic.mode)];
    }),
};

function sriovNeeds(pf: PhysicalFunction, vfs: number, state: HostState): Finding[] {
  const finding = (actual: string, text: string): Finding => {
    return { subject: pfName(pf), expected: "SR-IOV through sysfs", actual, severity: "error", remedy: { kind: "person", text } };
  };
  if (pf.driver === "mlx4_core") {
    return [
      finding(
        "mlx4_core makes VFs only from module options",
        "set num_vfs=, probe_vf= and port_type_array=2,2 in /etc/modprobe.d for mlx4_core, and reload the driver or reboot",
      ),
    ];
  }
  if (pf.sriov === null) {
    const remedy = remedyForTooFew(pf, vfs, state);
    const asked = firmwareCardOf(pf, state) !== undefined;
    // The BIOS can take the capability away too; a firmware that was asked says which of the two it is.
    const text = "enable SR-IOV in the BIOS and the NIC's firmware (SRIOV_EN), then reboot";
    return [{ ...finding("no SR-IOV capability", text), ...(asked ? { remedy } : {}) }];
  }
  return [];
}

function eswitchNeeds(pf: PhysicalFunction, mode: "switchdev" | "vf-lag"): Finding[] {
  if (isUnknown(pf.eswitch)) {
    const text = "load the driver and see that devlink answers: devlink dev eswitch show";
    return [
      { subject: pfName(pf), expected: "an eSwitch", actual: pf.eswitch.unknown, severity: "unknown", remedy: { kind: "person", text } },
    ];
  }
  if (pf.eswitch === null) {
    const actual = `${pf.model ?? "this NIC"} (driver ${pf.driver ?? "none"}) has no eSwitch`;
    const text = "use mode: sriov for this NIC";
    return [{ subject: pfName(pf), expected: "an eSwitch", actual, severity: "error", remedy: { kind: "person", text } }];
  }
  const known = modelOf(pf.vendor, pf.product);
  if (mode === "vf-lag" && known !== undefined && !known.vfLag) {
    const text = "go on only if the vendor says that this card does VF-LAG; `lag` below is the proof";
    const actual = `${known.name} is not known to do VF-LAG`;
    return [{ subject: pfName(pf), expected: "ConnectX-5 or later", actual, severity: "warning", remedy: { kind: "person", text } }];
  }
  return [];
}
