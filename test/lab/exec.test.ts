import assert from "node:assert/strict";
import { test } from "node:test";
import { run } from "../../lab/exec.ts";

test("a program that does not end is killed at its time limit, also when another one keeps its output open", async () => {
  const began = performance.now();
  const { code, stdout, stderr } = await run(["bash", "-c", "echo begun; sleep 20 & sleep 20"], {
    timeout: 1000,
  });
  assert.equal(code, 128);
  assert.equal(stdout, "begun\n");
  assert.match(stderr, /no end within 1 s, so it was killed/);
  assert.ok(performance.now() - began < 15_000);
});

test("a program that ends is left alone", async () => {
  assert.deepEqual(await run(["bash", "-c", "echo said; exit 3"], { timeout: 60_000 }), {
    code: 3,
    stdout: "said\n",
    stderr: "",
  });
});
