import type { Finding, Requirement } from "../requirement.ts";
import { aboutPf } from "../virtual-functions.ts";

/** VFs may be bound to drivers again. */
export const vfAutoprobe: Requirement = {
  id: "vf-autoprobe",
  stage: "late",
  title: "VFs may be bound to drivers (sriov_drivers_autoprobe is 1)",
  why:
    "The early stage turns it off to create VFs quickly; left off, every bind fails with ENODEV, also " +
    "those of libvirt when a guest gives a VF back.",
  observe: ["cat /sys/bus/pci/devices/ADDRESS/sriov_drivers_autoprobe"],
  byHand: ["echo 1 > /sys/bus/pci/devices/ADDRESS/sriov_drivers_autoprobe"],
  references: [
    "https://docs.kernel.org/PCI/pci-iov-howto.html",
    "linux drivers/pci/pci-driver.c (pci_device_can_probe)",
  ],
  follows: ["vf-count", "vf-links", "vfs-unbound", "eswitch-mode", "bond", "lag"],
  gate: true,
  check: ({ pfs }) => {
    return pfs.flatMap((pf): Finding[] => {
      if (pf.sriov === null || pf.sriov.autoprobe !== false) return [];
      return [
        {
          ...aboutPf(pf),
          expected: "sriov_drivers_autoprobe 1",
          actual: "sriov_drivers_autoprobe 0",
          severity: "error",
          remedy: { kind: "actions", actions: [{ kind: "set-vf-autoprobe", pf: pf.address, on: true }] },
        },
      ];
    });
  },
};
