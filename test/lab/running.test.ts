import assert from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

const cache = mkdtempSync(join(tmpdir(), "vflag-lab-"));
process.env["VFLAG_LAB_CACHE"] = cache;
after(() => rmSync(cache, { recursive: true, force: true }));
const { attend, cutPower, end, isOn, powerOn, runningGuest, spawnQemu } = await import(
  "../../lab/running.ts"
);

/** A guest whose QEMU is a shell that notes each of its starts and then does what it is told. */
async function guest(t: TestContext, name: string, does: string) {
  const folder = join(cache, "run", name);
  mkdirSync(join(folder, "bin"), { recursive: true });
  // What closes a kept connection.
  writeFileSync(join(folder, "bin/ssh"), "#!/bin/sh\n");
  chmodSync(join(folder, "bin/ssh"), 0o755);
  const env = { PATH: `${join(folder, "bin")}:${process.env["PATH"]}` };
  const plate = { name, nic: "igb", access: { folder, sshPort: 1, privateKey: "", env } } as const;
  const argv = ["/bin/sh", "-c", `echo started >> starts; ${does}`, `vflag-lab-${name}`];
  attend(plate, { argv });
  t.after(() => end(name));
  const starts = () => readFileSync(join(folder, "starts"), "utf8").split("\n").length - 1;
  return { one: await spawnQemu(plate, argv), starts };
}

const forever = "while :; do sleep 0.1; done";

/** Ten seconds at most: what comes after it says whether it held. */
async function until(holds: () => boolean): Promise<void> {
  for (let tries = 0; tries < 500; tries++) {
    await sleep(20);
    if (holds()) return;
  }
}

test("a guest that reboots is switched on again, and stays off once it is ended", async (t) => {
  const { one, starts } = await guest(t, "reboots", `test $(wc -l < starts) -gt 1 || exit 0; ${forever}`);
  await until(() => starts() === 2);
  assert.equal(starts(), 2);
  assert.equal(isOn(one), true);
  assert.notEqual(runningGuest("reboots")?.pid, one.pid);
  assert.equal(await end("reboots"), true);
  await sleep(200);
  assert.deepEqual([starts(), isOn(one), await end("reboots")], [2, false, false]);
});

test("one whose emulator breaks stays off", async (t) => {
  const { one, starts } = await guest(t, "breaks", "exit 3");
  await until(() => !isOn(one));
  await sleep(100);
  assert.deepEqual([isOn(one), starts()], [false, 1]);
});

test("one whose power is cut is off until the power comes again", async (t) => {
  const { one, starts } = await guest(t, "cut", forever);
  await until(() => runningGuest("cut") !== undefined && starts() === 1);
  await cutPower(one);
  await sleep(200);
  assert.deepEqual([starts(), runningGuest("cut")], [1, undefined]);
  await powerOn(one);
  await until(() => starts() === 2);
  assert.equal(starts(), 2);
  assert.notEqual(runningGuest("cut"), undefined);
});

test("the power of a guest that nobody attends cannot be cut", async () => {
  const access = { folder: cache, sshPort: 1, privateKey: "", env: {} };
  await assert.rejects(
    cutPower({ name: "alone", pid: 1, nic: "igb", access }),
    /guest "alone" is not attended/,
  );
});
