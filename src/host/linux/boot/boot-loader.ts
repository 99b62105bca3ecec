import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { isPlainArgument, parseKernelArguments } from "../../actions/kernel-arguments.ts";
import { type Observed, unknown } from "../../state/observed.ts";
import type { BootEntry, BootLoader } from "../../state/platform.ts";
import type { Kernel } from "../system/kernel.ts";
import { mustRun } from "../system/program.ts";
import { errnoName, Refusal, reasonOf } from "../system/refusal.ts";
import { parseGrubConfig } from "./grub-config.ts";

/**
 * The boot loader: which one it is, the kernels that it can start and their arguments, and how these are
 * changed.
 */

type Access = Pick<Kernel, "filesRoot" | "sysRoot" | "run">;

/** systemd's variable of the loader that started this boot. Source: the Boot Loader Interface, LoaderInfo. */
const loaderInfo = "firmware/efi/efivars/LoaderInfo-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f";
const espFolders = ["/efi", "/boot/efi", "/boot"];
const grubConfig = "/boot/grub/grub.cfg";
const dropIn = "/etc/default/grub.d/vflag.cfg";
const changeLimit = 180_000;

export async function findBootLoader(access: Access): Promise<Observed<BootLoader>> {
  try {
    const kind = kindOf(access);
    return { kind, entries: await entriesOf(kind, access), outdated: kind === "grub" && isOutdated(access) };
  } catch (error) {
    return unknown(reasonOf(error));
  }
}

/** Lets Debian's GRUB take over what stands in /etc/default/grub.d. Throws ProgramError. */
export async function updateGrub({ run }: Pick<Kernel, "run">): Promise<void> {
  await mustRun(run, ["update-grub"], { limit: changeLimit });
}

/**
 * Adds arguments to all kernels' and takes others away. Throws Refusal or ProgramError. Source: grubby(8).
 */
export async function changeByGrubby(
  { run }: Pick<Kernel, "run">,
  add: readonly string[],
  remove: readonly string[],
): Promise<void> {
  const strange = [...add, ...remove].find((argument) => !isPlainArgument(argument));
  if (strange !== undefined)
    throw new Refusal("EINVAL", `${JSON.stringify(strange)} is no plain kernel argument`);
  const options = [
    ...(remove.length === 0 ? [] : [`--remove-args=${remove.join(" ")}`]),
    ...(add.length === 0 ? [] : [`--args=${add.join(" ")}`]),
  ];
  if (options.length > 0)
    await mustRun(run, ["grubby", "--update-kernel=ALL", ...options], { limit: changeLimit });
}

/** The one that started this boot, where it says so; else the one whose tools are installed. */
function kindOf({ filesRoot, sysRoot }: Access): BootLoader["kind"] {
  if (/^systemd-boot\b/.test(readLoaderInfo(join(sysRoot, loaderInfo)))) return "systemd-boot";
  const has = (...paths: string[]) => paths.some((path) => existsSync(join(filesRoot, path)));
  // GRUB's own grub-mkconfig knows no drop-ins: they are Debian's.
  const dropIns =
    has("/usr/sbin/grub-mkconfig") &&
    readFileSync(join(filesRoot, "/usr/sbin/grub-mkconfig"), "utf8").includes("/default/grub.d/");
  // Its tools may be there without it: then nobody reads what they would write.
  if (dropIns && has("/usr/sbin/update-grub") && has(dirname(grubConfig))) return "grub";
  if (has("/usr/sbin/grubby", "/sbin/grubby", "/usr/bin/grubby")) return "grubby";
  return has(...espFolders.map((folder) => `${folder}/loader/loader.conf`)) ? "systemd-boot" : "unknown";
}

/** Four bytes of attributes, then UTF-16. */
function readLoaderInfo(path: string): string {
  try {
    return readFileSync(path).subarray(4).toString("utf16le");
  } catch {
    return "";
  }
}

async function entriesOf(
  kind: BootLoader["kind"],
  { filesRoot, run }: Access,
): Promise<Observed<BootEntry[]>> {
  try {
    switch (kind) {
      case "grub":
        return parseGrubConfig(readFileSync(join(filesRoot, grubConfig), "utf8"));
      case "grubby":
        return parseGrubbyInfo(await mustRun(run, ["grubby", "--info=ALL"]));
      case "systemd-boot":
        return readLoaderEntries(filesRoot);
      case "unknown":
        return unknown("no boot loader that vflag knows: neither update-grub, nor grubby, nor systemd-boot");
    }
  } catch (error) {
    return unknown(reasonOf(error));
  }
}

/** FAT keeps times to two seconds, rounded down: a grub.cfg there may look older than it is. */
function isOutdated({ filesRoot }: Access): boolean {
  const changed = (path: string) => statSync(join(filesRoot, path), { throwIfNoEntry: false })?.mtimeMs;
  const [written, made] = [changed(dropIn), changed(grubConfig)];
  return written !== undefined && made !== undefined && written > made + (made % 2000 === 0 ? 2000 : 0);
}

/**
 * What `grubby --info=ALL` prints: lines of key=value, `index=` first; values may be in double quotes.
 * Source: grubby(8).
 */
export function parseGrubbyInfo(text: string): Observed<BootEntry[]> {
  const blocks: Map<string, string>[] = [];
  for (const line of text.split("\n")) {
    const [, key, value = ""] = /^([a-z]+)=(.*)$/.exec(line.trim()) ?? [];
    if (key === undefined) continue;
    if (key === "index") blocks.push(new Map());
    blocks.at(-1)?.set(key, value.replace(/^"(.*)"$/, "$1"));
  }
  const entries = blocks.flatMap((block) => {
    const kernel = block.get("kernel");
    if (kernel === undefined) return [];
    return [
      { title: block.get("title") ?? kernel, arguments: parseKernelArguments(block.get("args") ?? "") },
    ];
  });
  return entries.length > 0
    ? entries
    : unknown(`grubby --info=ALL: not understood: ${text.trim().split("\n", 1)[0]}`);
}

/** Source: the UAPI group's Boot Loader Specification, type 1: `options` may come more than once. */
function readLoaderEntries(root: string): Observed<BootEntry[]> {
  const entries = espFolders.flatMap((esp) => {
    const folder = join(root, esp, "loader/entries");
    return filesOf(folder).flatMap((name) =>
      parseLoaderEntry(name, readFileSync(join(folder, name), "utf8")),
    );
  });
  return entries.length > 0
    ? entries
    : unknown(`no boot loader entry in ${espFolders.map((esp) => `${esp}/loader/entries`).join(", ")}`);
}

function parseLoaderEntry(name: string, text: string): BootEntry[] {
  const lines = text.split("\n").flatMap((line) => {
    const [, key, value] = /^\s*([a-z-]+)\s+(.*?)\s*$/.exec(line) ?? [];
    return key === undefined || value === undefined ? [] : [{ key, value }];
  });
  const options = lines.filter(({ key }) => key === "options").map(({ value }) => value);
  const title = lines.find(({ key }) => key === "title")?.value ?? name;
  return lines.some(({ key }) => key === "linux")
    ? [{ title, arguments: parseKernelArguments(options.join(" ")) }]
    : [];
}

function filesOf(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => name.endsWith(".conf"));
  } catch (error) {
    if (errnoName(error) === "ENOENT") return [];
    throw error;
  }
}
