import assert from "node:assert/strict";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { expectVflag, runVflag } from "../support/command.ts";
import { makeHost, onHost, runFaulty } from "../support/faults.ts";
import { noStrace } from "../support/strace.ts";
import { vflag } from "../support/vflag.ts";

/**
 * Errors that are the machine's are told as such: the system's name for it, the file, and what to do; never
 * as a defect.
 */

describe("errors of the machine", { skip: noStrace() }, () => {
  const faults = [
    ["EDQUOT", "disk quota exceeded", /quota/],
    ["ENOSPC", "no space left on device", /The file system is full/],
    ["EROFS", "read-only file system", /mounted read-only/],
    ["EIO", "i/o error", /The disk or its file system failed/],
  ] as const;
  for (const [index, [code, words, advice]] of faults.entries())
    test(`${code} where a file is written`, (t) => {
      const folder = makeHost(t);
      const all = [
        ["init", "--host", "host.json", "--spec", "new.yaml", "--write"],
        ["verify", ...onHost, "-o", "html", "--write", "report.html"],
        ["simulate", "network", "host.json"],
      ];
      // Each fault at another command, and one more.
      for (const argv of [
        all[index % all.length] ?? [],
        ["init", "--host", "host.json", "--spec", "new.yaml", "--write"],
      ]) {
        const { status, stderr } = runFaulty(folder, [vflag, ...argv], [`fsync:error=${code}`]);
        assert.equal(status, 1);
        assert.match(
          stderr,
          new RegExp(`^vflag: .*${code}: ${words}, fsync '.*(?:new\\.yaml|report\\.html|host\\.json)'`),
          argv.join(" "),
        );
        assert.match(stderr, advice);
        assert.doesNotMatch(stderr, /defect|\n {2,}at /);
      }
    });

  test("ENOLCK where the lock is taken", (t) => {
    const folder = makeHost(t);
    const { status, stderr } = runFaulty(folder, [vflag, "apply", ...onHost], ["flock:error=ENOLCK"]);
    assert.equal(status, 1);
    assert.match(
      stderr,
      /^vflag: ENOLCK: no locks available, flock 'host\.json\.lock'\n {2}The file system has no locks/,
    );
  });

  test("a full /run keeps nobody from the lock: who holds it is only a record", (t) => {
    const folder = makeHost(t);
    writeFileSync(join(folder, "host.json.lock"), "", { mode: 0o600 });
    const faults = ["write,pwrite64,ftruncate:error=ENOSPC"];
    const { status, stderr } = runFaulty(folder, [vflag, "boot", "early", ...onHost], faults, [
      join(folder, "host.json.lock"),
    ]);
    assert.equal(status, 0, stderr);
  });
});

test("a damaged database is told as that by every command of the fleet, with the file and what to do", async (t) => {
  const folder = makeHost(t);
  mkdirSync(join(folder, "states"));
  for (const host of ["h1", "h2"]) {
    writeFileSync(
      join(folder, `states/${host}.json`),
      (await runVflag(folder, ["inspect", "--host", "host.json", "-o", "json"])).stdout,
    );
    writeFileSync(join(folder, `states/${host}.yaml`), readFileSync(join(folder, "vflag.yaml")));
  }
  await expectVflag(folder, 0, ["fleet", "import", "states", "--db", "whole.db"]);
  const whole = readFileSync(join(folder, "whole.db"));
  const damages: readonly (readonly [string, (bytes: Buffer) => Buffer])[] = [
    ["cut", (bytes) => bytes.subarray(0, bytes.length - 5000)],
    ["pages", (bytes) => Buffer.from(bytes.map((byte, at) => (at < 8192 ? byte : (byte * 7 + 13) & 255)))],
  ];
  const commands = [
    ["status", "--judge"],
    ["diff", "--since", "2020-01-01"],
    ["plan"],
    ["report", "--write", "report.html"],
    ["prune", "--older-than", "0d"],
    ["import", "states"],
  ];
  for (const [name, damage] of damages)
    for (const words of commands) {
      for (const ending of ["", "-wal", "-shm"]) rmSync(join(folder, `damaged.db${ending}`), { force: true });
      writeFileSync(join(folder, "damaged.db"), damage(Buffer.from(whole)));
      const { status, stderr } = await runVflag(folder, ["fleet", ...words, "--db", "damaged.db"]);
      assert.doesNotMatch(stderr, /defect|\n +at /, `${name}: ${words.join(" ")}`);
      // What does not read the damaged part does not see it.
      if (status === 1) assert.match(stderr, /damaged\.db/, `${name}: ${words.join(" ")}`);
      if (name === "pages") assert.equal(status, 1, `${name}: ${words.join(" ")}`);
    }
});
