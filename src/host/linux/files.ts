import type { Stats } from "node:fs";
import { open, readdir, realpath, rename, stat, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { isRunning } from "./processes.ts";
import { errnoName } from "./refusal.ts";

/** Mode of a file that was not there before. */
const NEW_FILE_MODE = 0o644;

let serial = 0;

/**
 * Writes a file whole: whoever reads it, at any time, also after a crash or a power cut, finds the old content or the new,
 * never a part. A file that was there keeps its mode and owner; a link stays and what it points to is replaced.
 * The directory must exist. Throws the system's errors, such as EACCES, ENOENT, ENOSPC; the old file is then untouched.
 *
 * @example
 * await writeWhole("/etc/modprobe.d/vflag.conf", "options mlx4_core num_vfs=8\n");
 */
export async function writeWhole(path: string, content: string | Uint8Array): Promise<void> {
  const target = await realpath(path).catch((error: unknown) => {
    if (errnoName(error) === "ENOENT") return path;
    throw error;
  });
  const [directory, name] = [dirname(target), basename(target)];
  await removeLeftovers(directory, name);
  const temporary = join(directory, `.${name}.vflag-${process.pid}-${serial++}`);
  try {
    await writeNew(temporary, content, await statOf(target));
    await rename(temporary, target);
  } catch (error) {
    await unlink(temporary).catch(() => {});
    throw error;
  }
  // The new name itself is on the disk only when the directory is.
  await using folder = await open(directory, "r");
  await folder.sync();
}

/** Removes a file, and what a killed process left while it wrote it; one that is not there is gone already. */
export async function removeWhole(path: string): Promise<void> {
  const directory = dirname(path);
  try {
    await removeLeftovers(directory, basename(path));
    await unlink(path);
  } catch (error) {
    if (errnoName(error) !== "ENOENT") throw error;
    return;
  }
  await using folder = await open(directory, "r");
  await folder.sync();
}

/** Writes a file that must not exist (nobody has put a link in its place), and waits until it is on the disk. */
async function writeNew(path: string, content: string | Uint8Array, like: Stats | null): Promise<void> {
  await using file = await open(path, "wx", 0o600);
  await file.writeFile(content);
  if (like !== null) await file.chown(like.uid, like.gid);
  // After chown, which takes setuid bits away; and past the umask.
  await file.chmod(like === null ? NEW_FILE_MODE : like.mode & 0o7777);
  await file.sync();
}

/** Removes what a process left here that was killed while it wrote this file. */
async function removeLeftovers(directory: string, name: string): Promise<void> {
  const prefix = `.${name}.vflag-`;
  for (const entry of await readdir(directory)) {
    const pid = entry.startsWith(prefix) ? /^(\d+)-\d+$/.exec(entry.slice(prefix.length))?.[1] : undefined;
    if (pid !== undefined && !isRunning(Number(pid))) await unlink(join(directory, entry)).catch(() => {});
  }
}

async function statOf(path: string): Promise<Stats | null> {
  try {
    return await stat(path);
  } catch (error) {
    if (errnoName(error) === "ENOENT") return null;
    throw error;
  }
}
