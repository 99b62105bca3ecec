import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import fc from "fast-check";
import { textDiff } from "../../../src/report/configuration/text-diff.ts";

const folder = mkdtempSync(join(tmpdir(), "vflag-diff-"));
after(() => rmSync(folder, { recursive: true }));

test("no difference is no text, also where only the breaks differ", () => {
  assert.equal(textDiff("a\nb\n", "a\r\nb", ["a", "b"]), "");
});

test("what is far away is left out", () => {
  const lines = Array.from({ length: 20 }, (_, index) => `${index}`);
  const text = textDiff(lines.join("\n"), [...lines.slice(0, 10), "new", ...lines.slice(10)].join("\n"), [
    "old",
    "new",
  ]);
  assert.equal(text, "--- old\n+++ new\n@@ -8,6 +8,7 @@\n 7\n 8\n 9\n+new\n 10\n 11\n 12\n");
});

test("patch(1) makes one text of the other with it", {
  skip: spawnSync("patch", ["--version"]).status === 0 ? false : "no patch(1)",
}, () => {
  const text = fc
    .array(fc.constantFrom("a", "b", "c", "", "[pci]", "x = 1"), { minLength: 1, maxLength: 25 })
    .map((lines) => `${lines.join("\n")}\n`);
  const file = join(folder, "file");
  fc.assert(
    fc.property(text, text, (before, wanted) => {
      writeFileSync(file, before);
      const diff = textDiff(before, wanted, ["file", "file"]);
      const { status, stdout } = spawnSync("patch", ["-s", "--no-backup-if-mismatch", file], {
        input: diff,
        encoding: "utf8",
      });
      assert.equal(status, 0, stdout);
      assert.equal(readFileSync(file, "utf8"), wanted);
    }),
    { numRuns: 100 },
  );
});
