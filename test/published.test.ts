import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { published, stale } from "../scripts/published.ts";
import { version } from "../src/cli/version.ts";

const root = join(import.meta.dirname, "..");

describe("what is published agrees with the program", () => {
  for (const [file, text] of published()) {
    test(file, () => assert.equal(readFileSync(join(root, file), "utf8"), text, "run `npm run published`"));
  }

  test("no page is left of what is gone", () => assert.deepEqual(stale(), [], "run `npm run published`"));

  test("the version", () => {
    const { version: packaged } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
    assert.equal(version, packaged);
    assert.match(
      readFileSync(join(root, "CHANGELOG.md"), "utf8"),
      new RegExp(`^## ${version.replaceAll(".", "\\.")}`, "m"),
    );
  });
});
