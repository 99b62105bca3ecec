import { readdirSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { errnoName } from "./refusal.ts";
import { readText } from "./sysfs.ts";

export interface ProcessWithFile {
  readonly pid: number;
  readonly command: string;
}

export interface OpenFiles {
  /** By path: who has it open. */
  readonly holders: ReadonlyMap<string, readonly ProcessWithFile[]>;
  /** How many processes did not let us look: more than 0 only without root. */
  readonly hidden: number;
}

/**
 * Which processes have one of these files open: what `lsof` does, in one walk through /proc/PID/fd.
 *
 * The path is what the process opened, also when it has a mount namespace and a /dev of its own, as libvirt gives to
 * QEMU: the kernel tells it from the root of that namespace. A file that was unlinked meanwhile says ` (deleted)`.
 */
export function findOpenFiles(paths: ReadonlySet<string>, procRoot: string): OpenFiles {
  const holders = new Map<string, ProcessWithFile[]>();
  let hidden = 0;
  for (const pid of readdirSync(procRoot)) {
    if (!/^\d+$/.test(pid)) continue;
    const open = openPaths(join(procRoot, pid, "fd"));
    if (open === null) hidden += 1;
    for (const path of new Set(open)) {
      if (!paths.has(path)) continue;
      const holder = { pid: Number(pid), command: readText(join(procRoot, pid, "comm")) ?? "?" };
      holders.set(path, [...(holders.get(path) ?? []), holder]);
    }
  }
  return { holders, hidden };
}

/** The devices that a process has open; none when it has ended, null when it cannot be looked at. */
function openPaths(directory: string): string[] | null {
  try {
    return readdirSync(directory).flatMap((fd) => {
      const target = readTarget(`${directory}/${fd}`);
      return target?.startsWith("/") === true ? [target.replace(/ \(deleted\)$/, "")] : [];
    });
  } catch (error) {
    const code = errnoName(error);
    return code === "EACCES" || code === "EPERM" ? null : [];
  }
}

function readTarget(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
}
