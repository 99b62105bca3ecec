import {
  chmodSync,
  copyFileSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import type { PackagedFile } from "./files.ts";

/**
 * Lays a package's files out below a folder as they are to be installed. Owners are the packagers' concern:
 * this needs no root.
 */
export function stage(files: readonly PackagedFile[], folder: string, epoch: number): void {
  mkdirSync(folder, { recursive: true });
  for (const file of files) {
    const path = join(folder, file.path);
    mkdirSync("directory" in file ? path : dirname(path), { recursive: true });
    if ("copyOf" in file) copyFileSync(file.copyOf, path);
    else if ("content" in file) writeFileSync(path, file.content);
    if (!("directory" in file)) chmodSync(path, file.mode);
  }
  settle(folder, epoch);
}

/** Whatever the umask was: folders are 0755, and everything is of one time. */
function settle(path: string, epoch: number): void {
  if (lstatSync(path).isDirectory()) {
    for (const name of readdirSync(path)) settle(join(path, name), epoch);
    chmodSync(path, 0o755);
  }
  utimesSync(path, epoch, epoch);
}

/** The sizes of all files below a folder, in bytes. */
export function sizeOf(path: string): number {
  const stat = lstatSync(path);
  return stat.isDirectory()
    ? readdirSync(path).reduce((sum, name) => sum + sizeOf(join(path, name)), 0)
    : stat.size;
}
