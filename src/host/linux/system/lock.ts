import { closeSync, fchmodSync, fstatSync, ftruncateSync, readFileSync, writeSync } from "node:fs";
import { constants as os } from "node:os";
import { isRunning } from "./processes.ts";
import { FileError, systemErrorOf, systemErrorText } from "./system-error.ts";
import { openOwn } from "./trusted.ts";

/** Who holds a lock. */
export interface LockHolder {
  readonly pid: number;
  readonly command: string;
  /** ISO 8601. */
  readonly since: string;
}

/** A lock that is held, until `release` or the end of the process, however it ends. */
export interface Lock extends Disposable {
  release(): void;
}

/** Somebody else holds the lock. */
export class LockedError extends Error {
  override readonly name = "LockedError";
  readonly path: string;
  /** Null when it has only just been taken, and not yet written down by whom. */
  readonly holder: LockHolder | null;

  constructor(path: string, holder: LockHolder | null) {
    super(
      holder === null
        ? `another vflag holds ${path}`
        : `vflag ${holder.command} (process ${holder.pid}) has been running since ${holder.since} and ` +
            `holds ${path}`,
    );
    this.path = path;
    this.holder = holder;
  }
}

const LOCK_EX = 2;
const LOCK_NB = 4;

/**
 * Takes an exclusive lock, or throws LockedError at once with who has it.
 *
 * It is a flock(2): the kernel gives it back when the process ends, also by kill -9, and no child inherits it
 * (Node opens every file with O_CLOEXEC). The file itself stays, because removing it would let two processes
 * lock two files of one name. Whoever can open it can hold it, so nobody else can: its mode is 0600. By whom
 * it is held is only recorded: where that cannot be written, it is held all the same. Throws FileError when
 * the file cannot be opened, is another user's, or cannot be locked.
 * @param command what is being done, such as `apply`
 *
 * @example
 * using lock = acquireLock("/run/vflag/lock", "apply");
 */
export function acquireLock(path: string, command: string): Lock {
  const file = openOwn(path, { flags: 0, mode: 0o600, folderMode: 0o700 });
  try {
    // One that an older version made.
    if ((fstatSync(file).mode & 0o077) !== 0) fchmodSync(file, 0o600);
    if (!flock(file, path)) throw new LockedError(path, readHolder(path));
    const holder: LockHolder = { pid: process.pid, command, since: new Date().toISOString() };
    record(file, `${JSON.stringify(holder)}\n`);
  } catch (error) {
    closeSync(file);
    throw error;
  }
  let held = true;
  const release = () => {
    if (!held) return;
    held = false;
    record(file, "");
    closeSync(file);
  };
  return { release, [Symbol.dispose]: release };
}

/** Writes down who holds the lock, or nobody. */
function record(file: number, text: string): void {
  try {
    ftruncateSync(file);
    writeSync(file, text, 0);
  } catch (error) {
    // A full /run: `readHolder` then finds nobody.
    if (systemErrorOf(error) === null) throw error;
  }
}

/** Whether the lock was free; throws FileError where the system cannot say. */
function flock(file: number, path: string): boolean {
  const { dlopen, getInt32 } = process.getBuiltinModule("node:ffi");
  const { functions } = dlopen(null, {
    flock: { arguments: ["i32", "i32"], return: "i32" },
    __errno_location: { arguments: [], return: "pointer" },
  });
  for (;;) {
    if (functions.flock(file, LOCK_EX | LOCK_NB) === 0) return true;
    const errno = getInt32(functions.__errno_location(), 0);
    if (errno === os.errno.EWOULDBLOCK) return false;
    if (errno === os.errno.EINTR) continue;
    const system = systemErrorOf(Object.assign(new Error(), { errno, code: "", syscall: "flock", path }));
    throw new FileError(
      system?.code ?? null,
      path,
      system === null ? `flock '${path}'` : systemErrorText(system),
    );
  }
}

/**
 * Null when what stands there is from an earlier holder, who was killed: the present one is about to write.
 */
function readHolder(path: string): LockHolder | null {
  try {
    const { pid, command, since }: Partial<Record<string, unknown>> = JSON.parse(readFileSync(path, "utf8"));
    if (typeof pid !== "number" || typeof command !== "string" || typeof since !== "string") return null;
    return isRunning(pid) ? { pid, command, since } : null;
  } catch {
    return null;
  }
}
