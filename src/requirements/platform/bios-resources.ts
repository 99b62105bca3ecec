import { isUnknown } from "../../host/state/observed.ts";
import type { BiosSign } from "../../host/state/platform.ts";
import type { HostFinding, HostRequirement, NicView } from "../requirement.ts";
import { aboutPf } from "../virtual-functions.ts";

const words: Readonly<
  Record<Exclude<BiosSign["sign"], "virtualization">, { readonly lack: string; readonly text: string }>
> = {
  mmio: {
    lack: "address space (MMIO)",
    text:
      "turn SR-IOV and above-4G decoding (64-bit MMIO) on in the BIOS, or raise its PCI resource " +
      "padding, then reboot; if the BIOS offers none of them, add pci=realloc to kernel.arguments of " +
      "the spec",
  },
  "bus-number": {
    lack: "PCI bus numbers",
    text:
      "turn SR-IOV and ARI on in the BIOS, and let it reserve more bus numbers (or MMCONFIG " +
      "base/range) for this slot, then reboot; if the BIOS offers none of them, add pci=assign-busses to " +
      "kernel.arguments of the spec",
  },
};

/** The BIOS left room for the VFs: seen from what the kernel said when it could not make them. */
export const biosResources: HostRequirement = {
  id: "bios-resources",
  stage: "platform",
  title: "the BIOS leaves room for the VFs",
  why:
    "Each VF needs address space and a PCI bus number; where the BIOS gave the slot too few, the " +
    "kernel refuses to make VFs (ENOMEM).",
  observe: [
    "dmesg | grep -E 'not enough MMIO resources|out of range'",
    "cat /sys/bus/pci/devices/ADDRESS/sriov_totalvfs",
  ],
  byHand: [
    "in the BIOS: SR-IOV, above-4G decoding, ARI; then reboot",
    "or, where the inventory is: vflag bios set HOST -i INVENTORY; then reboot",
  ],
  references: ["linux drivers/pci/iov.c (sriov_enable)", "https://docs.kernel.org/PCI/pci-iov-howto.html"],
  follows: [],
  gate: false,
  check: ({ state, nics }) =>
    nics.flatMap((view) =>
      nicFindings(view, isUnknown(state.platform) ? state.platform : state.platform.biosSigns),
    ),
};

function nicFindings(
  { nic, pfs }: NicView,
  signs: readonly BiosSign[] | { readonly unknown: string },
): HostFinding[] {
  return pfs.flatMap((pf) => {
    const finding = (
      expected: string,
      actual: string,
      severity: HostFinding["severity"],
      text: string,
    ): HostFinding[] => [
      { ...aboutPf(pf), expected, actual, severity, remedy: { kind: "person", text }, nics: [nic.name] },
    ];
    if (pf.sriov?.total === 0) {
      const text = "turn SR-IOV on in the BIOS and in the NIC's firmware (SRIOV_EN, NUM_OF_VFS), then reboot";
      return finding("VFs offered", "sriov_totalvfs is 0", "error", text);
    }
    // VFs that are there had room: what was said before they came is over.
    if (pf.sriov === null || pf.sriov.count >= nic.vfs) return [];
    const expected = `room for ${nic.vfs} VFs`;
    if (isUnknown(signs))
      return finding(
        expected,
        signs.unknown,
        "unknown",
        "look by hand, as root: dmesg | grep -E 'not enough MMIO|out of range'",
      );
    return signs.flatMap(({ sign, device, text }) => {
      if (device !== pf.address || sign === "virtualization") return [];
      return finding(
        expected,
        `too little ${words[sign].lack}: the kernel says: ${text}`,
        "error",
        words[sign].text,
      );
    });
  });
}
