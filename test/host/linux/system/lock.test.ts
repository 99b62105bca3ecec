import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { acquireLock, LockedError } from "../../../../src/host/linux/system/lock.ts";
import { makeTree } from "../tree.ts";

const lock = new URL("../../../../src/host/linux/system/lock.ts", import.meta.url).href;

/** A process that holds the lock until it is killed. */
async function holder(path: string): Promise<ChildProcess> {
  const script = `
    import { acquireLock } from ${JSON.stringify(lock)};
    import { spawn } from "node:child_process";
    const held = acquireLock(${JSON.stringify(path)}, "apply --nic data");
    spawn("sleep", ["5"], { stdio: "ignore" });
    console.log("held");
    setInterval(() => held, 1000);
  `;
  const args = ["--disable-warning=ExperimentalWarning", "--input-type=module-typescript", "-e", script];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  assert.ok(child.stdout);
  await once(child.stdout, "data");
  return child;
}

test("a second process is told who holds the lock, and gets it when that one is killed, whatever children it leaves", async (t) => {
  const path = join(makeTree(t, {}), "run/vflag/lock");
  const child = await holder(path);
  t.after(() => child.kill("SIGKILL"));
  assert.throws(
    () => acquireLock(path, "verify"),
    (error: unknown) => {
      assert.ok(error instanceof LockedError);
      const { pid, command, since } = error.holder ?? {};
      assert.deepEqual({ pid, command }, { pid: child.pid, command: "apply --nic data" });
      assert.ok(Math.abs(Date.now() - Date.parse(since ?? "")) < 60_000);
      assert.match(
        error.message,
        new RegExp(`^vflag apply --nic data \\(process ${child.pid}\\) has been running since 2`),
      );
      return true;
    },
  );
  child.kill("SIGKILL");
  await once(child, "exit");
  using _ = acquireLock(path, "verify");
  assert.equal(JSON.parse(readFileSync(path, "utf8")).pid, process.pid);
});

test("a lock is taken once in a process too, and can be taken again after its release", (t) => {
  const path = join(makeTree(t, {}), "lock");
  const first = acquireLock(path, "apply");
  assert.throws(() => acquireLock(path, "apply"), { name: "LockedError" });
  first.release();
  first.release();
  acquireLock(path, "apply").release();
  assert.equal(readFileSync(path, "utf8"), "");
});

test("what a dead holder left in the file is not told as the present one", async (t) => {
  const path = join(makeTree(t, {}), "lock");
  const child = await holder(path);
  t.after(() => child.kill("SIGKILL"));
  writeFileSync(path, JSON.stringify({ pid: 999_999_999, command: "apply", since: "2026-01-01T00:00:00Z" }));
  assert.throws(() => acquireLock(path, "verify"), {
    name: "LockedError",
    holder: null,
    message: `another vflag holds ${path}`,
  });
  writeFileSync(path, "{");
  assert.throws(() => acquireLock(path, "verify"), { name: "LockedError", holder: null });
});
