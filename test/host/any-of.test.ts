import assert from "node:assert/strict";
import { test } from "node:test";
import { anyOf } from "../../src/host/any-of.ts";

test("any of several patterns is found, the first that fits, and groups are numbered through", () => {
  const pattern = anyOf(/^one (\d+)$/i, /two|twofold/i, /three (\w)/i);
  assert.deepEqual([...(pattern.exec("ONE 7") ?? [])], ["ONE 7", "7", undefined]);
  assert.equal(pattern.exec("twofold")?.[0], "two");
  assert.equal(pattern.exec("and three x")?.[2], "x");
  assert.equal(pattern.exec("one x"), null);
});

test("patterns with other flags are refused", () => {
  assert.throws(() => anyOf(/one/i, /two/), { message: "/two/ has other flags than /one/i" });
});
