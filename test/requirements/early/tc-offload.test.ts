import assert from "node:assert/strict";
import { test } from "node:test";
import type { Netdev } from "../../../src/host/state/state.ts";
import { tcOffload } from "../../../src/requirements/early/tc-offload.ts";
import { afterEarly, fresh, vfLagSpec } from "../../support/hosts.ts";
import { actionsOf, adviceOf, brief, check, representorOf, uplinkOf } from "../view.ts";

/** What the requirement says when one representor's offload is like this. */
async function found(shown: Netdev["tcOffload"]) {
  const world = await afterEarly(vfLagSpec);
  representorOf(world, 1, 0).tcOffload = shown;
  return { findings: check(tcOffload, vfLagSpec, world), netdev: representorOf(world, 1, 0) };
}

test("offload that is on needs nothing, fixed or not", async () => {
  for (const fixed of [false, true]) assert.deepEqual((await found({ on: true, fixed })).findings, []);
});

test("offload that is off is turned on", async () => {
  const { findings, netdev } = await found({ on: false, fixed: false });
  assert.deepEqual(actionsOf(findings), [
    { kind: "set-tc-offload", netdev: netdev.name, index: netdev.index, on: true },
  ]);
});

test("offload that the driver fixed off is for a person: nothing turns it on", async () => {
  const { findings } = await found({ on: false, fixed: true });
  assert.deepEqual(brief(findings), [
    { actual: "hw-tc-offload is off [fixed]", severity: "error", remedy: "person" },
  ]);
});

test("offload that could not be seen is not known, and a person is told how to look", async () => {
  const { findings, netdev } = await found({ unknown: "ethtool gave no answer" });
  assert.deepEqual(brief(findings), [
    { actual: "ethtool gave no answer", severity: "unknown", remedy: "person" },
  ]);
  assert.ok(adviceOf(findings).includes(`ethtool -k ${netdev.name}`));
});

test("the ports count as much as the representors, once they are in switchdev mode", async () => {
  const world = await afterEarly(vfLagSpec);
  uplinkOf(world, 1).tcOffload = { on: false, fixed: false };
  assert.deepEqual(actionsOf(check(tcOffload, vfLagSpec, world)), [
    { kind: "set-tc-offload", netdev: "ens3f1", index: uplinkOf(world, 1).index, on: true },
  ]);
  assert.deepEqual(check(tcOffload, vfLagSpec, fresh()), []);
});
