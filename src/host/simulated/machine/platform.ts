import { argumentName, argumentValue } from "../../actions/kernel-arguments.ts";
import { known } from "../../state/observed.ts";
import type { BiosSign, BootLoader, Platform } from "../../state/platform.ts";
import type { HostState } from "../../state/state.ts";
import { Refusal, type World } from "../world.ts";

/** Processor, IOMMU, kernel arguments and boot loader of a simulated host. */

const dropIn = "/etc/default/grub.d/vflag.cfg";

/** What `update-grub` makes of the host's own configuration and of vflag's drop-in. */
export function updateBootLoader(world: World): void {
  const loader = loaderOf(world);
  if (loader?.kind !== "grub") throw new Refusal("ENOENT", "update-grub: no such program");
  const added = groupsIn(world.state).filter(
    (group) => !` ${world.hidden.ownArguments.join(" ")} `.includes(` ${group.join(" ")} `),
  );
  const entry = { title: "Debian GNU/Linux", arguments: [...world.hidden.ownArguments, ...added.flat()] };
  const entries = known(loader.entries);
  loader.entries =
    entries === undefined || entries.length === 0
      ? [entry]
      : entries.map(({ title }) => ({ ...entry, title }));
  loader.outdated = false;
}

/** A drop-in that is newer than what was made of it. */
export function noteWritten(world: World, path: string): void {
  const loader = loaderOf(world);
  if (path === dropIn && loader?.kind === "grub") loader.outdated = true;
}

/** What `grubby` does: an argument that is there with another value gets the new one. */
export function setKernelArguments(world: World, add: readonly string[], remove: readonly string[]): void {
  const loader = loaderOf(world);
  if (loader?.kind !== "grubby") throw new Refusal("ENOENT", "grubby: no such program");
  const names = new Set(add.map(argumentName));
  const changed = (old: readonly string[]) => [
    ...old.filter((argument) => !remove.includes(argument) && !names.has(argumentName(argument))),
    ...add,
  ];
  world.hidden.ownArguments = changed(world.hidden.ownArguments);
  for (const entry of known(loader.entries) ?? []) entry.arguments = changed(entry.arguments);
}

/** The next kernel is started with what the boot loader has for it, and makes IOMMU groups or not. */
export function bootKernel(world: World): void {
  const platform = known(world.state.platform);
  const next = known(loaderOf(world)?.entries ?? [])?.[0];
  const before = known(platform?.arguments ?? []) ?? [];
  if (platform === undefined) return;
  if (next !== undefined)
    platform.arguments = [
      ...before.filter((argument) => argumentName(argument) === "BOOT_IMAGE"),
      ...next.arguments,
    ];
  platform.biosSigns = (known(platform.biosSigns) ?? []).filter(({ sign }) => sign === "virtualization");
  setIommu(world, platform, hasIommu(world, platform, before));
}

/** The kernel's own arguments of a host: those of the next boot, without what vflag's drop-in adds. */
export function ownArgumentsOf(state: HostState): string[] {
  const platform = known(state.platform);
  const loader = platform === undefined ? undefined : known(platform.bootLoader);
  const next = known(loader?.entries ?? [])?.[0]?.arguments ?? known(platform?.arguments ?? []) ?? [];
  const added = new Set(groupsIn(state).flat());
  return next.filter((argument) => !added.has(argument) && argumentName(argument) !== "BOOT_IMAGE");
}

export function noteBiosSign(world: World, sign: BiosSign): void {
  const signs = known(known(world.state.platform)?.biosSigns ?? []);
  if (signs?.some((other) => other.sign === sign.sign && other.device === sign.device) === false)
    signs.push(sign);
}

export function turnVirtualizationOff(world: World): void {
  const platform = known(world.state.platform);
  if (platform === undefined) return;
  const cpu = known(platform.cpu);
  if (cpu !== undefined) cpu.virtualization = null;
  if (!world.hidden.behaviours.includes("virtualization-off"))
    world.hidden.behaviours.push("virtualization-off");
  setIommu(world, platform, false);
}

export function startWithoutIommu(world: World): void {
  const platform = known(world.state.platform);
  if (platform === undefined) return;
  const without = (words: readonly string[]) =>
    words.filter((argument) => !/^(intel_iommu|iommu)=/.test(argument));
  platform.arguments = without(known(platform.arguments) ?? []);
  world.hidden.ownArguments = without(world.hidden.ownArguments);
  const loader = loaderOf(world);
  for (const entry of known(loader?.entries ?? []) ?? []) entry.arguments = without(entry.arguments);
  setIommu(world, platform, false);
}

export function addOpenibd(world: World): void {
  const units = known(world.state.units);
  if (units === undefined || units.some(({ name }) => name === "openibd.service")) return;
  const path = "/usr/lib/systemd/system/openibd.service";
  units.push({ name: "openibd.service", path, enabled: "enabled", active: "active", result: "success" });
}

/**
 * Source: linux drivers/iommu/intel/iommu.c, intel_iommu_setup(); drivers/iommu/amd/init.c,
 * amd_iommu_detect(); arch/x86/kernel/pci-dma.c, iommu_setup(). Whether Intel's is on by default is a matter
 * of the kernel's configuration: one that was, stays on.
 */
function hasIommu(world: World, platform: Platform, before: readonly string[]): boolean {
  if (world.hidden.behaviours.includes("virtualization-off")) return false;
  const words = known(platform.arguments) ?? [];
  const vendor = known(platform.cpu)?.vendor ?? null;
  if (says(words, "iommu", "off")) return false;
  if (vendor === "AuthenticAMD") return !says(words, "amd_iommu", "off");
  if (vendor !== "GenuineIntel") return platform.iommuGroups !== 0;
  if (says(words, "intel_iommu", "off")) return false;
  if (says(words, "intel_iommu", "on")) return true;
  return platform.iommuGroups !== 0 && !says(before, "intel_iommu", "on");
}

function says(words: readonly string[], name: string, value: string): boolean {
  return words.some(
    (word) => argumentName(word) === name && (argumentValue(word) ?? "").split(",").includes(value),
  );
}

function setIommu(world: World, platform: Platform, on: boolean): void {
  const had = known(platform.iommuGroups);
  const { pfs } = world.state;
  if (!on) {
    platform.iommuGroups = 0;
    for (const pf of pfs) {
      pf.iommuGroup = null;
      for (const vf of pf.vfs) vf.iommuGroup = null;
    }
    return;
  }
  if (had === 0) platform.iommuGroups = 40 + pfs.length;
  const taken = Math.max(39, ...pfs.map((pf) => pf.iommuGroup ?? 0));
  for (const [index, pf] of pfs.entries()) pf.iommuGroup ??= taken + 1 + index;
}

/** The groups of arguments that a drop-in adds: the words in quotes of its list. */
function groupsIn(state: HostState): string[][] {
  const text = known(state.files)?.find((file) => file.path === dropIn)?.text ?? "";
  const list = /^for vflag_arguments in((?: "[^"]*")*); do$/m.exec(text)?.[1] ?? "";
  return [...list.matchAll(/"([^"]*)"/g)]
    .map(([, group = ""]) => group.split(" "))
    .filter((group) => group[0] !== "");
}

function loaderOf(world: World): BootLoader | undefined {
  const platform = known(world.state.platform);
  return platform === undefined ? undefined : known(platform.bootLoader);
}
