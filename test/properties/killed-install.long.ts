import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { build } from "esbuild";
import fc from "fast-check";
import { artefacts } from "../../src/boot/artefacts.ts";
import type { Action } from "../../src/host/actions/action.ts";
import { countFrom } from "../support/count.ts";
import { noStrace } from "../support/strace.ts";
import { perform } from "./installing.ts";

/**
 * An installation is killed, or the kernel refuses, at one of its system calls: strace does it, at the n-th
 * call of a name. Every file then has its old content or its new, and the next installation ends where one
 * ends that nobody killed.
 */

/** FAULT_ROUNDS=40: 200 installations. */
const runs = 5 * countFrom("FAULT_ROUNDS", 6);
const paths = artefacts.map(({ path }) => path);
const calls = [
  "openat",
  "write",
  "pwrite64",
  "fchmod",
  "fchown",
  "fsync",
  "rename",
  "unlink",
  "getdents64",
  "mkdir",
  "close",
  "statx",
];

const text = fc.oneof(
  fc.string({ maxLength: 40 }),
  fc.nat(9).map((digit) => String(digit).repeat(200_000)),
);
const scenario = fc.record({
  /** What stands in each file, and what shall: null for no file. */
  files: fc.tuple(...paths.map(() => fc.record({ before: fc.option(text), wanted: fc.option(text) }))),
  call: fc.constantFrom(...calls),
  nth: fc.integer({ min: 1, max: 6 }),
  fault: fc.constantFrom("signal=KILL", "error=EIO", "error=ENOSPC"),
});

test("an installation that is killed at any system call leaves whole files, and the next one ends the same", {
  skip: noStrace(),
}, async (t) => {
  let cut = 0;
  const program = await installer(t);
  await fc.assert(
    fc.asyncProperty(scenario, async ({ files, call, nth, fault }) => {
      const root = mkdtempSync(join(tmpdir(), "vflag-install-"));
      try {
        for (const [index, path] of paths.entries()) {
          const { before } = files[index] ?? {};
          if (before == null) continue;
          mkdirSync(dirname(join(root, path)), { recursive: true });
          writeFileSync(join(root, path), before);
        }
        const wanted = paths.map((path, index) => ({ path, text: files[index]?.wanted ?? null }));
        if (!(await install(program, root, needed(root, wanted), `inject=${call}:${fault}:when=${nth}`)))
          cut++;
        for (const [index, path] of paths.entries()) {
          const { before = null, wanted: after = null } = files[index] ?? {};
          const now = read(root, path);
          assert.ok(now === before || now === after, `${path} has neither the old content nor the new`);
        }
        for (const action of needed(root, wanted)) await perform(root, action);
        for (const { path, text: after } of wanted) assert.equal(read(root, path), after, path);
        assert.deepEqual(
          filesIn(root),
          wanted.flatMap(({ path, text: after }) => (after === null ? [] : [path])).sort(),
        );
      } finally {
        rmSync(root, { recursive: true });
      }
    }),
    { numRuns: runs },
  );
  t.diagnostic(`${cut} of ${runs} installations were cut short`);
  assert.ok(cut >= runs / 2, `only ${cut} of ${runs} installations were cut short`);
});

/** What an installation does: only what is not as it shall be. */
function needed(root: string, wanted: readonly { path: string; text: string | null }[]): Action[] {
  return wanted.flatMap(({ path, text: after }): Action[] => {
    if (read(root, path) === after) return [];
    if (after === null) return [{ kind: "remove-file", path, reload: null }];
    return [{ kind: "write-file", path, text: after, render: "x", reload: null }];
  });
}

/**
 * A program that installs what it reads: one file, so that its start takes a fraction of what compiling its
 * sources takes.
 */
async function installer(t: TestContext): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "vflag-installer-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const outfile = join(folder, "install.mjs");
  await build({
    entryPoints: [join(import.meta.dirname, "installer.ts")],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
  });
  return outfile;
}

/** Installs in a process of its own, with a fault. Whether it came to its end. */
async function install(
  program: string,
  root: string,
  actions: readonly Action[],
  inject: string,
): Promise<boolean> {
  // One thread for all files: strace counts by thread.
  const env = { ...process.env, UV_THREADPOOL_SIZE: "1" };
  const child = spawn(process.execPath, [program], { stdio: ["pipe", "pipe", "ignore"], env });
  const ended = once(child, "exit");
  await once(child.stdout, "data");
  const threads = [
    "-f",
    "-p",
    String(child.pid),
    "-o",
    "/dev/null",
    "-e",
    `trace=${calls.join(",")}`,
    "-e",
    inject,
  ];
  const strace = spawn("strace", threads, { stdio: ["ignore", "ignore", "pipe"] });
  const detached = once(strace, "exit");
  await once(strace.stderr, "data");
  // It may be killed before it has read that.
  child.stdin.on("error", () => {});
  child.stdin.end(JSON.stringify({ root, actions }));
  const [code] = await ended;
  await detached;
  return code === 0;
}

function read(root: string, path: string): string | null {
  try {
    return readFileSync(join(root, path), "utf8");
  } catch {
    return null;
  }
}

/** Every file, also hidden ones, as a path of the host. */
function filesIn(root: string): string[] {
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length))
    .sort();
}
