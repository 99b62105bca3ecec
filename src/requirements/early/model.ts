import { driverOf, driversByModule, modelOf } from "../../drivers/registry.ts";
import { isUnknown } from "../../host/state/observed.ts";
import type { HostState, PhysicalFunction } from "../../host/state/state.ts";
import type { NicSpec } from "../../spec/schema.ts";
import { firmwareCardOf, remedyForTooFew } from "../firmware/firmware-wait.ts";
import type { Finding, Requirement } from "../requirement.ts";
import { aboutPf } from "../virtual-functions.ts";

/** The NIC can do what the mode asks for. Proof is what the driver shows; the model's id is only a hint. */
export const model: Requirement = {
  id: "model",
  stage: "early",
  title: "the NIC can do the declared mode",
  why:
    "switchdev needs an eSwitch, VF-LAG a ConnectX-5 or later; without them every later step fails " +
    "with a less clear message.",
  observe: ["devlink dev eswitch show pci/ADDRESS", "lspci -nn -s ADDRESS"],
  byHand: [
    "Use mode: sriov on a NIC without eSwitch.",
    "ConnectX-3: vflag render vflag.conf > /etc/modprobe.d/vflag.conf (num_vfs, probe_vf, port_type_array " +
      "of mlx4_core), then reboot",
  ],
  references: [
    "https://docs.kernel.org/networking/devlink/devlink-eswitch-attr.html",
    "https://docs.kernel.org/networking/representors.html",
  ],
  follows: ["ports", "link-type", "firmware", "bios-resources"],
  gate: true,
  check: ({ nic, pfs, state }) =>
    pfs.flatMap((pf) => {
      const needs = sriovNeeds(pf, nic, state);
      return nic.mode === "sriov" ? needs : [...needs, ...eswitchNeeds(pf, nic.mode)];
    }),
};

function sriovNeeds(pf: PhysicalFunction, nic: NicSpec, state: HostState): Finding[] {
  const finding = (actual: string, text: string, expected = "SR-IOV through sysfs"): Finding => {
    return { ...aboutPf(pf), expected, actual, severity: "error", remedy: { kind: "person", text } };
  };
  const byModule = driverOf(pf.driver).moduleOptions !== null;
  if (byModule && nic.persistence !== "modprobe") {
    return [
      finding(
        `${pf.driver} makes VFs only from module options`,
        "declare `persistence: modprobe` for this NIC, then apply and reboot",
      ),
    ];
  }
  if (!byModule && nic.persistence === "modprobe") {
    const actual = `driver ${pf.driver ?? "none"}, which has no module option for VFs`;
    const names = driversByModule.map(({ name }) => name).join(" or ");
    return [
      finding(
        actual,
        "use persistence: systemd (or udev) for this NIC",
        `${names}, for persistence: modprobe`,
      ),
    ];
  }
  if (pf.sriov === null) {
    const remedy = remedyForTooFew(pf, nic.vfs, state);
    const asked = firmwareCardOf(pf, state) !== undefined;
    // The BIOS can take the capability away too; a firmware that was asked says which of the two it is.
    const text = "enable SR-IOV in the BIOS and the NIC's firmware (SRIOV_EN), then reboot";
    return [{ ...finding("no SR-IOV capability", text), ...(asked ? { remedy } : {}) }];
  }
  return byModule && pf.sriov.count !== nic.vfs ? [waitsForDriver(pf, pf.sriov.count, nic.vfs)] : [];
}

function waitsForDriver(pf: PhysicalFunction, count: number, wanted: number): Finding {
  const text =
    `${pf.driver} reads /etc/modprobe.d/vflag.conf when it is loaded; where the initramfs loads it, first ` +
    "`update-initramfs -u` (Debian, Ubuntu) or `dracut --force` (RHEL, Rocky)";
  const actual = `${count} VFs`;
  return {
    ...aboutPf(pf),
    expected: `${wanted} VFs by module options`,
    actual,
    severity: "error",
    remedy: { kind: "reboot", text },
  };
}

function eswitchNeeds(pf: PhysicalFunction, mode: "switchdev" | "vf-lag"): Finding[] {
  if (isUnknown(pf.eswitch)) {
    const text = "load the driver and see that devlink answers: devlink dev eswitch show";
    return [
      {
        ...aboutPf(pf),
        expected: "an eSwitch",
        actual: pf.eswitch.unknown,
        severity: "unknown",
        remedy: { kind: "person", text },
      },
    ];
  }
  if (pf.eswitch === null) {
    const actual = `${pf.model ?? "this NIC"} (driver ${pf.driver ?? "none"}) has no eSwitch`;
    const text = "use mode: sriov for this NIC";
    return [
      { ...aboutPf(pf), expected: "an eSwitch", actual, severity: "error", remedy: { kind: "person", text } },
    ];
  }
  const known = modelOf(pf.vendor, pf.product);
  if (mode === "vf-lag" && known !== undefined && !known.vfLag) {
    const text = "go on only if the vendor says that this card does VF-LAG; `lag` below is the proof";
    const actual = `${known.name} is not known to do VF-LAG`;
    return [
      {
        ...aboutPf(pf),
        expected: "ConnectX-5 or later",
        actual,
        severity: "warning",
        remedy: { kind: "person", text },
      },
    ];
  }
  return [];
}
