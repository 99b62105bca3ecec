import assert from "node:assert/strict";
import { test } from "node:test";
import type { World } from "../../../src/host/simulated/world.ts";
import type { Lag } from "../../../src/host/state/state.ts";
import { lag } from "../../../src/requirements/late/lag.ts";
import { booted, vfLagSpec } from "../../support/hosts.ts";
import { actionsOf, adviceOf, brief, check, hold, pfOf, vfOf } from "../view.ts";

const unreadable = { unknown: "debugfs cannot be read" };
const disabled: Lag = {
  state: "disabled",
  type: null,
  source: "debugfs",
  portSelection: null,
  sharedFdb: null,
  mapping: [],
  members: [],
};

/** Both VFs of both ports unbound, as they are when the LAG has to come up. */
async function withLag(...shown: (Lag | { unknown: string })[]): Promise<World> {
  const world = await booted(vfLagSpec);
  for (const [port, value] of shown.entries()) pfOf(world, port).lag = value;
  for (const port of [0, 1]) for (const vf of pfOf(world, port).vfs) vf.driver = null;
  return world;
}

function activeOn(world: World): Lag {
  const shown = pfOf(world, 1).lag;
  return { ...disabled, ...shown };
}

test("a LAG that both ports show active needs nothing", async () => {
  assert.deepEqual(check(lag, vfLagSpec, await withLag()), []);
});

test("the port that can be read speaks for the LAG, whichever it is", async () => {
  assert.deepEqual(check(lag, vfLagSpec, await withLag(unreadable)), []);
  const world = await withLag(unreadable, disabled);
  const found = check(lag, vfLagSpec, world);
  assert.equal(found[0]?.subject, "LAG of ens3f1 (0000:37:00.1)");
  assert.deepEqual(actionsOf(found), [{ kind: "activate-lag", pf: pfOf(world, 1).address, seconds: 10 }]);
});

test("a LAG that neither port shows is not known, and nobody touches it", async () => {
  const found = check(lag, vfLagSpec, await withLag(unreadable, unreadable));
  assert.deepEqual(brief(found), [
    { actual: "debugfs cannot be read", severity: "unknown", remedy: "person" },
  ]);
});

test("VFs that are bound are unbound before the driver is asked again", async () => {
  const world = await withLag(disabled, disabled);
  const { address: pf } = pfOf(world, 1);
  const vf = vfOf(world, 1, 0);
  vf.driver = "mlx5_core";
  assert.deepEqual(actionsOf(check(lag, vfLagSpec, world)), [
    { kind: "unbind-vf", pf, vf: vf.address, driver: "mlx5_core" },
    { kind: "activate-lag", pf: pfOf(world, 0).address, seconds: 10 },
  ]);
});

test("a VF in use keeps the LAG down: then nothing is unbound at all", async () => {
  const world = await withLag(disabled, disabled);
  vfOf(world, 0, 0).driver = "mlx5_core";
  hold(vfOf(world, 1, 1));
  const found = check(lag, vfLagSpec, world);
  assert.deepEqual(brief(found), [
    { actual: "disabled, with 2 VFs bound", severity: "error", remedy: "person" },
  ]);
  assert.match(adviceOf(found), /^VF 1 \(\S+\) in use by process 4711 \(qemu-kvm\): stop what uses it/);
});

test("a LAG that the ports do not show alike is not known to work", async () => {
  const world = await withLag();
  pfOf(world, 1).lag = disabled;
  assert.deepEqual(brief(check(lag, vfLagSpec, world)), [
    {
      actual: "active, type switchdev, but not as ens3f1 (0000:37:00.1) shows it",
      severity: "unknown",
      remedy: "person",
    },
  ]);
});

test("a LAG with other members than the two ports is not known to work", async () => {
  const world = await withLag();
  const [first] = activeOn(world).members;
  assert.ok(first !== undefined);
  for (const port of [0, 1]) pfOf(world, port).lag = { ...activeOn(world), members: [first] };
  assert.deepEqual(brief(check(lag, vfLagSpec, world)), [
    { actual: "active, with the members 0000:37:00.0", severity: "unknown", remedy: "person" },
  ]);
});

test("a LAG of another type is not VF-LAG, and each type has its own way out", async () => {
  for (const [type, remedy] of [
    ["roce", "reboot"],
    ["multipath", "person"],
    ["multiport_eswitch", "person"],
  ] as const) {
    const world = await withLag();
    for (const port of [0, 1]) pfOf(world, port).lag = { ...activeOn(world), type };
    assert.deepEqual(brief(check(lag, vfLagSpec, world)), [
      { actual: `active, type ${type}`, severity: "error", remedy },
    ]);
  }
});
