import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, utimesSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { test } from "node:test";

const folder = mkdtempSync(join(tmpdir(), "vflag-lab-cache-"));
process.env.VFLAG_LAB_CACHE = folder;
const { cached } = await import("../../lab/cache.ts");

const make = (step: string, input: string): Promise<string> => cached(step, [input], async () => {});
const names = (of = folder): string[] => readdirSync(of).sort();

test("a result is made once; what was not used for the longest time is forgotten, and nothing else", async () => {
  const bystanders = ["kernel-0123456789abcdef", "run", "image-notahash"];
  for (const name of bystanders) mkdirSync(join(folder, name));
  mkdirSync(join(folder, "image-0123456789abcdef.999999999"));
  mkdirSync(join(folder, `image-fedcba9876543210.${process.pid}`));

  const made: string[] = [];
  for (const [age, input] of ["first", "second", "third"].entries()) {
    const result = await make("image", input);
    utimesSync(result, age + 1, age + 1);
    made.push(basename(result));
  }
  // Used once more, so the second is now the oldest.
  assert.equal(basename(await make("image", "first")), made[0]);
  const fourth = basename(await make("image", "fourth"));
  const expected = [
    ...bystanders,
    `image-fedcba9876543210.${process.pid}`,
    made[0] ?? "",
    made[2] ?? "",
    fourth,
  ];
  assert.deepEqual(names(), expected.sort());
});

test("an image's snapshots are counted by themselves", async () => {
  const image = "image-00112233445566aa";
  for (let count = 0; count < 8; count++) await make(join(image, "snapshot"), String(count));
  assert.equal(names(join(folder, image)).length, 6);
});

test("a step that fails leaves nothing", async () => {
  const before = names();
  await assert.rejects(
    cached("tools", ["x"], async () => {
      throw new Error("no");
    }),
    /no/,
  );
  assert.deepEqual(names(), before);
});

test("who wants a result while it is being made waits for it; what fails is made again", async () => {
  let times = 0;
  const slow = (): Promise<string> =>
    cached("slow", ["same"], async () => {
      times++;
      await new Promise((resolve) => setTimeout(resolve, 20));
      if (times === 1) throw new Error("no luck");
    });
  const failed = await Promise.allSettled([slow(), slow()]);
  assert.deepEqual([times, ...failed.map(({ status }) => status)], [1, "rejected", "rejected"]);
  const [one, other] = await Promise.all([slow(), slow()]);
  assert.deepEqual([times, one], [2, other]);
});
