import assert from "node:assert/strict";
import { test } from "node:test";
import { valueText } from "../../src/host/value-text.ts";

test("a value of somebody else's data is text, whatever it has for a toString", () => {
  assert.deepEqual(["on", "", 7, true, null, undefined, ["a", 1]].map(valueText), [
    ...["on", "", "7", "true", "null", "undefined", '["a",1]'],
  ]);
  for (const text of ['{"toString":{}}', '[{"toString":1,"valueOf":2}]', '{"toJSON":"x"}'])
    assert.equal(valueText(JSON.parse(text)), text);
});
