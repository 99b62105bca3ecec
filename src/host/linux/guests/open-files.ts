import { readdirSync, readlinkSync, type Stats, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { errnoName } from "../system/refusal.ts";
import { readText } from "../system/sysfs.ts";

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
 * A device is known by its number (`st_rdev`), whatever name it was opened by: QEMU under libvirt has a /dev
 * of its own, and anybody can make another node. Other files are known by their path: what the process
 * opened, as seen from its own mount namespace's root; a file that was unlinked meanwhile says ` (deleted)`.
 */
export function findOpenFiles(paths: ReadonlySet<string>, procRoot: string): OpenFiles {
  const holders = new Map<string, ProcessWithFile[]>();
  const sought = new Sought(paths, procRoot);
  let hidden = 0;
  for (const pid of readdirSync(procRoot)) {
    if (!/^\d+$/.test(pid)) continue;
    const open = sought.openBy(pid);
    if (open === null) hidden += 1;
    for (const path of new Set(open)) {
      const holder = { pid: Number(pid), command: readText(join(procRoot, pid, "comm")) ?? "?" };
      holders.set(path, [...(holders.get(path) ?? []), holder]);
    }
  }
  return { holders, hidden };
}

/** File systems whose server may be gone: whoever asks for a file's kind there waits for ever. */
const remote = /^(?:nfs4?|cifs|smb3|ceph|9p|afs|autofs|lustre|gpfs|beegfs|glusterfs|fuse.*)$/;

class Sought {
  readonly #paths: ReadonlySet<string>;
  readonly #procRoot: string;
  readonly #byNumber: ReadonlyMap<number, string>;
  /** By mount namespace: its mount points, and whether what is mounted there is not asked. */
  readonly #mounts = new Map<string, ReadonlyMap<string, boolean>>();

  constructor(paths: ReadonlySet<string>, procRoot: string) {
    this.#paths = paths;
    this.#procRoot = procRoot;
    const devices = [...paths].flatMap((path) => {
      const stats = statOf(path);
      return stats?.isCharacterDevice() === true ? [[stats.rdev, path] as const] : [];
    });
    this.#byNumber = new Map(devices);
  }

  /** Those of the files that a process has open; none when it has ended, null when it cannot be looked at. */
  openBy(pid: string): string[] | null {
    const directory = join(this.#procRoot, pid, "fd");
    try {
      return readdirSync(directory).flatMap((fd) => this.#named(pid, `${directory}/${fd}`) ?? []);
    } catch (error) {
      const code = errnoName(error);
      return code === "EACCES" || code === "EPERM" ? null : [];
    }
  }

  #named(pid: string, link: string): string | null {
    const target = readTarget(link)?.replace(/ \(deleted\)$/, "");
    if (target?.startsWith("/") !== true) return null;
    if (this.#paths.has(target)) return target;
    if (this.#byNumber.size === 0 || this.#isRemote(pid, target)) return null;
    const stats = statOf(link);
    return stats?.isCharacterDevice() === true ? (this.#byNumber.get(stats.rdev) ?? null) : null;
  }

  /**
   * Whether the file is on one of them: what is mounted nearest to it decides, as a container's /dev over the
   * root that FUSE gives it.
   */
  #isRemote(pid: string, file: string): boolean {
    const mounts = this.#mountsOf(pid);
    for (let path = file; path.length > 1; path = dirname(path)) {
      const found = mounts.get(path);
      if (found !== undefined) return found;
    }
    return mounts.get("/") === true;
  }

  #mountsOf(pid: string): ReadonlyMap<string, boolean> {
    const namespace = readTarget(join(this.#procRoot, pid, "ns/mnt")) ?? pid;
    const known = this.#mounts.get(namespace);
    if (known !== undefined) return known;
    // Source: proc_pid_mountinfo(5): the mount point is the fifth field, with octal escapes; the type follows
    // a lone hyphen.
    const lines = (readText(join(this.#procRoot, pid, "mountinfo")) ?? "").split("\n");
    const mounts = lines.flatMap((line) => {
      const [fields = "", rest = ""] = line.split(" - ");
      const point = fields.split(" ")[4];
      return point === undefined ? [] : [[unescaped(point), remote.test(rest.split(" ")[0] ?? "")] as const];
    });
    // Of several at one place the last is on top.
    const byPoint = new Map(mounts);
    this.#mounts.set(namespace, byPoint);
    return byPoint;
  }
}

function unescaped(point: string): string {
  return point.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

function readTarget(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
}

function statOf(path: string): Stats | null {
  try {
    return statSync(path);
  } catch {
    return null;
  }
}
