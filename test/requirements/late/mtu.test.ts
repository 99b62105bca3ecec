import assert from "node:assert/strict";
import { test } from "node:test";
import { startGuests } from "../../../src/host/simulated/machine/guests.ts";
import type { World } from "../../../src/host/simulated/world.ts";
import { mtu } from "../../../src/requirements/late/mtu.ts";
import type { Spec } from "../../../src/spec/schema.ts";
import { booted, vfLagSpec } from "../../support/hosts.ts";
import { check, representorOf, uplinkOf } from "../view.ts";

async function guests(): Promise<World> {
  const world = await booted(vfLagSpec);
  startGuests(world);
  return world;
}

const found = (world: World, wanted: Spec = vfLagSpec) =>
  check(mtu, wanted, world).map(
    ({ subject, severity, actual, expected }) =>
      `${severity}: ${subject.split(" (")[0]}: ${actual}, ${expected}`,
  );

test("MTUs that fit", async () => {
  const world = await guests();
  assert.deepEqual(found(world), []);
  representorOf(world, 0, 0).mtu = 9000;
  assert.deepEqual(found(world), []);
});

test("a port below its bond, a representor above it, and the room that a tunnel needs", async () => {
  const world = await guests();
  uplinkOf(world).mtu = 1500;
  assert.ok(found(world).includes("warning: ens3f0: ens3f0 has MTU 1500, MTU 9000, as bond0"));
  uplinkOf(world).mtu = 9000;
  const representor = representorOf(world, 0, 0);
  representor.mtu = 9216;
  assert.deepEqual(found(world), [
    `warning: VF 0: ${representor.name} has MTU 9216, MTU 9000 at most, for bond0`,
  ]);
  representor.mtu = 9000;
  const overlay = { ...vfLagSpec, nics: vfLagSpec.nics.map((nic) => ({ ...nic, physnet: null })) };
  assert.deepEqual(found(world, overlay), [
    `warning: VF 0: ${representor.name} has MTU 9000, MTU 8950 at most, for bond0, which needs 50 bytes for the tunnel`,
  ]);
});

test("a VF on the host above its port; a representor that nobody plugged in counts for nothing", async () => {
  const world = await guests();
  representorOf(world, 0, 1).mtu = 9999;
  assert.deepEqual(found(world), []);
  const vf =
    world.state.netdevs.find(({ device }) => device === world.state.pfs[0]?.vfs[1]?.address) ?? assert.fail();
  vf.mtu = 9001;
  assert.deepEqual(found(world), [`warning: VF 1: ${vf.name} has MTU 9001, MTU 9000 at most, for ens3f0`]);
});
