import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { isRunning } from "../../../../src/host/linux/system/processes.ts";
import {
  inOwnSession,
  ProgramError,
  runningPrograms,
  runProgram,
} from "../../../../src/host/linux/system/program.ts";
import { makeTree } from "../tree.ts";

/**
 * A cgroup of this test's own, in the freezer of version 1: what is frozen there is not ended by SIGKILL
 * before it is thawed.
 */
function freezer(t: TestContext): { readonly freeze: (pid: number) => void } | null {
  const root = "/sys/fs/cgroup/freezer";
  if (!existsSync(join(root, "cgroup.procs")) || process.getuid?.() !== 0) return null;
  const group = join(root, `vflag-test-${process.pid}`);
  mkdirSync(group);
  t.after(async () => {
    writeFileSync(join(group, "freezer.state"), "THAWED");
    for (let tries = 0; tries < 50 && readFileSync(join(group, "cgroup.procs"), "utf8") !== ""; tries++)
      await sleep(100);
    rmdirSync(group);
  });
  return {
    freeze: (pid) => {
      writeFileSync(join(group, "cgroup.procs"), String(pid));
      writeFileSync(join(group, "freezer.state"), "FROZEN");
    },
  };
}

test("a program that SIGKILL does not end is given up at its time, by name and process, and this process can end", async (t) => {
  const cgroup = freezer(t);
  if (cgroup === null) return t.skip("there is no freezer here, or this is not root");
  const began = performance.now();
  const running = inOwnSession(["sleep", "60"], { limit: 1000 });
  const [program] = runningPrograms();
  assert.ok(program);
  cgroup.freeze(program.pid);
  await assert.rejects(running, (error) => {
    assert.ok(error instanceof ProgramError);
    assert.equal(error.code, "ETIMEDOUT");
    assert.match(
      error.message,
      new RegExp(
        `^sleep 60: no end after 1 s, and SIGKILL does not end it: process ${program.pid} is D \\(disk sleep\\)`,
      ),
    );
    return true;
  });
  assert.ok(performance.now() - began < 15_000);
  assert.ok(isRunning(program.pid), "it is still there");
  assert.deepEqual(runningPrograms(), []);
});

test("at its time a program ends with all that it has started", async (t) => {
  const file = join(makeTree(t, {}), "pid");
  const argv = ["sh", "-c", `sleep 60 & echo $! > ${file}; wait`];
  await assert.rejects(inOwnSession(argv, { limit: 1000 }), {
    code: "ETIMEDOUT",
    message: /no end after 1 s, so it was killed/,
  });
  await sleep(200);
  assert.equal(isReallyRunning(Number(readFileSync(file, "utf8"))), false);
});

test("what a program leaves behind with its output open does not keep the answer", async () => {
  const began = performance.now();
  const { stdout, code } = await runProgram(["sh", "-c", "echo done; sleep 20 & exit 3"]);
  assert.deepEqual([stdout, code], ["done\n", 3]);
  assert.ok(performance.now() - began < 15_000);
});

test("output beyond what is wanted, or than there is room for, ends the program", async () => {
  assert.deepEqual(await runProgram(["yes"], { most: 10 }), {
    stdout: "y\ny\ny\ny\ny\n",
    stderr: "",
    code: null,
    cut: true,
  });
  await assert.rejects(runProgram(["yes"]), { name: "ProgramError", code: "EMSGSIZE" });
});

test("what cannot be started is told with the system's name for it", async () => {
  await assert.rejects(runProgram(["/nonexistent/program"]), { code: "ENOENT" });
  await assert.rejects(runProgram(["/etc/passwd"]), { code: "EACCES" });
  await assert.rejects(runProgram(["true", "x".repeat(1 << 22)]), { code: "E2BIG" });
});

test("a terminal's signals do not reach a program that acts on the host, nor do variables that make it run something else", async () => {
  process.env["LD_PRELOAD"] = "/nonexistent.so";
  process.env["BASH_ENV"] = "/nonexistent";
  try {
    const { stdout, stderr } = await inOwnSession(["sh", "-c", "ps -o pgid=,sid= -p $$; env"]);
    const [group, session] = stdout.trim().split(/\s+/);
    assert.equal(group, session);
    assert.notEqual(
      Number(session),
      Number(spawnSync("ps", ["-o", "sid=", "-p", String(process.pid)], { encoding: "utf8" }).stdout),
    );
    assert.doesNotMatch(`${stdout}${stderr}`, /LD_PRELOAD|BASH_ENV/);
  } finally {
    delete process.env["LD_PRELOAD"];
    delete process.env["BASH_ENV"];
  }
});

/** Not only a zombie that nobody has waited for. */
function isReallyRunning(pid: number): boolean {
  if (!isRunning(pid)) return false;
  return !/^State:\tZ/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
}
