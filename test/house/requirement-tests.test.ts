import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { test } from "node:test";
import { allRequirements } from "../../src/requirements/stages.ts";

/** test/requirements/ mirrors src/requirements/: who looks for the tests of a requirement finds them. */

const root = join(import.meta.dirname, "../..");
const files = (folder: string, pattern: string) =>
  globSync(`${folder}/requirements/*/${pattern}`, { cwd: root }).map((path) =>
    path.slice(`${folder}/requirements/`.length),
  );

/** The file of each requirement, `ROOM/NAME`, by what it exports. */
async function requirementFiles(): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  for (const file of files("src", "*.ts")) {
    const exported: Record<string, unknown> = await import(join(root, "src/requirements", file));
    for (const { id } of allRequirements.filter((each) => Object.values(exported).includes(each)))
      found.set(id, file.replace(/\.ts$/, ""));
  }
  return found;
}

const sources = await requirementFiles();

for (const { id } of allRequirements)
  test(`${id} has its test file, and that is about it`, () => {
    const source = sources.get(id) ?? assert.fail(`no file of src/requirements/*/ exports ${id}`);
    assert.equal(basename(source), id);
    const text = readFileSync(join(root, `test/requirements/${source}.test.ts`), "utf8");
    const imports = text.includes(`/src/requirements/${source}.ts"`);
    assert.ok(imports || text.includes(`"${id}"`), `it neither imports ${id} nor names it`);
    assert.match(text, /^ *test\(/m);
  });

test("no file there is about something that is not here", () => {
  const here = new Set(files("src", "*.ts").map((file) => file.replace(/\.ts$/, ".test.ts")));
  assert.deepEqual(
    files("test", "*.test.ts").filter((file) => !here.has(file)),
    [],
  );
});
