import assert from "node:assert/strict";
import { test } from "node:test";
import { SimulatedHost } from "../../../src/host/simulated/host.ts";
import { reconcile } from "../../../src/reconcile/reconcile.ts";
import { ports } from "../../../src/requirements/early/ports.ts";
import { dualPort, fresh, spec } from "../../support/hosts.ts";
import { brief, check, pfOf } from "../view.ts";

/** A port without a netdev can only be named by its address. */
const byAddress = spec(`
version: 1
nics:
  - {name: data, mode: vf-lag, ports: [{address: "0000:37:00.*"}], vfs: 2, bond: bond0}
`);

test("two ports of one card with netdevs are as they should be", () => {
  assert.deepEqual(check(ports, byAddress, fresh()), []);
});

test("a port that has a driver and no netdev is an error that names the driver", () => {
  const world = fresh();
  pfOf(world, 1).netdev = null;
  const found = check(ports, byAddress, world);
  assert.deepEqual(brief(found), [
    { actual: "driver mlx5_core shows none", severity: "error", remedy: "person" },
  ]);
  assert.equal(found[0]?.subject, "0000:37:00.1");
});

test("a port without a driver says so", () => {
  const world = fresh();
  Object.assign(pfOf(world), { netdev: null, driver: null });
  assert.deepEqual(brief(check(ports, byAddress, world)), [
    { actual: "no driver is bound", severity: "error", remedy: "person" },
  ]);
});

test("ports of two cards are an error in mode vf-lag, and none in mode switchdev", () => {
  const world = fresh([dualPort, dualPort]);
  const on = (mode: string) =>
    spec(`
version: 1
nics:
  - {name: data, ports: [ens3f0, ens4f0], vfs: 2, ${mode}}
`);
  assert.deepEqual(brief(check(ports, on("mode: vf-lag, bond: bond0"), world)), [
    { actual: "ports of 2 NICs (0000:37:00, 0000:5d:00)", severity: "error", remedy: "person" },
  ]);
  assert.deepEqual(check(ports, on("mode: switchdev"), world), []);
});

test("ports in two slots are of one card when they tell one switch id", () => {
  const world = fresh([dualPort, dualPort]);
  const nic = spec(`
version: 1
nics:
  - {name: data, mode: vf-lag, bond: bond0, ports: [ens3f0, ens4f0], vfs: 2}
`);
  const ofFirst = world.state.netdevs.find(({ name }) => name === "ens3f0")?.switchId ?? null;
  assert.notEqual(ofFirst, null);
  for (const netdev of world.state.netdevs) if (netdev.name.startsWith("ens4f")) netdev.switchId = ofFirst;
  assert.deepEqual(check(ports, nic, world), []);
});

test("nothing is done to a NIC with a port that has no netdev", async () => {
  const world = fresh();
  pfOf(world, 1).netdev = null;
  const [outcome] = await reconcile(new SimulatedHost(world), byAddress, { stages: ["early"] });
  assert.equal(outcome?.status, "stopped");
  assert.deepEqual(outcome?.steps, []);
});
