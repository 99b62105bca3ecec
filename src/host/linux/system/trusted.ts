import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readlinkSync,
  type Stats,
} from "node:fs";
import { isAbsolute, join, resolve } from "node:path";
import { FileError } from "./system-error.ts";

/**
 * Files by way of folders that others may write to. Nothing here relies on fs.protected_symlinks (linux
 * Documentation/admin-guide/ sysctl/fs.rst), which a kernel may not have or not use: a path is walked from
 * the root, each folder is held open while the next is looked up in it, and a link is followed only where
 * nobody else can have put it there.
 */

/** A folder only as a place to look things up in: linux fcntl.h, open(2). Node has no name for it. */
const O_PATH = 0o10000000;

/** How many links one path may go through, as in path_resolution(7). */
const mostLinks = 40;

/** A folder that is held open, and a name in it. */
export interface Place extends Disposable {
  /** The way to the name by the open folder: nobody can put another folder in its place meanwhile. */
  readonly at: (name: string) => string;
  readonly name: string;
  /** Where it is, for messages. */
  readonly path: string;
  /** Whether nobody but root and this user can change what is in the folder. */
  readonly isSafe: boolean;
  /** Whose the folder is. */
  readonly owner: number;
}

/**
 * Finds the folder of a path, and the name that a link at its end stands for.
 * @throws {FileError} where a link on the way, or at the end, is another user's, with whose it is; and what
 *   the system says, such as ENOENT for a folder that is not there
 * @param create the mode of folders that are missing; without it they are not made
 */
export function placeOf(path: string, { create }: { readonly create?: number | undefined } = {}): Place {
  let open = openFolder("/");
  let at = "/";
  try {
    const left = partsOf(resolve(path));
    for (let links = 0; left.length > 0; ) {
      const [name = ""] = left.splice(0, 1);
      const here = join(at, name);
      const stats = lookAt(inFolder(open, name));
      if (stats?.isSymbolicLink() === true) {
        if (++links > mostLinks)
          throw new FileError("ELOOP", path, `ELOOP: too many symbolic links, open '${path}'`);
        const target = followed(open, name, here, stats);
        left.unshift(...partsOf(target));
        if (!isAbsolute(target)) continue;
        [open, at] = [replaced(open, "/"), "/"];
        continue;
      }
      if (left.length === 0) return placed(open, at, name);
      if (stats === null && create !== undefined) mkdirSync(inFolder(open, name), create);
      [open, at] = [replaced(open, inFolder(open, name)), here];
    }
    // The root, or a path that ends in `..`: no name of a file.
    throw new FileError("EISDIR", path, `EISDIR: that is a directory, open '${path}'`);
  } catch (error) {
    closeSync(open);
    throw FileError.of(error, "open", path);
  }
}

function placed(open: number, at: string, name: string): Place {
  const folder = fstatSync(open);
  return {
    name,
    path: join(at, name),
    isSafe: isSafe(folder),
    owner: folder.uid,
    at: (other) => inFolder(open, other),
    [Symbol.dispose]: () => closeSync(open),
  };
}

/** Where a link leads that nobody but root and this user can have put there. */
function followed(folder: number, name: string, path: string, link: Stats): string {
  if (!isTrustedOwner(link.uid) || (link.nlink > 1 && !isSafe(fstatSync(folder)))) {
    const whose = `'${path}' is a link of user ${link.uid}`;
    throw new FileError(
      "ELOOP",
      path,
      `${whose}, which user ${ownId()} does not follow: name the file itself, or run this as that user`,
    );
  }
  return readlinkSync(inFolder(folder, name));
}

/** Root's, or one's own. */
export function isTrustedOwner(uid: number): boolean {
  return uid === 0 || uid === ownId();
}

/** Whether nobody but root and this user can change what is in it. */
export function isSafe(folder: Stats): boolean {
  return isTrustedOwner(folder.uid) && (folder.mode & 0o022) === 0;
}

/**
 * Opens a file of one's own for reading and writing, or makes it and the folders on the way, without
 * following another user's link.
 * @throws {FileError} where another user's file, or what is no file, stands in its place
 */
export function openOwn(
  path: string,
  options: { readonly flags: number; readonly mode: number; readonly folderMode: number },
): number {
  using place = placeOf(path, { create: options.folderMode });
  // Not to wait for the other end of a pipe that somebody has put there.
  const flags =
    constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK | options.flags;
  let file: number;
  try {
    file = openSync(place.at(place.name), flags, options.mode);
  } catch (error) {
    throw FileError.of(error, "open", path);
  }
  const stats = fstatSync(file);
  const wrong = !stats.isFile()
    ? "is no regular file"
    : !isTrustedOwner(stats.uid)
      ? `is a file of user ${stats.uid}`
      : stats.nlink > 1 && !place.isSafe
        ? "has a second name"
        : null;
  if (wrong === null) return file;
  closeSync(file);
  throw new FileError(
    "EPERM",
    place.path,
    `'${place.path}' ${wrong}, and was left alone: remove it, then run this again`,
  );
}

/**
 * Refuses a file or folder that another user may have put there, or can change: what lies in it would be
 * taken for one's own. One that is not there is fine.
 * @throws {FileError}
 */
export function refuseForeign(path: string): void {
  let stats: Stats | null;
  try {
    using place = placeOf(path);
    stats = lookAt(place.at(place.name));
  } catch (error) {
    if (error instanceof FileError && error.code === "ENOENT") return;
    throw error;
  }
  if (stats === null || (isTrustedOwner(stats.uid) && (stats.mode & 0o002) === 0)) return;
  const whose = isTrustedOwner(stats.uid) ? "everybody can write to it" : `it is user ${stats.uid}'s`;
  throw new FileError("EPERM", path, `'${path}' is not trusted: ${whose}; remove it, or name another place`);
}

function openFolder(path: string): number {
  return openSync(path, O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW);
}

function replaced(open: number, path: string): number {
  const next = openFolder(path);
  closeSync(open);
  return next;
}

function lookAt(path: string): Stats | null {
  return lstatSync(path, { throwIfNoEntry: false }) ?? null;
}

/** As openat(2) would: /proc/self/fd leads to the open folder itself, whatever has become of its name. */
function inFolder(folder: number, name: string): string {
  return `/proc/self/fd/${folder}/${name}`;
}

function partsOf(path: string): string[] {
  return path.split("/").filter((part) => part !== "" && part !== ".");
}

function ownId(): number {
  return process.geteuid?.() ?? 0;
}
