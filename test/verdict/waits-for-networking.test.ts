import assert from "node:assert/strict";
import { test } from "node:test";
import type { FaultName } from "../../src/host/simulated/faults.ts";
import { observeWorld } from "../../src/host/simulated/host.ts";
import type { World } from "../../src/host/simulated/world.ts";
import { plain } from "../../src/report/terminal/style.ts";
import { appliedText } from "../../src/report/text/apply-text.ts";
import { verdicts, waitsForNetworking } from "../../src/verdict/verdict.ts";
import { afterEarly, booted, dualPort, fresh, vfLagSpec } from "../support/hosts.ts";

const judged = (world: World) => verdicts(vfLagSpec, observeWorld(world), ["early", "late"]);
const waits = (world: World) => judged(world).map(waitsForNetworking);
const withFault = (...faults: FaultName[]) => afterEarly(vfLagSpec, fresh([dualPort], ...faults));

test("a host waits for networking between the two stages, and neither before nor after", async () => {
  assert.deepEqual(waits(await withFault()), [true]);
  assert.deepEqual(waits(fresh()), [false]);
  assert.deepEqual(waits(await booted(vfLagSpec)), [false]);
});

test("what needs a person or a reboot after networking, too, is more than waiting", async () => {
  const world = await withFault("debugfs-missing");
  assert.deepEqual(waits(world), [false]);
  const outcome = {
    nic: "data",
    status: "stopped",
    steps: [],
    failures: [],
    left: [],
    stoppedBy: [],
  } as const;
  const text = (seen: World) =>
    appliedText({ outcomes: [outcome], verdicts: judged(seen), seconds: 1 }, plain);
  assert.match(text(world), /^data {2}stopped$/m);
  assert.match(text(await withFault()), /^data {2}waits for networking$/m);
});
