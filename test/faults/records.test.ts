import assert from "node:assert/strict";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import type { Action } from "../../src/host/actions/action.ts";
import { openRecord, reasonInWords } from "../../src/host/linux/system/records.ts";
import { pciAddress } from "../../src/host/state/values.ts";
import { Journal } from "../../src/reconcile/journal.ts";
import { makeTree } from "../host/linux/tree.ts";
import { makeHost, mounted, noMounts, onHost, run, runFaulty } from "../support/faults.ts";
import { noStrace } from "../support/strace.ts";
import { vflag } from "../support/vflag.ts";

/**
 * What only records never stops what acts: full and read-only places, on real file systems and by injected
 * faults.
 */

const early = [vflag, "boot", "early", ...onHost];

/** After it, nothing of the early stage is left to do. */
function assertDone(folder: string): void {
  const again = run(folder, early);
  assert.match(again.stdout, /Nothing was to be done/);
}

describe("a journal that cannot be written", () => {
  for (const [name, script] of [
    ["full", "mount -t tmpfs -o size=8k tmpfs full; head -c 1M /dev/zero > full/filler 2>/dev/null || true"],
    ["read-only", "mount -t tmpfs -o ro tmpfs full"],
  ] as const)
    test(`a ${name} place: boot early does all of it, says so once and what is missing, and its exit code is that of the host`, {
      skip: noMounts(),
    }, (t) => {
      const folder = makeHost(t);
      mkdirSync(join(folder, "full"));
      symlinkSync("full/journal.jsonl", join(folder, "host.json.journal.jsonl"));
      const { status, stderr } = run(folder, mounted(script, early));
      assert.equal(status, 0, stderr);
      const code = name === "full" ? "ENOSPC" : "EROFS";
      assert.equal(
        stderr.match(new RegExp(`vflag: the journal cannot be written: ${code}: [^\n]*journal\\.jsonl`, "g"))
          ?.length,
        1,
        stderr,
      );
      assert.match(stderr, /\d+ entries of the journal host\.json\.journal\.jsonl were never written: /);
      assertDone(folder);
    });

  for (const error of ["ENOSPC", "EDQUOT", "EIO"])
    test(`${error} at every write and sync of it stops no action`, { skip: noStrace() }, (t) => {
      const folder = makeHost(t);
      writeFileSync(join(folder, "host.json.journal.jsonl"), "");
      const faults = [`write,pwrite64,writev:error=${error}`, `fsync:error=${error}`];
      const { status, stderr } = runFaulty(folder, early, faults, [join(folder, "host.json.journal.jsonl")]);
      assert.equal(status, 0, stderr);
      assert.match(stderr, new RegExp(`the journal cannot be written: ${error}: `));
      assertDone(folder);
    });

  test("what could not be written is kept, and written when it can be: every entry once, each on a line of its own", (t) => {
    const file = join(makeTree(t, {}), "journal.jsonl");
    const warnings: string[] = [];
    let isFull = true;
    const keeper = {
      open: (path: string) => {
        if (isFull) throw new Error("ENOSPC: no space left on device");
        return openRecord(path);
      },
      warn: (text: string) => warnings.push(text),
      reason: reasonInWords,
    };
    const action: Action = { kind: "set-vf-count", pf: pciAddress("0000:37:00.0"), count: 2 };
    const journal = Journal.open(file, keeper);
    for (let number = 0; number < 5; number++) journal.write({ kind: "done", action });
    isFull = false;
    journal.write({ kind: "done", action: { ...action, count: 3 } });
    journal.close();
    const lines = readFileSync(file, "utf8").trimEnd().split("\n");
    assert.deepEqual(
      lines.map((line) => JSON.parse(line).action.count),
      [2, 2, 2, 2, 2, 3],
    );
    assert.equal(warnings.length, 2);
    assert.match(warnings[1] ?? "", /is complete again/);
  });

  test("more than 16 MiB are not kept, but counted", (t) => {
    const warnings: string[] = [];
    const open = () => {
      throw new Error("EROFS: read-only file system");
    };
    const journal = Journal.open(join(makeTree(t, {}), "journal.jsonl"), {
      open,
      warn: (text) => warnings.push(text),
      reason: reasonInWords,
    });
    const reason = "x".repeat(1 << 20);
    const action: Action = { kind: "set-vf-count", pf: pciAddress("0000:37:00.0"), count: 2 };
    for (let number = 0; number < 20; number++) journal.write({ kind: "failed", action, code: null, reason });
    journal.close();
    assert.match(warnings.at(-1) ?? "", /^20 entries of the journal .* were never written: EROFS/);
  });
});

describe("output that cannot be written", () => {
  test("apply on a full disk goes on to its end, and its exit code is that of the host", {
    skip: noMounts(),
  }, (t) => {
    const folder = makeHost(t);
    mkdirSync(join(folder, "full"));
    const script =
      "mount -t tmpfs -o size=8k tmpfs full; head -c 1M /dev/zero > full/filler 2>/dev/null || true";
    for (const words of [
      early,
      [vflag, "simulate", "network", "host.json"],
      [vflag, "boot", "late", ...onHost],
    ]) {
      const all = words.includes("simulate") ? words : mounted(`${script}; exec >full/out 2>full/err`, words);
      assert.equal(run(folder, all).status, 0);
    }
    assert.match(run(folder, [vflag, "verify", ...onHost]).stdout, /data {2}vf-lag {2}works/);
  });

  test("a command that only shows fails with the reason, also where a part was taken", {
    skip: noMounts(),
  }, (t) => {
    const folder = makeHost(t);
    mkdirSync(join(folder, "full"));
    for (const size of ["4k", "8k"]) {
      const script = `mount -t tmpfs -o size=${size} tmpfs full; exec >full/out`;
      const { status, stderr } = run(
        folder,
        mounted(script, [vflag, "inspect", "--host", "host.json", "-o", "json"]),
      );
      assert.equal(status, 1);
      assert.match(
        stderr,
        /^vflag: what it prints cannot be written: ENOSPC: no space left on device, write\n$/,
      );
    }
    const full = run(folder, ["sh", "-c", `${vflag} verify --host host.json --spec vflag.yaml > /dev/full`]);
    assert.equal(full.status, 1);
    assert.match(full.stderr, /ENOSPC/);
  });
});
