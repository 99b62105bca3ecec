import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { cache } from "./paths.ts";

/**
 * A build step's result: a folder named after the step and a hash of all that went into it.
 * If it is there, it is right, and nothing is done. Otherwise it is made under a temporary name and
 * renamed when complete, so a build that was killed leaves nothing behind that looks finished.
 */
export async function cached(step: string, inputs: readonly string[], make: (folder: string) => Promise<void>): Promise<string> {
  const hash = createHash("sha256").update(JSON.stringify(inputs)).digest("hex").slice(0, 16);
  const folder = join(cache, `${step}-${hash}`);
  if (existsSync(folder)) return folder;

  const started = performance.now();
  process.stderr.write(`${step} ...`);
  const temporary = `${folder}.${process.pid}`;
  await rm(temporary, { recursive: true, force: true });
  await mkdir(temporary, { recursive: true });
  try {
    await make(temporary);
    // Another build may have made the same meanwhile.
    if (existsSync(folder)) await rm(temporary, { recursive: true });
    else await rename(temporary, folder);
  } catch (error) {
    process.stderr.write(" failed\n");
    await rm(temporary, { recursive: true, force: true });
    throw error;
  }
  process.stderr.write(` ${((performance.now() - started) / 1000).toFixed(1)} s\n`);
  return folder;
}

/** The names and contents of a folder's files, as an input for `cached`. */
export async function contentsOf(folder: string): Promise<string[]> {
  const names = (await readdir(folder)).sort();
  return Promise.all(names.map(async (name) => `${name}\0${await readFile(join(folder, name), "utf8")}`));
}

/** Removes the results of earlier builds, all but those given. */
export async function removeOthers(keep: readonly string[]): Promise<string[]> {
  const removed: string[] = [];
  for (const name of await readdir(cache)) {
    if (!/-[0-9a-f]{16}(\.\d+)?$/.test(name) || keep.includes(join(cache, name))) continue;
    await rm(join(cache, name), { recursive: true, force: true });
    removed.push(name);
  }
  return removed;
}
