import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  chownSync,
  lstatSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { writeWhole } from "../../../../src/host/linux/system/files.ts";
import { makeTree } from "../tree.ts";

const files = new URL("../../../../src/host/linux/system/files.ts", import.meta.url).href;

test("a new file is readable by all, whatever the umask is", async (t) => {
  const directory = makeTree(t, {});
  const before = process.umask(0o077);
  t.after(() => process.umask(before));
  await writeWhole(join(directory, "new"), "text\n");
  assert.equal(readFileSync(join(directory, "new"), "utf8"), "text\n");
  assert.equal(statSync(join(directory, "new")).mode & 0o7777, 0o644);
  assert.deepEqual(readdirSync(directory), ["new"]);
});

test("a file that is replaced keeps its mode and owner", async (t) => {
  const path = join(makeTree(t, { secret: "old" }), "secret");
  const root = process.getuid?.() === 0;
  if (root) chownSync(path, 12, 34);
  chmodSync(path, 0o2640);
  await writeWhole(path, "new");
  const { mode, uid, gid } = statSync(path);
  assert.equal(mode & 0o7777, 0o2640);
  if (root) assert.deepEqual([uid, gid], [12, 34]);
});

test("a link stays a link, and what it points to is replaced", async (t) => {
  const directory = makeTree(t, { "real/file": "old" });
  symlinkSync("real/file", join(directory, "link"));
  await writeWhole(join(directory, "link"), "new");
  assert.ok(lstatSync(join(directory, "link")).isSymbolicLink());
  assert.equal(readFileSync(join(directory, "real/file"), "utf8"), "new");
});

test("a failure leaves the old file, and nothing else", async (t) => {
  const directory = makeTree(t, { "taken/inside": "a directory cannot be replaced by a file" });
  await assert.rejects(writeWhole(join(directory, "taken"), "new"), { code: "EISDIR" });
  await assert.rejects(writeWhole(join(directory, "nowhere/file"), "new"), { code: "ENOENT" });
  assert.deepEqual(readdirSync(directory), ["taken"]);
});

test("a process that is killed while it writes leaves the old content or the new, and its leavings are removed by the next", async (t) => {
  const directory = makeTree(t, { file: "a".repeat(1_000_000) });
  const path = join(directory, "file");
  const script = `
    import { writeWhole } from ${JSON.stringify(files)};
    for (let n = 0; ; n++) { await writeWhole(${JSON.stringify(path)}, "ab"[n % 2].repeat(1_000_000)); if (n === 0) console.log("going"); }
  `;
  let left = 0;
  for (let round = 0; round < 12; round++) {
    const child = spawn(
      process.execPath,
      ["--disable-warning=ExperimentalWarning", "--input-type=module-typescript", "-e", script],
      {
        stdio: ["ignore", "pipe", "inherit"],
      },
    );
    await once(child.stdout, "data");
    await sleep(3 * round);
    child.kill("SIGKILL");
    await once(child, "exit");
    const content = readFileSync(path, "utf8");
    assert.equal(content.length, 1_000_000);
    assert.match(content, /^(a+|b+)$/);
    left += readdirSync(directory).length - 1;
  }
  t.diagnostic(`${left} of 12 were killed in the middle`);
  // One of another process that is running stays: it is being written.
  writeFileSync(join(directory, `.file.vflag-${process.ppid}-0`), "");
  await writeWhole(path, "end");
  assert.deepEqual(readdirSync(directory).sort(), [`.file.vflag-${process.ppid}-0`, "file"]);
});
