import assert from "node:assert/strict";
import fs, {
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { Action } from "../../src/host/actions/action.ts";
import { pciAddress } from "../../src/host/state/values.ts";
import { Journal } from "../../src/reconcile/journal.ts";
import { keeper } from "../support/journal.ts";

const limit = 16 * 1024 * 1024;
const action: Action = { kind: "set-vf-count", pf: pciAddress("0000:37:00.0"), count: 2 };
const step = { nic: "data", requirement: "vf-count", deviations: [], actions: [action] };

/** A journal's path in a folder of its own, which does not exist yet. */
function journalFile(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "vflag-journal-"));
  t.after(() => rmSync(folder, { recursive: true }));
  return join(folder, "lib", "journal.jsonl");
}

/** One run that writes down one action. */
function run(file: string): void {
  const journal = Journal.open(file, keeper);
  journal.actionBegins(step, action);
  journal.actionEnds(action, null);
  journal.close();
}

function kinds(file: string): unknown[] {
  return readFileSync(file, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line).kind);
}

test("runs follow one another in one file, each line an object", (t) => {
  const file = journalFile(t);
  run(file);
  run(file);
  assert.deepEqual(kinds(file), ["action", "done", "action", "done"]);
  assert.equal(existsSync(`${file}.1`), false);
});

test("half a line that a killed run left stays alone: what follows begins on a line of its own", (t) => {
  const file = journalFile(t);
  run(file);
  truncateSync(file, statSync(file).size - 5);
  run(file);
  const lines = readFileSync(file, "utf8").trimEnd().split("\n");
  assert.equal(lines.length, 4);
  assert.throws(() => JSON.parse(lines[1] ?? ""), SyntaxError);
  assert.deepEqual(
    lines.slice(2).map((line) => JSON.parse(line).kind),
    ["action", "done"],
  );
});

test("a file that is as large as it may be goes on to be used", (t) => {
  const file = journalFile(t);
  run(file);
  truncateSync(file, limit);
  run(file);
  assert.ok(statSync(file).size > limit);
  assert.equal(existsSync(`${file}.1`), false);
});

test("a larger one is set aside when the next run begins, and nothing of it is lost", (t) => {
  const file = journalFile(t);
  run(file);
  truncateSync(file, limit + 1);
  run(file);
  assert.deepEqual(kinds(file), ["action", "done"]);
  assert.equal(statSync(`${file}.1`).size, limit + 1);
});

test("one was set aside before: the older one makes room", (t) => {
  const file = journalFile(t);
  run(file);
  writeFileSync(`${file}.1`, "from long ago\n");
  truncateSync(file, limit + 1);
  run(file);
  assert.equal(statSync(`${file}.1`).size, limit + 1);
});

test("a file that grows during a run stays: a run is told in one piece", (t) => {
  const file = journalFile(t);
  const journal = Journal.open(file, keeper);
  journal.actionBegins(step, action);
  truncateSync(file, limit + 1);
  journal.actionEnds(action, { step, action, code: "EBUSY", reason: "it is busy" });
  journal.close();
  assert.equal(existsSync(`${file}.1`), false);
  assert.match(
    readFileSync(file, "latin1").slice(limit + 1),
    /"kind":"failed".*"code":"EBUSY","reason":"it is busy"/,
  );
});

test("every line is on the disk before the run goes on", (t) => {
  const file = journalFile(t);
  const fsync = t.mock.method(fs, "fsyncSync");
  syncBuiltinESMExports();
  t.after(() => {
    fsync.mock.restore();
    syncBuiltinESMExports();
  });
  const journal = Journal.open(file, keeper);
  for (const lines of [1, 2, 3]) {
    journal.actionBegins(step, action);
    assert.equal(fsync.mock.callCount(), lines);
    assert.equal(kinds(file).length, lines);
  }
  journal.close();
});
