import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import ts from "typescript";
import { isFrom, newestRelease, releases } from "../../src/openstack/releases.ts";

const root = join(import.meta.dirname, "../..");
const tables = ["src/openstack/releases.ts", "src/openstack/release-facts.ts"];

test("what differs between releases is in one table: no other file names one to decide by it", () => {
  const names = new Set<string>(releases);
  const files = globSync("src/**/*.ts", { cwd: root }).filter((file) => !tables.includes(file));
  const found: string[] = [];
  for (const file of files) {
    const text = readFileSync(join(root, file), "utf8");
    const visit = (node: ts.Node): void => {
      if (ts.isStringLiteralLike(node) && names.has(node.text)) found.push(`${file} ${node.text}`);
      ts.forEachChild(node, visit);
    };
    visit(ts.createSourceFile(file, text, ts.ScriptTarget.Latest));
  }
  assert.ok(files.length > 200, "the sources were not found");
  assert.deepEqual(found, []);
});

test("releases are in the order in which they came", () => {
  assert.ok(isFrom("2023.1", "zed") && !isFrom("zed", "2023.1") && isFrom("zed", "zed"));
  assert.ok(releases.every((release) => isFrom(newestRelease, release)));
  const dated = releases.filter((name) => /^\d/.test(name));
  assert.deepEqual(dated.toSorted(), dated);
});
