import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { bundle } from "../../scripts/bundle.ts";
import { isInstalled } from "../../scripts/package/tools.ts";
import { makeProgram } from "../../scripts/program.ts";
import { acquireLock, LockedError } from "../../src/host/linux/lock.ts";

const root = join(import.meta.dirname, "../..");
const cache = join(root, "node_modules/.cache/vflag-program");

/**
 * The executable of `npm run build`, of the sources as they are. It is made once for all test files that ask for it, which are
 * processes of their own, and kept until something changes that goes into it. Not to be changed.
 */
export async function sharedProgram(): Promise<string> {
  const script = await bundle();
  const inputs = [script, readFileSync(join(root, "scripts/program.ts"), "utf8"), process.version, isInstalled("strip")];
  const name = createHash("sha256").update(JSON.stringify(inputs)).digest("hex").slice(0, 16);
  const program = join(cache, name, "vflag");
  using _lock = await waitForLock(join(cache, "lock"));
  if (!existsSync(program)) {
    // Another run of the tests may still use the one of the sources as they were.
    const isOld = (other: string) => statSync(join(cache, other)).mtimeMs < Date.now() - 3_600_000;
    for (const other of readdirSync(cache)) if (other !== "lock" && isOld(other)) rmSync(join(cache, other), { recursive: true });
    makeProgram(script, join(cache, "new"));
    renameSync(join(cache, "new"), dirname(program));
  }
  return program;
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
