import { isUnknown, known } from "../../host/state/observed.ts";
import { unlessIommu } from "../reasons.ts";
import type { HostFinding, HostRequirement } from "../requirement.ts";

/** The processor can run guests. */
export const cpuVirtualization: HostRequirement = {
  id: "cpu-virtualization",
  stage: "platform",
  title: "the processor's virtualization is on",
  why:
    "Without it guests are emulated, many times slower; a BIOS that has it off usually has the IOMMU " +
    "off too.",
  observe: ["grep -o -w -m 1 -E 'vmx|svm' /proc/cpuinfo", "dmesg | grep -i 'by bios'"],
  byHand: [
    "in the BIOS: Intel Virtualization Technology (VT-x), or SVM Mode on AMD",
    "or, where the inventory is: vflag bios set HOST -i INVENTORY; then reboot",
  ],
  references: [
    "linux arch/x86/kernel/cpu/feat_ctl.c (init_ia32_feat_ctl)",
    "https://docs.kernel.org/arch/x86/cpuinfo.html",
  ],
  follows: [],
  gate: false,
  notAsked: unlessIommu,
  check: ({ state }) => {
    const cpu = isUnknown(state.platform) ? state.platform : state.platform.cpu;
    if (isUnknown(cpu))
      return [finding(cpu.unknown, "unknown", "look by hand: grep -w -E 'vmx|svm' /proc/cpuinfo")];
    // Other architectures tell it otherwise.
    if (cpu.vendor === null || cpu.virtualization !== null) return [];
    const said = known(known(state.platform)?.biosSigns ?? [])?.find(({ sign }) => sign === "virtualization");
    const setting =
      cpu.vendor === "GenuineIntel"
        ? "Intel Virtualization Technology (VT-x) and VT-d"
        : "SVM Mode and IOMMU";
    const text =
      `turn ${setting} on in the BIOS; if this host is itself a guest, let its hypervisor give ` +
      `it nested virtualization`;
    return [
      finding(
        said === undefined ? "neither vmx nor svm in /proc/cpuinfo" : `off: the kernel says: ${said.text}`,
        "warning",
        text,
      ),
    ];
  },
};

function finding(actual: string, severity: HostFinding["severity"], text: string): HostFinding {
  return { subject: "processor", expected: "vmx or svm", actual, severity, remedy: { kind: "person", text } };
}
