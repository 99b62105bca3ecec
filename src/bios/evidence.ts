import { commandLine, iommuArguments, iommuKind, missingFrom } from "../boot/kernel-arguments.ts";
import { isUnknown, known } from "../host/state/observed.ts";
import type { BiosSign } from "../host/state/platform.ts";
import type { HostState } from "../host/state/state.ts";
import type { Feature } from "./features.ts";
import type { Answer, Setting } from "./setting.ts";

/** What a host shows of a feature of its BIOS. */
export interface Evidence {
  readonly shows: "on" | "off";
  readonly text: string;
  readonly observedAt: string;
}

/** What the BIOS says and what the host shows, where both cannot be true of the same boot. */
export interface Contradiction {
  readonly text: string;
  readonly remedy: string;
}

/** Reads a host's state for what it shows of its BIOS. A feature of which it shows nothing is not in it. */
export function evidenceOf(state: HostState): Map<Feature, Evidence> {
  const found = new Map<Feature, Evidence>();
  const note = (feature: Feature, shows: Evidence["shows"], text: string) =>
    void found.set(feature, { shows, text, observedAt: state.observedAt });
  const platform = known(state.platform);
  const signs: readonly BiosSign[] = platform === undefined ? [] : (known(platform.biosSigns) ?? []);
  const cpu = platform === undefined ? undefined : known(platform.cpu);
  const said = signs.find(({ sign }) => sign === "virtualization");
  if (cpu !== undefined && cpu.virtualization !== null)
    note("virtualization", "on", `the processor has ${cpu.virtualization}`);
  else if (said !== undefined) note("virtualization", "off", `the kernel says: ${said.text}`);
  else if (cpu !== undefined && cpu.vendor !== null)
    note("virtualization", "off", "the processor has neither vmx nor svm");

  const groups = platform?.iommuGroups;
  if (typeof groups === "number" && groups > 0) note("iommu", "on", `${groups} IOMMU groups`);
  else if (groups === 0 && cpu !== undefined && isAskedFor(state))
    note("iommu", "off", "no IOMMU group, though the kernel was asked for it");

  const made = state.pfs.reduce((sum, { vfs }) => sum + vfs.length, 0);
  const mmio = signs.find(({ sign }) => sign === "mmio");
  const bus = signs.find(({ sign }) => sign === "bus-number");
  if (mmio !== undefined && made === 0) {
    for (const feature of ["sr-iov", "above-4g"] as const)
      note(feature, "off", `the kernel says: ${mmio.text}`);
  } else if (made > 0) note("sr-iov", "on", `${made} VFs are there`);
  if (bus !== undefined && made === 0) note("ari", "off", `the kernel says: ${bus.text}`);
  return found;
}

/** Whether the kernel's arguments let it use an IOMMU: without them, none is seen whatever the BIOS does. */
function isAskedFor({ platform }: HostState): boolean {
  if (isUnknown(platform) || isUnknown(platform.arguments) || isUnknown(platform.cpu)) return false;
  const kind = iommuKind("auto", platform.cpu);
  const needed = iommuArguments(kind).filter((group) => commandLine([group]) !== "iommu=pt");
  const off = platform.arguments.some((argument) =>
    /^(?:intel_iommu|amd_iommu|iommu)=(?:.*,)?off(?:,|$)/.test(argument),
  );
  return kind !== null && !off && missingFrom(platform.arguments, needed).length === 0;
}

/** Where the BIOS and the host do not agree; null where they do, or one of them does not say. */
export function contradictionOf(
  bios: Answer,
  settings: readonly Setting[],
  { shows, text, observedAt }: Evidence,
): Contradiction | null {
  const named = settings.map(({ attribute, value }) => `${attribute} is ${value}`).join(", ");
  const seen = `the host showed at ${observedAt}: ${text}`;
  if ((bios === "on" || bios === "turns-off") && shows === "off")
    return {
      text: `${named}, and ${seen}`,
      remedy:
        "reboot the host if it has not been rebooted since, then observe it again; if both stay, the BMC " +
        "is another host's, or the BIOS has a second setting for it",
    };
  if ((bios === "off" || bios === "turns-on") && shows === "on")
    return {
      text: `${named}, and ${seen}`,
      remedy:
        "see whether this BMC is the host's own, and whether the BIOS was changed after that boot; " +
        "observe the host again after a reboot",
    };
  return null;
}
