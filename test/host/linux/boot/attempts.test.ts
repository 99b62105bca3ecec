import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { keepAttempt, readAttempts } from "../../../../src/host/linux/boot/attempts.ts";
import type { Attempts } from "../../../../src/host/state/attempts.ts";
import { isUnknown } from "../../../../src/host/state/observed.ts";
import { pciAddress } from "../../../../src/host/state/values.ts";

let root = "";
let systemd = "starting";
const places = () => ({
  procRoot: join(root, "proc"),
  runRoot: join(root, "run"),
  run: async () => ({ stdout: `${systemd}\n`, stderr: "", code: 1 }),
});
const bootId = (id: string) => writeFileSync(join(root, "proc/sys/kernel/random/boot_id"), `${id}\n`);
const entry = (requirement: string): Attempts["latest"][number] => ({
  nic: "data",
  requirement,
  subject: "ens3f0 (0000:37:00.0)",
  pf: pciAddress("0000:37:00.0"),
  expected: "switchdev",
  refused: "EBUSY",
});

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "vflag-attempts-"));
  mkdirSync(join(root, "proc/sys/kernel/random"), { recursive: true });
  mkdirSync(join(root, "run"));
  bootId("first");
  systemd = "starting";
});
afterEach(() => rmSync(root, { recursive: true }));

test("nothing was kept before the first run of a boot", () => {
  assert.equal(readAttempts(places()), null);
});

test("what the early stage left stays until the next boot, beside what the last run left", async () => {
  await keepAttempt(places(), { early: true, left: [entry("eswitch-mode")] });
  await keepAttempt(places(), { early: false, left: [entry("lag")] });
  assert.deepEqual(readAttempts(places()), { early: [entry("eswitch-mode")], latest: [entry("lag")] });
  bootId("second");
  assert.equal(readAttempts(places()), null);
});

test("only root reads it", async () => {
  await keepAttempt(places(), { early: true, left: [] });
  assert.equal(statSync(join(root, "run/vflag")).mode & 0o777, 0o700);
});

test("an early stage that is started by hand later says nothing of the order at boot", async () => {
  systemd = "running";
  await keepAttempt(places(), { early: true, left: [entry("not-in-bond")] });
  assert.deepEqual(readAttempts(places()), { early: null, latest: [entry("not-in-bond")] });
  systemd = "starting";
  await keepAttempt(places(), { early: true, left: [entry("not-in-bond")] });
  assert.deepEqual(readAttempts(places()), { early: [entry("not-in-bond")], latest: [entry("not-in-bond")] });
});

test("where systemd does not answer the run is kept, and nothing is said of the order at boot", async () => {
  const silent = { ...places(), run: () => Promise.reject(new Error("ETIMEDOUT")) };
  await keepAttempt(silent, { early: true, left: [entry("not-in-bond")] });
  assert.deepEqual(readAttempts(places()), { early: null, latest: [entry("not-in-bond")] });
});

test("a damaged file is not known, and the next run replaces it", async () => {
  mkdirSync(join(root, "run/vflag"));
  const file = join(root, "run/vflag/attempts.json");
  for (const damaged of ["{", '{"boot":"first","attempts":{"early":7}}']) {
    writeFileSync(file, damaged);
    assert.ok(isUnknown(readAttempts(places())), damaged);
  }
  await keepAttempt(places(), { early: false, left: [] });
  assert.deepEqual(JSON.parse(readFileSync(file, "utf8")), {
    boot: "first",
    attempts: { early: null, latest: [] },
  });
});
