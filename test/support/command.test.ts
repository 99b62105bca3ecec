import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { version } from "../../src/cli/version.ts";
import { runVflag } from "./command.ts";

const folder = mkdtempSync(join(tmpdir(), "vflag-command-"));
after(() => rmSync(folder, { recursive: true }));

test("a command leaves nothing behind for the next: no exit code, output, folder or variable", async () => {
  const cwd = process.cwd();
  const refused = await runVflag(folder, ["plan", "--host", "none.json"], { VFLAG_TEST: "1" });
  assert.deepEqual([refused.status, refused.stdout], [1, ""]);
  assert.match(refused.stderr, /^vflag: .*no such file/);
  assert.deepEqual(await runVflag(folder, ["--version"]), { status: 0, stdout: `${version}\n`, stderr: "" });
  assert.deepEqual([process.exitCode, process.cwd(), process.env["VFLAG_TEST"]], [undefined, cwd, undefined]);
});

test("commands that are begun at once run one after the other, each with its own output", async () => {
  const names = ["a.json", "b.json", "c.json"];
  const made = await Promise.all(names.map((name) => runVflag(folder, ["simulate", "new", name])));
  for (const [index, name] of names.entries())
    assert.match(made[index]?.stdout ?? "", new RegExp(`^${name}: [^\\n]+\\n$`));
  const states = await Promise.all(names.map((name) => runVflag(folder, ["inspect", "--host", name])));
  assert.deepEqual(new Set(states.map(({ status }) => status)), new Set([0]));
});
