import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { Build } from "../../lab/build.ts";

// The lab's folder is asked for once, when its modules are loaded.
const folder = mkdtempSync(join(tmpdir(), "vflag-passed-"));
process.env["VFLAG_LAB_CACHE"] = folder;
const { Passed } = await import("../../lab/passed.ts");
after(() => rmSync(folder, { recursive: true }));

/** As far as it counts here: the names of the results, which are hashes of what went into them. */
function built(image: string, tools = "tools-1", card = "connectx-1"): Build {
  return {
    image: { folder: `/lab/${image}` },
    tools: { root: `/lab/${tools}` },
    card: `/lab/${card}/connectx.so`,
  } as Build;
}

test("a task that passed is known as long as all is the same, and no other task is", async () => {
  const passed = await Passed.with(built("image-1"));
  assert.equal(await passed.find("power cuts, part 1"), null);
  await passed.keep("power cuts, part 1", 25);
  const again = await Passed.with(built("image-1"));
  assert.equal((await again.find("power cuts, part 1"))?.checks, 25);
  assert.equal(await again.find("power cuts, part 2"), null);
});

test("with another image, other tools, or another card nothing is known", async () => {
  await (await Passed.with(built("image-1"))).keep("kills", 3);
  for (const other of [
    built("image-2"),
    built("image-1", "tools-2"),
    built("image-1", "tools-1", "connectx-2"),
  ]) {
    assert.equal(await (await Passed.with(other)).find("kills"), null);
  }
});
