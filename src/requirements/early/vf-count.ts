import type { Action } from "../../host/actions/action.ts";
import type { HostState, PhysicalFunction } from "../../host/state/state.ts";
import { remedyForTooFew } from "../firmware/firmware-wait.ts";
import { heldVfs } from "../held-vfs.ts";
import type { Finding, Remedy, Requirement } from "../requirement.ts";
import { aboutPf } from "../virtual-functions.ts";

/** Each port has as many VFs as declared. */
export const vfCount: Requirement = {
  id: "vf-count",
  stage: "early",
  title: "each port has the declared number of VFs",
  why:
    "Guests are given VFs by number: too few and they are not scheduled; the number cannot be changed " +
    "while a VF is in use.",
  observe: [
    "cat /sys/bus/pci/devices/ADDRESS/sriov_numvfs",
    "cat /sys/bus/pci/devices/ADDRESS/sriov_totalvfs",
  ],
  byHand: [
    "echo 0 > /sys/bus/pci/devices/ADDRESS/sriov_drivers_autoprobe",
    "echo N > /sys/bus/pci/devices/ADDRESS/sriov_numvfs (first 0, if it holds another number and no VF " +
      "is in use)",
  ],
  references: [
    "https://docs.kernel.org/PCI/pci-iov-howto.html",
    "linux drivers/pci/iov.c (sriov_numvfs_store)",
  ],
  follows: ["ports", "model", "not-in-bond", "firmware", "bios-resources"],
  gate: true,
  check: ({ nic, pfs, state }) =>
    pfs.flatMap((pf) =>
      pf.sriov === null || pf.sriov.count === nic.vfs ? [] : [wrongCount(pf, pf.sriov, nic.vfs, state)],
    ),
};

function wrongCount(
  pf: PhysicalFunction,
  sriov: NonNullable<PhysicalFunction["sriov"]>,
  wanted: number,
  state: HostState,
): Finding {
  const finding = (remedy: Remedy): Finding => {
    const actual =
      sriov.total < wanted
        ? `${vfs(sriov.count)}, and the NIC offers ${sriov.total} at most`
        : vfs(sriov.count);
    return { ...aboutPf(pf), expected: vfs(wanted), actual, severity: "error", remedy };
  };
  if (sriov.total < wanted) return finding(remedyForTooFew(pf, wanted, state));
  const held = heldVfs(pf, state);
  if (held.length > 0) {
    const text =
      `the number can be changed only when no VF is in use: ${held.join("; ")}. Move or stop ` +
      `the guests, then apply again`;
    return finding({ kind: "person", text });
  }
  const actions: Action[] = [];
  // Without autoprobe no VF is probed when it appears, so none has to be unbound again: 0.45 s a VF on a
  // ConnectX-5.
  if (sriov.autoprobe === true) actions.push({ kind: "set-vf-autoprobe", pf: pf.address, on: false });
  // The kernel refuses N -> M with EBUSY unless 0 stands between.
  if (sriov.count > 0) actions.push({ kind: "set-vf-count", pf: pf.address, count: 0 });
  actions.push({ kind: "set-vf-count", pf: pf.address, count: wanted });
  return finding({
    kind: "actions",
    actions,
    otherwise:
      "see dmesg: 'not enough MMIO resources' or 'bus number out of range' means SR-IOV, above-4G " +
      "decoding or ARI is off in the BIOS",
  });
}

function vfs(count: number): string {
  return `${count} VF${count === 1 ? "" : "s"}`;
}
