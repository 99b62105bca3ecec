import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { bundle } from "../../scripts/bundle.ts";
import { isInstalled } from "../../scripts/package/tools.ts";
import { makeProgram } from "../../scripts/program.ts";
import { acquireLock, LockedError } from "../../src/host/linux/system/lock.ts";

const root = join(import.meta.dirname, "../..");
const cache = join(root, "node_modules/.cache/vflag-program");

/**
 * The executable of `npm run build`, of the sources as they are. It is made once for all test files that ask
 * for it, which are processes of their own, and kept until something changes that goes into it. Not to be
 * changed.
 */
export async function sharedProgram(): Promise<string> {
  const program = join(cache, nameOfSources(), "vflag");
  using _lock = await waitForLock(join(cache, "lock"));
  if (!existsSync(program)) {
    // Another run of the tests may still use the one of the sources as they were.
    const isOld = (other: string) => statSync(join(cache, other)).mtimeMs < Date.now() - 3_600_000;
    for (const other of readdirSync(cache))
      if (other !== "lock" && isOld(other)) rmSync(join(cache, other), { recursive: true });
    makeProgram(await bundle(), join(cache, "new"));
    renameSync(join(cache, "new"), dirname(program));
  }
  return program;
}

/**
 * A name for all that goes into the program: to read it takes a twentieth of the time that bundling it does.
 */
function nameOfSources(): string {
  const hash = createHash("sha256").update(`${process.version} ${isInstalled("strip")}`);
  const sources = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" }).filter((name) =>
    /\.\w+$/.test(name),
  );
  const files = [
    "package-lock.json",
    "scripts/bundle.ts",
    "scripts/program.ts",
    ...sources.sort().map((name) => `src/${name}`),
  ];
  for (const file of files) hash.update(`\n${file}\n`).update(readFileSync(join(root, file)));
  return hash.digest("hex").slice(0, 16);
}

async function waitForLock(file: string): Promise<Disposable> {
  mkdirSync(dirname(file), { recursive: true });
  for (;;) {
    try {
      return acquireLock(file, "building for tests");
    } catch (error) {
      if (!(error instanceof LockedError)) throw error;
      await setTimeout(100);
    }
  }
}
