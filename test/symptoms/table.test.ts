import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import ts from "typescript";
import { published } from "../../scripts/published.ts";
import { type Proof, steps, symptomRows } from "../../scripts/symptom-table.ts";
import { requirementById } from "../../src/requirements/stages.ts";
import { symptomById, symptoms } from "../../src/symptoms/catalogue.ts";
import { verdicts } from "../../src/verdict/verdict.ts";
import { readGolden } from "../support/golden.ts";

const root = join(import.meta.dirname, "../..");

/**
 * No row of docs/symptoms.md without a check or symptom that exists, and a test, case or task that exists.
 */
describe("the table of symptoms", () => {
  for (const { what, ids, simulated, lab } of [...steps, ...symptomRows()]) {
    test(what, () => {
      for (const id of ids) assert.ok(requirementById(id) !== undefined || symptomById(id) !== undefined, id);
      holds(simulated, ids);
      if (lab !== null) holds(lab, ids);
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

function holds([file, words]: Proof, ids: readonly string[]): void {
  if (file !== "test/golden/golden.test.ts") {
    assert.ok(
      namesIn(file).some((name) => name.includes(words)),
      `${file} has no test or task "${words}"`,
    );
    return;
  }
  // A golden case is a folder, and its spec and state are what is proved on.
  const { spec, state } = readGolden(words);
  const seen = verdicts(spec, state).flatMap(({ deviations, sightings }) => [
    ...deviations.map(({ requirement }) => requirement),
    ...sightings.flatMap(({ symptom }) => symptom ?? []),
  ]);
  assert.ok(
    ids.some((id) => seen.includes(id)),
    `${words} shows none of ${ids.join(", ")}, but ${seen.join(", ")}`,
  );
}

/** What a file calls its tests, groups and tasks, what a task reports, and the keys of its tables of cases. */
function namesIn(file: string): string[] {
  const names: string[] = [];
  const add = (node: ts.Node): void => {
    if (ts.isStringLiteralLike(node) || ts.isIdentifier(node)) names.push(node.text);
    if (ts.isTemplateExpression(node))
      names.push(node.head.text, ...node.templateSpans.map(({ literal }) => literal.text));
  };
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && /^(test|describe|report)$/.test(node.expression.getText()))
      for (const argument of node.arguments) add(argument);
    if (ts.isPropertyAssignment(node)) {
      add(node.name);
      if (/^(title|name)$/.test(node.name.getText())) add(node.initializer);
    }
    ts.forEachChild(node, visit);
  };
  const source = readFileSync(join(root, file), "utf8");
  visit(ts.createSourceFile(file, source, ts.ScriptTarget.Latest, true));
  return names;
}
