import type { PhysicalFunction } from "../../host/state/state.ts";
import { netdevOf } from "../../spec/selectors.ts";
import type { Finding, Requirement } from "../requirement.ts";
import { aboutPf } from "../virtual-functions.ts";

/** All VFs of a port have appeared on the PCI bus. */
export const vfLinks: Requirement = {
  id: "vf-links",
  stage: "early",
  title: "every VF has appeared on the PCI bus",
  why:
    "Guests are given VFs by number, and one that appears late may be bound by whoever sees it first, " +
    "in the way of switchdev and of the LAG.",
  observe: ["ls -d /sys/bus/pci/devices/ADDRESS/virtfn*"],
  byHand: [
    "Wait, and look again; if links stay away, see dmesg, and recreate the VFs (write 0, then N) when " +
      "none is in use.",
  ],
  references: ["https://docs.kernel.org/PCI/pci-iov-howto.html", "linux drivers/pci/iov.c (sriov_enable)"],
  follows: ["vf-count", "bios-resources"],
  gate: true,
  check: ({ pfs, state }) => {
    return pfs.flatMap((pf): Finding[] => {
      const count = pf.sriov?.count ?? 0;
      if (pf.vfs.length >= count) return [];
      const there = new Set(pf.vfs.map((vf) => vf.index));
      const missing = Array.from({ length: count }, (_, index) => index).filter((index) => !there.has(index));
      return [
        {
          ...aboutPf(pf),
          expected: `${count} virtfn links`,
          actual: `no link for VF ${missing.join(", ")}`,
          severity: "error",
          remedy: { kind: "person", text: remedyText(pf, netdevOf(pf, state)?.master ?? null) },
        },
      ];
    });
  },
};

/** VFs of a port in a bond are not made anew. */
function remedyText({ address }: PhysicalFunction, master: string | null): string {
  const see = `see dmesg | grep ${address} for why`;
  if (master !== null)
    return `${see} (the BIOS: SR-IOV, bus numbers; the card's firmware), put that right, then reboot`;
  return `${see}; when no VF is in use, write 0 to sriov_numvfs and apply again`;
}
