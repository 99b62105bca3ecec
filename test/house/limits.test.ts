import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, test } from "node:test";

/** What the house holds its sources to besides what the formatter and the import rules do. */

const limits = { columns: 110, lines: 300, files: 14 } as const;

interface Source {
  readonly path: string;
  readonly text: string;
}

const root = join(import.meta.dirname, "../..");
const generated = "src/report/html/fleet-page.bundle.ts";
const sources = globSync("src/**/*.ts", { cwd: root }).map((path) => ({
  path,
  text: readFileSync(join(root, path), "utf8"),
}));

function linesOf({ text }: Source): string[] {
  return text.replace(/\n$/, "").split("\n");
}

function wideLines(source: Source): string[] {
  return linesOf(source).flatMap((line, index) =>
    [...line].length > limits.columns ? `${source.path}:${index + 1}` : [],
  );
}

/** Two texts that are put together on one line could be one. */
function tornTexts(source: Source): string[] {
  return linesOf(source).flatMap((line, index) =>
    /[^(]["`] \+ ["`]/.test(line) ? `${source.path}:${index + 1}` : [],
  );
}

function longFiles(all: readonly Source[]): string[] {
  return all.filter((source) => linesOf(source).length > limits.lines).map(({ path }) => path);
}

function fullFolders(paths: readonly string[]): string[] {
  return [...Map.groupBy(paths, (path) => dirname(path))]
    .filter(([, files]) => files.length > limits.files)
    .map(([folder]) => folder);
}

describe("src", () => {
  const written = sources.filter(({ path }) => path !== generated);

  test(`has no line of more than ${limits.columns} columns`, () => {
    assert.deepEqual(written.flatMap(wideLines), []);
  });

  test("puts no texts together on one line", () => {
    assert.deepEqual(written.flatMap(tornTexts), []);
  });

  test(`has no file of more than ${limits.lines} lines`, () => {
    assert.deepEqual(longFiles(written), []);
  });

  test(`has no folder of more than ${limits.files} files beside its folders`, () => {
    assert.ok(sources.length > 400);
    assert.deepEqual(fullFolders(sources.map(({ path }) => path)), []);
  });
});

test("what is too wide, torn, too long or too full is found", () => {
  const made = (path: string, ...lines: string[]): Source => ({ path, text: `${lines.join("\n")}\n` });
  const wide = made("src/wide.ts", "€".repeat(limits.columns), "€".repeat(limits.columns + 1));
  assert.deepEqual(wideLines(wide), ["src/wide.ts:2"]);
  const torn = made("src/torn.ts", 'const text = "a" +', '  "b";', 'const other = `a` + "b";');
  assert.deepEqual(tornTexts(torn), ["src/torn.ts:3"]);
  const files = [limits.lines, limits.lines + 1].map((count) =>
    made(`src/${count}.ts`, ...Array<string>(count).fill("")),
  );
  assert.deepEqual(longFiles(files), [`src/${limits.lines + 1}.ts`]);
  const names = (folder: string, count: number) =>
    Array.from({ length: count }, (_, at) => `${folder}/${at}.ts`);
  assert.deepEqual(fullFolders([...names("src", limits.files + 1), ...names("src/one", limits.files)]), [
    "src",
  ]);
});
