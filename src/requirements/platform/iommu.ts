import {
  commandLine,
  conflictsIn,
  iommuArguments,
  iommuKind,
  missingFrom,
} from "../../boot/kernel-arguments.ts";
import { isUnknown, known } from "../../host/state/observed.ts";
import type { PhysicalFunction } from "../../host/state/state.ts";
import { unlessIommu } from "../reasons.ts";
import type { HostFinding, HostRequirement, HostView, Remedy } from "../requirement.ts";
import { pfName } from "../virtual-functions.ts";

const host = "IOMMU";

/** VFs can be given to guests: there are IOMMU groups, and every declared port is in one. */
export const iommu: HostRequirement = {
  id: "iommu",
  stage: "platform",
  title: "the IOMMU is on, and every declared port is in an IOMMU group",
  why: "vfio gives a VF to a guest only through its IOMMU group: without groups no guest gets one.",
  observe: [
    "ls /sys/kernel/iommu_groups",
    "readlink /sys/bus/pci/devices/ADDRESS/iommu_group",
    "dmesg | grep -E 'DMAR|AMD-Vi'",
  ],
  byHand: [
    "kernel: {iommu: auto} in the spec, vflag apply, reboot",
    "in the BIOS: VT-d on Intel, IOMMU (AMD-Vi) on AMD",
    "or, where the inventory is: vflag bios set HOST -i INVENTORY; then reboot",
  ],
  references: ["https://docs.kernel.org/driver-api/vfio.html", "https://docs.kernel.org/arch/x86/iommu.html"],
  follows: ["cpu-virtualization", "kernel-arguments"],
  gate: false,
  notAsked: unlessIommu,
  check: (view) => {
    const { state, nics } = view;
    const outside = nics.flatMap(({ nic, pfs }) =>
      pfs.flatMap(outsideOf).map((subject) => ({ nic: nic.name, subject })),
    );
    // A port in a group is the proof; without ports there is nothing to prove it with.
    if (outside.length === 0 && nics.length > 0) return [];
    const groups = isUnknown(state.platform) ? state.platform : state.platform.iommuGroups;
    if (isUnknown(groups)) {
      return [
        finding(host, groups.unknown, "unknown", {
          kind: "person",
          text: "look by hand: ls /sys/kernel/iommu_groups",
        }),
      ];
    }
    if (groups === 0) return [finding(host, "there is no IOMMU group", "error", remedyWithoutGroups(view))];
    const text =
      "dmesg | grep -E 'DMAR|AMD-Vi' tells why the IOMMU leaves it out; a port behind VMD or a bridge " +
      "without ACS needs another slot or BIOS setting";
    return outside.map(({ nic, subject }) => ({
      ...finding(subject, `in none of the ${groups} IOMMU groups`, "error", { kind: "person", text }),
      nics: [nic],
    }));
  },
};

/** A port, or those of its VFs, that no guest can be given. */
function outsideOf(pf: PhysicalFunction): string[] {
  if (pf.iommuGroup === null) return [pfName(pf)];
  return pf.vfs
    .filter((vf) => vf.iommuGroup === null)
    .map((vf) => `VF ${vf.index} (${vf.address}) of ${pfName(pf)}`);
}

/** First the kernel's arguments, then the BIOS: the latter can be told only when the former are active. */
function remedyWithoutGroups({ spec, state }: HostView): Remedy {
  const platform = known(state.platform);
  const [running, cpu] = [
    known(platform?.arguments ?? []) ?? [],
    platform === undefined ? undefined : known(platform.cpu),
  ];
  if (spec.kernel === undefined) {
    return {
      kind: "person",
      text:
        "add kernel: {iommu: auto} to the spec and run vflag apply, which sets the kernel's " +
        "arguments; then reboot",
    };
  }
  const kind = cpu === undefined ? null : iommuKind(spec.kernel.iommu, cpu);
  const against =
    cpu === undefined
      ? []
      : conflictsIn(running, { iommu: spec.kernel.iommu, arguments: [] }, cpu).filter(
          (argument) => !argument.startsWith("pci="),
        );
  const missing = missingFrom(running, iommuArguments(kind)).filter(([argument]) => argument !== "iommu=pt");
  if (against.length > 0)
    return {
      kind: "person",
      text: `the kernel was started with ${against.join(" ")}: see kernel-arguments, then reboot`,
    };
  if (missing.length > 0) {
    const loader = platform === undefined ? undefined : known(platform.bootLoader);
    const entries = known(loader?.entries ?? []) ?? [];
    const set =
      entries.length > 0 && entries.every((entry) => missingFrom(entry.arguments, missing).length === 0);
    if (set) return { kind: "reboot", text: `${commandLine(missing)} is set for the next boot` };
    return {
      kind: "person",
      text: `the kernel needs ${commandLine(missing)}: see kernel-arguments, then reboot`,
    };
  }
  const setting = kind === "intel" ? "VT-d" : kind === "amd" ? "IOMMU (AMD-Vi)" : "the IOMMU (SMMU)";
  return {
    kind: "person",
    text: `turn ${setting} on in the BIOS: the kernel's arguments are right, and it still finds none`,
  };
}

function finding(
  subject: string,
  actual: string,
  severity: HostFinding["severity"],
  remedy: Remedy,
): HostFinding {
  const expected = subject === host ? "on, with every declared port in a group" : "in an IOMMU group";
  return { subject, expected, actual, severity, remedy };
}
