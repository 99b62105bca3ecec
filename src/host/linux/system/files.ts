import { type Stats, symlinkSync } from "node:fs";
import { lstat, open, readdir, rename, unlink } from "node:fs/promises";
import { isRunning } from "./processes.ts";
import { errnoName } from "./refusal.ts";
import { FileError } from "./system-error.ts";
import { isTrustedOwner, type Place, placeOf } from "./trusted.ts";

/** Mode of a file that was not there before. */
const NEW_FILE_MODE = 0o644;

let serial = 0;

/**
 * Writes a file whole: whoever reads it, at any time, also after a crash or a power cut, finds the old
 * content or the new, never a part. A file that was there keeps its mode and owner; a link stays and what it
 * points to is replaced, but another user's link is not followed (trusted.ts). Throws FileError, such as
 * EACCES, ENOENT, ENOSPC; the old file is then untouched.
 * @param create the mode of folders on the way that are missing; without it they must exist
 *
 * @example
 * await writeWhole("/etc/modprobe.d/vflag.conf", "options mlx4_core num_vfs=8\n");
 */
export async function writeWhole(
  path: string,
  content: string | Uint8Array,
  { create }: { readonly create?: number } = {},
): Promise<void> {
  using place = placeOf(path, { create });
  try {
    await removeLeftovers(place);
    const temporary = place.at(`.${place.name}.vflag-${process.pid}-${serial++}`);
    try {
      await writeNew(temporary, content, await likeOf(place));
      await rename(temporary, place.at(place.name));
    } catch (error) {
      await unlink(temporary).catch(() => {});
      throw error;
    }
    await syncFolder(place);
  } catch (error) {
    throw FileError.of(error, "write", path);
  }
}

/**
 * Removes a file, and what a killed process left while it wrote it; one that is not there is gone already.
 */
export async function removeWhole(path: string): Promise<void> {
  try {
    using place = placeOf(path);
    await removeLeftovers(place);
    await unlink(place.at(place.name));
    await syncFolder(place);
  } catch (error) {
    if (errnoName(error) !== "ENOENT") throw FileError.of(error, "remove", path);
  }
}

/** Makes a link, and the folders on the way to it. */
export function makeLink(path: string, target: string): void {
  using place = placeOf(path, { create: 0o755 });
  try {
    symlinkSync(target, place.at(place.name));
  } catch (error) {
    throw FileError.of(error, "symlink", path);
  }
}

/** The new name itself is on the disk only when the directory is. */
async function syncFolder(place: Place): Promise<void> {
  await using folder = await open(place.at("."), "r");
  await folder.sync();
}

/**
 * The file whose mode and owner a new one takes over. Not those of a third one's file in a folder that many
 * write to: what root writes to /tmp is not for whoever had the name before.
 */
async function likeOf(place: Place): Promise<Stats | null> {
  try {
    const stats = await lstat(place.at(place.name));
    return stats.isFile() && (place.isSafe || isTrustedOwner(stats.uid) || stats.uid === place.owner)
      ? stats
      : null;
  } catch (error) {
    if (errnoName(error) === "ENOENT") return null;
    throw error;
  }
}

/**
 * Writes a file that must not exist (nobody has put a link in its place), and waits until it is on the disk.
 */
async function writeNew(path: string, content: string | Uint8Array, like: Stats | null): Promise<void> {
  await using file = await open(path, "wx", 0o600);
  await file.writeFile(content);
  if (like !== null) await file.chown(like.uid, like.gid);
  // After chown, which takes setuid bits away; and past the umask.
  await file.chmod(like === null ? NEW_FILE_MODE : like.mode & 0o7777);
  await file.sync();
}

/** Removes what a process left here that was killed while it wrote this file. */
async function removeLeftovers(place: Place): Promise<void> {
  const prefix = `.${place.name}.vflag-`;
  for (const entry of await readdir(place.at("."))) {
    const pid = entry.startsWith(prefix) ? /^(\d+)-\d+$/.exec(entry.slice(prefix.length))?.[1] : undefined;
    if (pid !== undefined && !isRunning(Number(pid))) await unlink(place.at(entry)).catch(() => {});
  }
}
