import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rename, rm, stat, statfs, utimes } from "node:fs/promises";
import { basename, dirname, join, relative } from "node:path";
import { cache } from "./paths.ts";

/**
 * How many results of one step stay: of snapshots as many as `npm run lab:test` uses, and of the rest what a
 * few branches need.
 */
const kept = (step: string): number => (step.endsWith("snapshot") ? 6 : 3);

const atWork = new Map<string, Promise<string>>();

/**
 * A build step's result: a folder named after the step and a hash of all that went into it.
 * If it is there, it is right, and nothing is done. Otherwise it is made under a temporary name and
 * renamed when complete, so a build that was killed leaves nothing behind that looks finished.
 * Who wants it while it is being made waits for it. The step's results that were not used for the longest
 * time are then removed.
 */
export async function cached(
  step: string,
  inputs: readonly string[],
  make: (folder: string) => Promise<void>,
): Promise<string> {
  const hash = createHash("sha256").update(JSON.stringify(inputs)).digest("hex").slice(0, 16);
  const folder = join(cache, `${step}-${hash}`);
  const begun = atWork.get(folder);
  if (begun !== undefined) return begun;
  if (existsSync(folder)) {
    await utimes(folder, new Date(), new Date());
    return folder;
  }
  const result = makeIn(folder, step, make).finally(() => atWork.delete(folder));
  atWork.set(folder, result);
  return result;
}

async function makeIn(
  folder: string,
  step: string,
  make: (folder: string) => Promise<void>,
): Promise<string> {
  await needRoom();
  const started = performance.now();
  process.stderr.write(`${step} ...\n`);
  const temporary = `${folder}.${process.pid}`;
  await rm(temporary, { recursive: true, force: true });
  await mkdir(temporary, { recursive: true });
  try {
    await make(temporary);
    // Another build may have made the same meanwhile.
    if (existsSync(folder)) await rm(temporary, { recursive: true });
    else await rename(temporary, folder);
  } catch (error) {
    process.stderr.write(`${step}: failed\n`);
    await rm(temporary, { recursive: true, force: true });
    throw error;
  }
  process.stderr.write(`${step}: ${((performance.now() - started) / 1000).toFixed(1)} s\n`);
  await forget(step);
  return folder;
}

/** Removes what the step made and nobody used lately, and what its killed builds left. */
async function forget(step: string): Promise<void> {
  const parent = join(cache, dirname(step));
  const form = new RegExp(`^${basename(step)}-[0-9a-f]{16}(?:\\.(?<maker>\\d+))?$`);
  const results: { folder: string; used: number }[] = [];
  for (const name of await readdir(parent)) {
    const match = form.exec(name);
    if (match === null) continue;
    const folder = join(parent, name);
    const maker = match.groups?.maker;
    if (maker === undefined) results.push({ folder, used: (await stat(folder)).mtimeMs });
    else if (!existsSync(`/proc/${maker}`)) await rm(folder, { recursive: true, force: true });
  }
  results.sort((a, b) => b.used - a.used);
  for (const { folder } of results.slice(kept(step))) await rm(folder, { recursive: true, force: true });
}

/** A guest's disk, a snapshot and an image take up to 3 GB each while they are made. */
const room = 4;

/** Throws where a step, or a guest, would run into the end of the disk. */
export async function needRoom(): Promise<void> {
  const { bavail, bsize } = await statfs(cache);
  const free = (bavail * bsize) / 1e9;
  if (free >= room) return;
  throw new Error(
    `${cache} has ${free.toFixed(1)} GB of free space, and the lab wants ${room} GB: make room ("npm run lab -- build --clean" removes what ` +
      "earlier builds made), or name a folder on another disk in VFLAG_LAB_CACHE",
  );
}

/** The names and contents of the files below a folder, as an input for `cached`. */
export async function contentsOf(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name));
  return Promise.all(
    files.sort().map(async (file) => `${relative(folder, file)}\0${await readFile(file, "utf8")}`),
  );
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
