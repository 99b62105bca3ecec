import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Action, Reload } from "../../actions/action.ts";
import type { ManagedFile, Unit } from "../../state/installation.ts";
import { type Observed, unknown } from "../../state/observed.ts";
import { isVfMakersUnit, type VfMaker } from "../../state/vf-makers.ts";
import { removeWhole, writeWhole } from "../system/files.ts";
import type { Kernel } from "../system/kernel.ts";
import { mustRun } from "../system/program.ts";
import { errnoName, Refusal, reasonOf } from "../system/refusal.ts";

/** Files that vflag owns on this machine, and systemd's units: observed, written, removed, enabled. */

/** Where files of vflag can be. A file there is vflag's if its name says so. */
const folders = [
  "/etc/systemd/system",
  "/usr/lib/systemd/system",
  "/etc/systemd/network",
  "/etc/udev/rules.d",
  "/etc/modprobe.d",
  "/etc/NetworkManager/conf.d",
  "/etc/default/grub.d",
];
const ownName = /^(?:\d+-)?vflag[-.a-z0-9]*$/;

/** Units whose state somebody decides on: vflag's own, and what gets in its way or depends on it. */
const unitNames = [
  "vflag-early.service",
  "vflag-late.service",
  "vflag-verify.timer",
  "systemd-networkd.service",
  "openibd.service",
  // Any instance tells of its template; udev starts one for each netdev of mlx5.
  "mlnx_interface_mgr@lo.service",
];

/** Where units are that make VFs: see `isVfMakersUnit`. */
const unitFolders = ["/etc/systemd/system", "/run/systemd/system", "/run/systemd/generator.late"];

function makersUnits({ filesRoot, runRoot }: Pick<Kernel, "filesRoot" | "runRoot">): string[] {
  const names = unitFolders.flatMap((folder) => {
    const at = folder.startsWith("/run/") ? join(runRoot, folder.slice(5)) : join(filesRoot, folder);
    return namesIn(at).filter((name) => isVfMakersUnit(name));
  });
  return [...new Set(names)].sort().slice(0, 16);
}

/** All files of vflag, by path. A folder that is not there has none. */
export function findFiles({ filesRoot }: Pick<Kernel, "filesRoot">): Observed<ManagedFile[]> {
  try {
    return folders.flatMap((folder) => filesIn(filesRoot, folder)).sort((a, b) => (a.path < b.path ? -1 : 1));
  } catch (error) {
    return unknown(reasonOf(error));
  }
}

/** None where the folder is not there. */
function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (errnoName(error) === "ENOENT") return [];
    throw error;
  }
}

function filesIn(root: string, folder: string): ManagedFile[] {
  return namesIn(join(root, folder)).flatMap((name) => {
    const path = join(folder, name);
    const stats = ownName.test(name) ? statSync(join(root, path), { throwIfNoEntry: false }) : undefined;
    if (stats?.isFile() !== true) return [];
    return [{ path, text: readFileSync(join(root, path), "utf8"), mode: stats.mode & 0o7777 }];
  });
}

/** Units of those files; systemd answers for no template, and for nothing else where it is asked for one. */
function unitsOf(makers: readonly VfMaker[]): string[] {
  return makers.flatMap(({ kind, path }) => {
    const name = path.slice(path.lastIndexOf("/") + 1);
    return kind === "unit" && /^[\w.-]+(?:@[\w.-]+)?\.service$/.test(name) ? [name] : [];
  });
}

/**
 * What systemd says of the units that matter; those that it has no file of are left out.
 * @param makers whose units are asked about, too
 */
export async function findUnits(
  kernel: Pick<Kernel, "run" | "filesRoot" | "runRoot">,
  makers: readonly VfMaker[] = [],
): Promise<Observed<Unit[]>> {
  const properties = ["Id", "LoadState", "FragmentPath", "UnitFileState", "ActiveState", "Result"];
  try {
    const names = [...new Set([...unitNames, ...makersUnits(kernel), ...unitsOf(makers)])];
    return parseUnits(
      await mustRun(kernel.run, ["systemctl", "show", `--property=${properties.join(",")}`, "--", ...names]),
    );
  } catch (error) {
    return unknown(reasonOf(error));
  }
}

/** Source: systemctl(1), show: lines of NAME=VALUE, an empty line between units. */
export function parseUnits(text: string): Unit[] {
  return text.split(/\n\n+/).flatMap((block): Unit[] => {
    const values = new Map(
      block.split("\n").map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
    );
    const value = (name: string) => values.get(name) ?? "";
    if (value("Id") === "" || value("LoadState") === "not-found") return [];
    const [path, enabled] = [value("FragmentPath"), value("UnitFileState")];
    return [
      {
        name: value("Id"),
        path: path === "" ? null : path,
        enabled: enabled === "" ? null : enabled,
        active: value("ActiveState"),
        result: value("Result"),
      },
    ];
  });
}

/** Writes a file of vflag whole, and lets its reader read it. Throws Refusal and the system's errors. */
export async function writeOwnFile(
  kernel: Pick<Kernel, "filesRoot" | "run">,
  path: string,
  text: string,
  reload: Reload | null,
): Promise<void> {
  refuseForeign(path);
  await writeWhole(join(kernel.filesRoot, path), text, { create: 0o755 });
  await reloadReader(kernel, reload);
}

/** Removes a file of vflag; one that is not there is gone already. */
export async function removeOwnFile(
  kernel: Pick<Kernel, "filesRoot" | "run">,
  path: string,
  reload: Reload | null,
): Promise<void> {
  refuseForeign(path);
  await removeWhole(join(kernel.filesRoot, path));
  await reloadReader(kernel, reload);
}

export async function setUnitEnabled(
  { run }: Pick<Kernel, "run">,
  { kind, unit, reload }: UnitAction,
): Promise<void> {
  await mustRun(run, [
    "systemctl",
    kind === "enable-unit" ? "enable" : "disable",
    ...(reload ? [] : ["--no-reload"]),
    "--",
    unit,
  ]);
}

type UnitAction = Extract<Action, { kind: "enable-unit" | "disable-unit" }>;

function refuseForeign(path: string): void {
  const own = folders.includes(dirname(path)) && ownName.test(path.slice(path.lastIndexOf("/") + 1));
  if (!own) throw new Refusal("EPERM", `${path} is no file of vflag's`);
}

async function reloadReader({ run }: Pick<Kernel, "run">, reload: Reload | null): Promise<void> {
  if (reload === "systemd") await mustRun(run, ["systemctl", "daemon-reload"]);
  if (reload === "udev") await mustRun(run, ["udevadm", "control", "--reload"]);
}
