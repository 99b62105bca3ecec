import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import ts from "typescript";
import { driversByModule, models } from "../../src/drivers/registry.ts";

/**
 * Outside these places no code names a driver or a vendor: a name, a regular expression, or a text without a
 * space that something could be compared with. Sentences may: they are for people, and give sources.
 */

const root = join(import.meta.dirname, "../..");
const places = /^src\/(drivers|host\/linux|host\/simulated|symptoms)\//;

const vendors = [...new Set(models.map(({ vendor }) => vendor))];
const drivers = [
  ...new Set([...models.map(({ driver }) => driver), ...driversByModule.map(({ name }) => name)]),
];
const stems = drivers.map((name) => name.replace(/_core$/, ""));
const word = new RegExp(
  `${stems.map((stem) => `(?<![a-z])${stem}`).join("|")}|${vendors.join("|")}|mellanox|nvidia|connectx|bluefield`,
  "i",
);

/** What names one all the same, and why that decides nothing. */
const allowed: Readonly<Record<string, string>> = {
  "src/cli/host/simulate.ts ConnectX-5": "the NIC of an example, unless another is asked for",
  "src/requirements/eswitch/steering.ts https://docs.kernel.org/networking/devlink/mlx5.html": "a reference",
};

function namesIn(file: string): string[] {
  const text = readFileSync(join(root, file), "utf8");
  if (!word.test(text)) return [];
  const found: string[] = [];
  const note = (name: string) => {
    if (word.test(name) && !/\s/.test(name)) found.push(`${file} ${name}`);
  };
  const visit = (node: ts.Node): void => {
    const isName =
      ts.isIdentifier(node) || ts.isStringLiteralLike(node) || ts.isTemplateMiddleOrTemplateTail(node);
    if (isName || ts.isTemplateHead(node)) note(node.text);
    // Where it is read from is no decision.
    if (ts.isRegularExpressionLiteral(node)) note(node.text.replaceAll(/\s/g, ""));
    if (!ts.isImportDeclaration(node)) ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(file, text, ts.ScriptTarget.Latest));
  return found;
}

test("no code outside the driver seam names a driver or a vendor", () => {
  const files = globSync("src/**/*.ts", { cwd: root }).filter((file) => !places.test(file));
  assert.ok(files.length > 200, "the sources were not found");
  const found = new Set(files.flatMap(namesIn));
  assert.deepEqual(
    [...found].filter((name) => !(name in allowed)),
    [],
    "ask the registry in src/drivers instead",
  );
  assert.deepEqual(
    Object.keys(allowed).filter((name) => !found.has(name)),
    [],
    "these are allowed, and nothing has them any more",
  );
});

test("what would be a decision by name is seen", () => {
  const names = ["mlx5_core", "15b3", "BlueField", "igb", "mlx4Vfs"];
  for (const name of names) assert.ok(word.test(name), name);
  for (const name of ["big", "device", "service", "slice"]) assert.ok(!word.test(name), name);
});
