import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, test } from "node:test";

const root = join(import.meta.dirname, "..");

describe("links between documents lead somewhere", () => {
  for (const file of globSync(["*.md", "docs/**/*.md", "lab/*.md"], { cwd: root })) {
    test(file, () => {
      const text = readFileSync(join(root, file), "utf8").replace(/```[\s\S]*?```/g, "");
      const targets = [...text.matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)].map((match) => match[1] ?? "");
      for (const target of targets)
        assert.ok(
          existsSync(join(root, dirname(file), target)),
          `${file} links to ${target}, which is not there`,
        );
    });
  }
});
