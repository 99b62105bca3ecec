import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { loadSpec, SpecError } from "../../src/spec/load.ts";

/**
 * Each `bad/*.yaml` is a spec that must be refused; the `.txt` beside it is what the operator reads. `npm run
 * golden` writes it.
 */
const folder = join(import.meta.dirname, "bad");
const names = readdirSync(folder).filter((name) => name.endsWith(".yaml"));
const update = process.env["UPDATE_GOLDEN"] === "1";

describe("wrong specs are refused with a message that helps", () => {
  test("there are at least 30", () => assert.ok(names.length >= 30, `${names.length} specs`));

  for (const name of names) {
    test(name, () => {
      const error = refusal(name);
      const expected = join(folder, name.replace(/yaml$/, "txt"));
      if (update) writeFileSync(expected, `${error.message}\n`);
      assert.ok(
        existsSync(expected),
        `${expected} is missing: run \`npm run golden\` and review what it writes`,
      );
      assert.equal(`${error.message}\n`, readFileSync(expected, "utf8"));
      const lines = readFileSync(join(folder, name), "utf8").split("\n");
      for (const { line, column } of error.problems)
        assert.ok(
          column >= 1 && column <= (lines[line - 1] ?? assert.fail(`there is no line ${line}`)).length + 1,
          `${line}:${column} is not in the file`,
        );
    });
  }
});

function refusal(name: string): SpecError {
  try {
    loadSpec(readFileSync(join(folder, name), "utf8"), name);
  } catch (error) {
    assert.ok(error instanceof SpecError, `${String(error)} is no SpecError`);
    return error;
  }
  throw new assert.AssertionError({ message: `${name} was accepted` });
}
