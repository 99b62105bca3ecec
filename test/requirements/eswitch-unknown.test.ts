import assert from "node:assert/strict";
import { test } from "node:test";
import { SimulatedHost } from "../../src/host/simulated/host.ts";
import type { World } from "../../src/host/simulated/world.ts";
import { reconcile } from "../../src/reconcile/reconcile.ts";
import { model } from "../../src/requirements/early/model.ts";
import { eswitchMode } from "../../src/requirements/eswitch/eswitch-mode.ts";
import { fresh, spec, vfLagSpec } from "../support/hosts.ts";
import { brief, check, pfOf } from "./view.ts";

/**
 * An eSwitch that could not be looked at is neither there nor absent: nothing is said of it, and nothing
 * done.
 */

const sriov = spec("{version: 1, nics: [{name: data, mode: sriov, ports: [ens3f0], vfs: 2}]}");
const switchdev = spec("{version: 1, nics: [{name: data, mode: switchdev, ports: [ens3f0], vfs: 2}]}");
const unseen = { actual: "devlink gave no answer", severity: "unknown", remedy: "person" };

function withUnknownEswitch(...ports: number[]): World {
  const world = fresh();
  for (const port of ports) pfOf(world, port).eswitch = { unknown: "devlink gave no answer" };
  return world;
}

test("whether the NIC can do switchdev is not known, and asked only where the mode needs it", () => {
  assert.deepEqual(brief(check(model, switchdev, withUnknownEswitch(0))), [unseen]);
  assert.deepEqual(brief(check(model, vfLagSpec, withUnknownEswitch(0, 1))), [unseen, unseen]);
  assert.deepEqual(check(model, sriov, withUnknownEswitch(0)), []);
});

test("a NIC that was seen to have no eSwitch is an error, not a doubt", () => {
  const world = fresh();
  pfOf(world).eswitch = null;
  assert.deepEqual(brief(check(model, switchdev, world)), [
    { actual: "ConnectX-5 (driver mlx5_core) has no eSwitch", severity: "error", remedy: "person" },
  ]);
});

test("the eSwitch's mode is not known, whichever mode is wanted", () => {
  for (const wanted of [switchdev, sriov])
    assert.deepEqual(brief(check(eswitchMode, wanted, withUnknownEswitch(0))), [unseen]);
});

test("each port speaks for itself", () => {
  const found = check(eswitchMode, vfLagSpec, withUnknownEswitch(1));
  assert.deepEqual(brief(found), [
    { actual: "eSwitch in legacy mode", severity: "error", remedy: "actions" },
    unseen,
  ]);
});

test("a NIC without an eSwitch is in the mode that sriov wants", () => {
  const world = fresh([{ model: "82576", ports: 2 }]);
  assert.deepEqual(check(eswitchMode, sriov, world), []);
});

test("nothing is done to a NIC whose eSwitch is not known", async () => {
  const [outcome] = await reconcile(new SimulatedHost(withUnknownEswitch(1)), vfLagSpec, {
    stages: ["early"],
  });
  assert.equal(outcome?.status, "stopped");
  assert.deepEqual(outcome?.steps, []);
});
