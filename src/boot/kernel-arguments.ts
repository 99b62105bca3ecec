import { argumentName, argumentValue } from "../host/actions/kernel-arguments.ts";
import type { Cpu } from "../host/state/platform.ts";
import type { Spec } from "../spec/schema.ts";

/** Which kernel arguments a spec asks for, and what stands against them. Pure functions. */

type KernelSpec = NonNullable<Spec["kernel"]>;

/**
 * Arguments that belong together, in this order: `hugepages=` counts pages of the `hugepagesz=` before it.
 */
export type ArgumentGroup = readonly string[];

/** Whose IOMMU it is. Only x86 has arguments to turn it on. */
export type IommuKind = "intel" | "amd" | null;

export function iommuKind(iommu: KernelSpec["iommu"], { vendor }: Pick<Cpu, "vendor">): IommuKind {
  if (iommu === "off") return null;
  if (iommu !== "auto") return iommu;
  if (vendor === "GenuineIntel") return "intel";
  return vendor === "AuthenticAMD" || vendor === "HygonGenuine" ? "amd" : null;
}

/**
 * AMD's IOMMU is on by default, and `amd_iommu=on` is no option of the kernel. `iommu=pt`: the host's own
 * devices are not slowed down. Source: linux Documentation/admin-guide/kernel-parameters.txt;
 * drivers/iommu/amd/init.c, parse_amd_iommu_options().
 */
export function iommuArguments(kind: IommuKind): ArgumentGroup[] {
  if (kind === null) return [];
  return [...(kind === "intel" ? [["intel_iommu=on"]] : []), ["iommu=pt"]];
}

/** Everything that a spec wants on the kernel's command line. */
export function wantedArguments(kernel: KernelSpec, cpu: Pick<Cpu, "vendor">): ArgumentGroup[] {
  const { hugepages, maxCstate } = kernel;
  const groups: ArgumentGroup[] = iommuArguments(iommuKind(kernel.iommu, cpu));
  if (hugepages !== undefined) {
    groups.push([`default_hugepagesz=${hugepages.size}`]);
    groups.push([`hugepagesz=${hugepages.size}`, `hugepages=${hugepages.count}`]);
  }
  if (maxCstate !== undefined) {
    // With intel_idle switched off (0) the processor driver takes over; it knows no state 0.
    if (cpu.vendor === "GenuineIntel") groups.push([`intel_idle.max_cstate=${maxCstate}`]);
    groups.push([`processor.max_cstate=${Math.max(1, maxCstate)}`]);
  }
  return [...groups, ...kernel.arguments.map((argument) => [argument])];
}

/** The groups that are not there. An option among others (`intel_iommu=on,sm_on`) counts. */
export function missingFrom(present: readonly string[], wanted: readonly ArgumentGroup[]): ArgumentGroup[] {
  return wanted.filter(
    (group) =>
      !present.some((_, at) => group.every((argument, index) => fulfils(present[at + index], argument))),
  );
}

/** A command line as one string. */
export function commandLine(groups: readonly ArgumentGroup[]): string {
  return groups.flat().join(" ");
}

/**
 * Arguments that undo what is wanted, or SR-IOV itself, and stay in force whatever is added.
 * Source: linux Documentation/admin-guide/kernel-parameters.txt (iommu, intel_iommu, amd_iommu, pci);
 * mm/hugetlb.c, hugepagesz_setup().
 */
export function conflictsIn(
  present: readonly string[],
  kernel: KernelSpec | undefined,
  cpu: Pick<Cpu, "vendor">,
): string[] {
  const kind = kernel === undefined ? null : iommuKind(kernel.iommu, cpu);
  const against: readonly (readonly [name: string, options: readonly string[]])[] = [
    ["pci", ["off", "nomsi", "noari"]],
    ...(kind === null ? [] : [["iommu", ["off", "nopt"]] as const]),
    ...(kind === "intel" ? [["intel_iommu", ["off"]] as const] : []),
    ...(kind === "amd" ? [["amd_iommu", ["off"]] as const] : []),
  ];
  const undone = present.filter((argument) =>
    against.some(
      ([name, options]) =>
        argumentName(argument) === name && options.some((option) => optionsOf(argument).includes(option)),
    ),
  );
  return [
    ...undone,
    ...otherHugepages(present, kernel?.hugepages),
    ...otherCstates(present, kernel?.maxCstate),
  ];
}

/** A size can be given once only, and the kernel heeds the first. */
function otherHugepages(present: readonly string[], wanted: KernelSpec["hugepages"]): string[] {
  if (wanted === undefined) return [];
  const found: string[] = [];
  let size: string | null = null;
  for (const argument of present) {
    const [name, value] = [argumentName(argument), argumentValue(argument) ?? ""];
    if (name === "hugepagesz") size = value;
    if (name === "default_hugepagesz" && bytes(value) !== bytes(wanted.size)) found.push(argument);
    const own = size === null || bytes(size) === bytes(wanted.size);
    if (name === "hugepages" && own && value !== String(wanted.count))
      found.push(size === null ? argument : `hugepagesz=${size} ${argument}`);
  }
  return found;
}

function otherCstates(present: readonly string[], wanted: number | undefined): string[] {
  if (wanted === undefined) return [];
  const values = new Map([
    ["intel_idle.max_cstate", String(wanted)],
    ["processor.max_cstate", String(Math.max(1, wanted))],
  ]);
  return present.filter(
    (argument) => (values.get(argumentName(argument)) ?? argumentValue(argument)) !== argumentValue(argument),
  );
}

/** Source: linux lib/cmdline.c, memparse(). */
function bytes(size: string): number | null {
  const [, number, unit = ""] = /^(\d+)([KMG]?)B?$/i.exec(size) ?? [];
  if (number === undefined) return null;
  return Number(number) * 1024 ** ["", "K", "M", "G"].indexOf(unit.toUpperCase());
}

function fulfils(present: string | undefined, wanted: string): boolean {
  if (present === undefined || argumentName(present) !== argumentName(wanted)) return false;
  const value = argumentValue(wanted);
  if (argumentValue(present) === value) return true;
  const listed = argumentName(wanted) === "intel_iommu" || argumentName(wanted) === "iommu";
  return listed && value !== null && optionsOf(present).includes(value);
}

function optionsOf(argument: string): string[] {
  return (argumentValue(argument) ?? "").split(",");
}
