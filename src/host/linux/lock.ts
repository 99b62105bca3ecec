import { closeSync, constants, ftruncateSync, mkdirSync, openSync, readFileSync, writeSync } from "node:fs";
import { constants as os } from "node:os";
import { dirname } from "node:path";
import { getSystemErrorMessage } from "node:util";
import { isRunning } from "./processes.ts";

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
        : `vflag ${holder.command} (process ${holder.pid}) has been running since ${holder.since} and holds ${path}`,
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
 * It is a flock(2): the kernel gives it back when the process ends, also by kill -9, and no child inherits it (Node opens
 * every file with O_CLOEXEC). The file itself stays, because removing it would let two processes lock two files of one name.
 * Throws the system's errors when the file cannot be opened. @param command what is being done, such as `apply`
 *
 * @example
 * using lock = acquireLock("/run/vflag/lock", "apply");
 */
export function acquireLock(path: string, command: string): Lock {
  mkdirSync(dirname(path), { recursive: true });
  const file = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o644);
  try {
    if (!flock(file)) throw new LockedError(path, readHolder(path));
    const holder: LockHolder = { pid: process.pid, command, since: new Date().toISOString() };
    ftruncateSync(file);
    writeSync(file, `${JSON.stringify(holder)}\n`, 0);
  } catch (error) {
    closeSync(file);
    throw error;
  }
  let held = true;
  const release = () => {
    if (!held) return;
    held = false;
    ftruncateSync(file);
    closeSync(file);
  };
  return { release, [Symbol.dispose]: release };
}

/** Whether the lock was free; throws Error when it cannot be told. */
function flock(file: number): boolean {
  const { dlopen, getInt32 } = process.getBuiltinModule("node:ffi");
  const { functions } = dlopen(null, {
    flock: { arguments: ["i32", "i32"], return: "i32" },
    __errno_location: { arguments: [], return: "pointer" },
  });
  for (;;) {
    if (functions.flock(file, LOCK_EX | LOCK_NB) === 0) return true;
    const errno = getInt32(functions.__errno_location(), 0);
    if (errno === os.errno.EWOULDBLOCK) return false;
    if (errno !== os.errno.EINTR) throw new Error(`flock: ${getSystemErrorMessage(-errno)}`);
  }
}

/** Null when what stands there is from an earlier holder, who was killed: the present one is about to write. */
function readHolder(path: string): LockHolder | null {
  try {
    const { pid, command, since }: Partial<Record<string, unknown>> = JSON.parse(readFileSync(path, "utf8"));
    if (typeof pid !== "number" || typeof command !== "string" || typeof since !== "string") return null;
    return isRunning(pid) ? { pid, command, since } : null;
  } catch {
    return null;
  }
}
