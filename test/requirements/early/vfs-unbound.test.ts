import assert from "node:assert/strict";
import { test } from "node:test";
import { setMode } from "../../../src/host/simulated/card/eswitch.ts";
import { SimulatedHost } from "../../../src/host/simulated/host.ts";
import type { World } from "../../../src/host/simulated/world.ts";
import { vfsUnbound } from "../../../src/requirements/early/vfs-unbound.ts";
import { booted, fresh, spec, vfLagSpec } from "../../support/hosts.ts";
import { actionsOf, adviceOf, brief, check, hold, pfOf, vfOf } from "../view.ts";

const switchdev = spec(
  "{version: 1, nics: [{name: data, mode: switchdev, ports: [ens3f0, ens3f1], vfs: 2}]}",
);

/** Both ports have two VFs, bound as they are made, in legacy mode. */
async function withBoundVfs(): Promise<World> {
  const world = fresh();
  const host = new SimulatedHost(world);
  for (const port of [0, 1])
    await host.perform({ kind: "set-vf-count", pf: pfOf(world, port).address, count: 2 });
  return world;
}

/** Unbinding, without the questions that come before it. */
function deeds(found: Parameters<typeof actionsOf>[0]) {
  return actionsOf(found).filter(({ kind }) => kind !== "ask-eswitch-mode");
}

/** @param vfs the port and the number of each VF */
function unbindings(world: World, vfs: readonly (readonly [number, number])[]) {
  return vfs.map(([port, index]) => {
    return {
      kind: "unbind-vf",
      pf: pfOf(world, port).address,
      vf: vfOf(world, port, index).address,
      driver: "mlx5_core",
    };
  });
}

test("before a mode change all VFs with the NIC's own driver are unbound", async () => {
  const world = await withBoundVfs();
  const all = [
    [0, 0],
    [0, 1],
    [1, 0],
    [1, 1],
  ] as const;
  for (const wanted of [switchdev, vfLagSpec]) {
    assert.deepEqual(deeds(check(vfsUnbound, wanted, world)), unbindings(world, all));
    // Nothing is unbound for a change that would be refused.
    const ask = [0, 1].map((port) => ({
      kind: "ask-eswitch-mode",
      pf: pfOf(world, port).address,
      mode: "legacy",
    }));
    assert.deepEqual(actionsOf(check(vfsUnbound, wanted, world)).slice(0, 2), ask);
  }
});

test("a VF with another driver, and nobody on it, is left alone", async () => {
  const world = await withBoundVfs();
  vfOf(world, 0, 0).driver = "vfio-pci";
  vfOf(world, 1, 1).driver = null;
  assert.deepEqual(
    deeds(check(vfsUnbound, switchdev, world)),
    unbindings(world, [
      [0, 1],
      [1, 0],
    ]),
  );
});

test("a VF in use is never unbound: a person is told who holds it", async () => {
  const world = await withBoundVfs();
  hold(vfOf(world, 0, 0));
  vfOf(world, 0, 1).holders = [{ kind: "namespace", name: "cni-5a1e" }];
  const found = check(vfsUnbound, switchdev, world);
  assert.deepEqual(brief(found.slice(0, 2)), [
    { actual: "bound to vfio-pci", severity: "error", remedy: "person" },
    { actual: "bound to mlx5_core", severity: "error", remedy: "person" },
  ]);
  assert.match(adviceOf(found), /VF 0 \(\S+\) in use by process 4711 \(qemu-kvm\): stop what uses it/);
  assert.match(adviceOf(found), /VF 1 \(\S+\) in use by network namespace cni-5a1e: stop what uses it/);
  assert.match(adviceOf(found), /never unbinds a VF in use/);
  assert.deepEqual(
    deeds(found),
    unbindings(world, [
      [1, 0],
      [1, 1],
    ]),
  );
});

test("a port that is in its mode already keeps its VFs bound, but not under vf-lag", async () => {
  const world = await booted(switchdev);
  setMode(world, pfOf(world, 1).address, "legacy");
  for (const port of [0, 1])
    for (const index of [0, 1]) Object.assign(vfOf(world, port, index), { driver: "mlx5_core" });
  assert.deepEqual(
    deeds(check(vfsUnbound, switchdev, world)),
    unbindings(world, [
      [1, 0],
      [1, 1],
    ]),
  );
  assert.equal(deeds(check(vfsUnbound, vfLagSpec, world)).length, 4);
});

test("under vf-lag VFs are unbound before the bond is made, and not once the ports are in it", async () => {
  const world = await booted(vfLagSpec);
  assert.deepEqual(check(vfsUnbound, vfLagSpec, world), []);
  for (const netdev of world.state.netdevs) netdev.master = null;
  assert.deepEqual(
    check(vfsUnbound, vfLagSpec, world).map(({ expected }) => expected),
    Array(4).fill("no driver before the bond is made"),
  );
});
