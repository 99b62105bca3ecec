import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { followKernelLog, recordOf } from "../../../../src/host/linux/log/follow-log.ts";
import { isUnknown } from "../../../../src/host/state/observed.ts";

function folder(t: TestContext, log: string): string {
  const root = mkdtempSync(join(tmpdir(), "vflag-log-"));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  writeFileSync(join(root, "kmsg"), log);
  return root;
}

/** Follows a log that a shell prints. */
async function follow(t: TestContext, script: string, count: number, milliseconds = 100): Promise<string[]> {
  const heard: string[] = [];
  const devRoot = folder(t, "6,41,1000,-;old\n");
  const log = followKernelLog({
    devRoot,
    hear: (text) => heard.push(text),
    lost: () => heard.push("(lost)"),
    argv: ["sh", "-c", script],
  });
  assert.ok(!isUnknown(log));
  using _log = log;
  for (let n = 0; n < 1000 && heard.length < count; n++) await sleep(10);
  await sleep(milliseconds);
  return heard;
}

test("a record is told by its number and text, however many fields the kernel adds", () => {
  assert.deepEqual(recordOf("6,339,5140900,-,caller=T1;NET: a;b\\x0a c"), {
    sequence: 339,
    text: "NET: a;b  c",
  });
  for (const line of [" SUBSYSTEM=pci", "", "no record", "6,x,1,-;text"]) assert.equal(recordOf(line), null);
});

test("only what comes from now on is told, without what devices add to a record", async (t) => {
  const script =
    "printf '6,40,9,-;older\\n6,41,10,-;old\\n6,42,11,-;mlx5_core 0000:37:00.0: lag map\\n SUBSYSTEM=pci\\n DEVICE=+pci:0000:37:00.0\\n'; sleep 60";
  assert.deepEqual(await follow(t, script, 1), ["mlx5_core 0000:37:00.0: lag map"]);
});

test("records that are missing are said to be lost", async (t) => {
  assert.deepEqual(await follow(t, "printf '6,42,11,-;a\\n6,50,12,-;b\\n'; sleep 60", 3), [
    "a",
    "(lost)",
    "b",
  ]);
});

test("a reader that ends, as at an overwritten record, is started again and tells nothing twice", async (t) => {
  assert.deepEqual(await follow(t, "printf '6,42,11,-;a\\n6,43,12,-;b\\n'", 2, 2500), ["a", "b"]);
});

test("a log that cannot be opened is not known, and says why", (t) => {
  const log = followKernelLog({ devRoot: join(folder(t, ""), "nosuch"), hear: () => {}, lost: () => {} });
  assert.ok(isUnknown(log) && log.unknown.includes("the kernel log cannot be read"));
});
