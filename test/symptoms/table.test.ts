import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { published } from "../../scripts/published.ts";
import { type Proof, steps, symptomRows } from "../../scripts/symptom-table.ts";
import { requirementById } from "../../src/requirements/stages.ts";
import { symptomById, symptoms } from "../../src/symptoms/catalogue.ts";

const root = join(import.meta.dirname, "../..");

/**
 * No row of docs/symptoms.md without a check or symptom that exists, and a test, case or task that exists.
 */
describe("the table of symptoms", () => {
  for (const { what, ids, simulated, lab } of [...steps, ...symptomRows()]) {
    test(what, () => {
      for (const id of ids) assert.ok(requirementById(id) !== undefined || symptomById(id) !== undefined, id);
      holds(simulated);
      if (lab !== null) holds(lab);
    });
  }

  test("it has every symptom", () => assert.equal(symptomRows().length, symptoms.length));

  test("no page of a check is left over", () => {
    const pages = readdirSync(join(root, "docs/checks")).map((name) => `docs/checks/${name}`);
    assert.deepEqual(
      pages.filter((page) => !published().has(page)),
      [],
    );
  });
});

function holds([file, words]: Proof): void {
  // A golden case is a folder, and its spec and state are what is proved on.
  if (file === "test/golden/golden.test.ts")
    assert.ok(existsSync(join(root, "test/golden", words, "verdict.txt")), words);
  else assert.ok(readFileSync(join(root, file), "utf8").includes(words), `${file} has no "${words}"`);
}
