import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { countFrom, fullCounts, roundsFrom } from "./count.ts";

const variable = "VFLAG_TEST_COUNT";

afterEach(() => {
  delete process.env[variable];
});

test("what the variable says, or what is usual", () => {
  assert.equal(countFrom(variable, 20), 20);
  process.env[variable] = "7";
  assert.equal(countFrom(variable, 20), 7);
});

test("rounds are few where somebody waits, and all of them where all is tested; the variable has the last word", () => {
  const before = process.env[fullCounts];
  delete process.env[fullCounts];
  assert.equal(roundsFrom(variable, 20, 400), 20);
  process.env[fullCounts] = "1";
  assert.equal(roundsFrom(variable, 20, 400), 400);
  process.env[variable] = "7";
  assert.equal(roundsFrom(variable, 20, 400), 7);
  if (before === undefined) delete process.env[fullCounts];
});

test("what would make a test look at nothing is refused, by its name", () => {
  for (const text of ["", "0", "-1", "x", "1.5", "1e3", " 7", "99999999999999999999"]) {
    process.env[variable] = text;
    assert.throws(() => countFrom(variable, 20), {
      message: `${variable}: a whole number from 1 on, not "${text}"`,
    });
  }
  process.env[variable] = "0";
  assert.equal(countFrom(variable, 20, 0), 0);
});
