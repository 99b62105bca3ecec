import assert from "node:assert/strict";
import { test } from "node:test";
import { runInWorker, useWorkerSource } from "../../src/netlink/index.ts";

/* The worker's own side, against the kernel, is in kernel.test.ts; here it is text, as in a single executable. */

const request = { kind: "setCombinedChannels", device: "v0", count: 1 } as const;

test("a worker can be started from text", async () => {
  useWorkerSource(
    'const { parentPort } = require("node:worker_threads"); parentPort.once("message", () => parentPort.postMessage({ kind: "done" }));',
  );
  assert.equal(await runInWorker(request), undefined);
});

test("a worker that fails for another reason than a refusal says which request it was", async () => {
  useWorkerSource('require("node:worker_threads").parentPort.postMessage({ kind: "failed", message: "no ffi" });');
  await assert.rejects(runInWorker(request), { message: "set channels of v0: no ffi" });
});

test("a worker that ends without an answer is an error", async () => {
  useWorkerSource("process.exit(3);");
  await assert.rejects(runInWorker(request), { message: "set channels of v0: the worker ended with 3 and no answer" });
});

test("a worker that throws is an error", async () => {
  useWorkerSource('throw new Error("broken");');
  await assert.rejects(runInWorker(request), { message: "broken" });
});

test("a worker stuck in the kernel does not hold the caller past its time", async () => {
  useWorkerSource("Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);");
  await assert.rejects(runInWorker(request, { timeout: 100 }), { code: "ETIMEDOUT" });
});
