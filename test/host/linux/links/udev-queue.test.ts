import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { holdingUdev, mayHoldUdev } from "../../../../src/host/linux/links/udev-queue.ts";
import { ProgramError, type RunProgram } from "../../../../src/host/linux/system/program.ts";

/**
 * A udev that notes what it was told; `answers` says what comes of each request, by default that it is done.
 */
class Udev {
  readonly told: string[] = [];
  readonly warned: string[] = [];
  readonly run: RunProgram;

  constructor(answers: (request: string, times: number) => number | Error = () => 0) {
    this.run = async (argv) => {
      assert.deepEqual(argv.slice(0, 3), ["/usr/bin/udevadm", "control", "--timeout=5"]);
      const request = argv[3] ?? "";
      this.told.push(request);
      const answer = answers(request, this.told.filter((other) => other === request).length);
      if (answer instanceof Error) throw answer;
      return { stdout: "", stderr: "", code: answer };
    };
  }

  holding<T>(act: (goOn: () => void) => Promise<T>, limit?: number): Promise<T> {
    return holdingUdev(this.run, act, {
      warn: (text) => this.warned.push(text),
      pause: 1,
      ...(limit !== undefined && { limit }),
    });
  }
}

const [stop, start] = ["--stop-exec-queue", "--start-exec-queue"];

test("udev waits during the act, and goes on after it", async () => {
  const udev = new Udev();
  const during = await udev.holding(async () => [...udev.told]);
  assert.deepEqual(during, [stop]);
  assert.deepEqual(udev.told, [stop, start]);
});

test("udev goes on once the act says so, and is waited for", async () => {
  const answered: string[] = [];
  const udev = new Udev();
  const slow: RunProgram = async (...call) => {
    if (call[0].includes(start)) await sleep(20);
    answered.push(call[0][3] ?? "");
    return udev.run(...call);
  };
  const act = async (goOn: () => void) => {
    goOn();
    return [...answered];
  };
  assert.deepEqual(await holdingUdev(slow, act, { warn: () => {} }), [stop]);
  assert.deepEqual(answered, [stop, start]);
});

test("udev goes on also when the act fails", async () => {
  const udev = new Udev();
  await assert.rejects(
    udev.holding(() => Promise.reject(new TypeError("a defect"))),
    TypeError,
  );
  assert.deepEqual(udev.told, [stop, start]);
});

test("what takes longer than udev may wait goes on beside it, and udev is told once", async () => {
  const udev = new Udev();
  const during = await udev.holding(async () => {
    await sleep(60);
    return [...udev.told];
  }, 10);
  assert.deepEqual(during, [stop, start]);
  assert.deepEqual(udev.told, [stop, start]);
});

test("where udev does not take the request, the act is done, and udev is told to go on all the same: it may have heard it", async () => {
  for (const answer of [1, new ProgramError("ETIMEDOUT", "no end after 10 s")]) {
    const udev = new Udev((request) => (request === stop ? answer : 0));
    assert.equal(await udev.holding(async () => "done"), "done");
    assert.deepEqual(udev.told, [stop, start]);
    assert.deepEqual(udev.warned, []);
  }
});

test("where there is no udevadm, the act is done", async () => {
  const udev = new Udev(() => new ProgramError("ENOENT", "udevadm: spawn ENOENT"));
  assert.equal(await udev.holding(async () => "done"), "done");
  assert.deepEqual(udev.told, [stop]);
});

test("udev is told to go on three times, and then a person is told how", async () => {
  const deaf = new Udev((request) => (request === start ? 1 : 0));
  assert.equal(await deaf.holding(async () => "done"), "done");
  assert.deepEqual(deaf.told, [stop, start, start, start]);
  assert.deepEqual(deaf.warned, [
    "udev was told to wait, and cannot be told to go on. By hand: udevadm control --start-exec-queue",
  ]);
  const slow = new Udev((request, times) => (request === start && times < 3 ? 1 : 0));
  await slow.holding(async () => "done");
  assert.deepEqual(slow.told, [stop, start, start, start]);
  assert.deepEqual(slow.warned, []);
});

test("udev is left alone where a port may need it for its name, or a VF for its driver", () => {
  const nic = { pfs: [{ driver: "mlx5_core" }, { driver: "mlx5_core" }] };
  for (const kernel of ["5.14.0-570.el9.x86_64", "6.0.9", "4.18.0", "custom"])
    assert.equal(mayHoldUdev(kernel, [nic]), false, kernel);
  for (const kernel of ["6.1.0-40-amd64", "6.12.95+deb12-amd64", "10.0"]) {
    assert.equal(mayHoldUdev(kernel, [nic, nic]), true, kernel);
    for (const driver of ["ice", "igb", null])
      assert.equal(mayHoldUdev(kernel, [nic, { pfs: [{ driver }] }]), false, `${driver}`);
    assert.equal(mayHoldUdev(kernel, [nic, { problem: "there is no port ens4f0" }]), false);
  }
});
