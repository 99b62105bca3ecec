import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { getPriority } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { takePrecedence } from "../../../../src/host/linux/system/priority.ts";
import { makeTree } from "../tree.ts";

const isRoot = process.getuid?.() === 0;

test("a boot stage goes before others, and steps back when it is done", (t) => {
  const proc = makeTree(t, { self: { autogroup: "/autogroup-74 nice 5\n" } });
  const group = () => readFileSync(join(proc, "self/autogroup"), "utf8");
  const before = getPriority();
  const stepBack = takePrecedence(proc);
  assert.equal(group(), "-20");
  if (isRoot) assert.equal(getPriority(), -20);
  stepBack();
  assert.equal(group(), "5");
  assert.equal(getPriority(), before);
});

test("a kernel without groups of tasks is no obstacle", (t) => {
  const before = getPriority();
  takePrecedence(makeTree(t, { self: {} }))();
  takePrecedence(makeTree(t, { self: { autogroup: "something else\n" } }))();
  assert.equal(getPriority(), before);
});
