import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setMode } from "../../../src/host/simulated/card/eswitch.ts";
import { setVfCount } from "../../../src/host/simulated/card/sriov.ts";
import { network, reboot } from "../../../src/host/simulated/events.ts";
import { inject } from "../../../src/host/simulated/faults.ts";
import { observeWorld, SimulatedHost } from "../../../src/host/simulated/host.ts";
import { twinOf } from "../../../src/host/simulated/twin.ts";
import type { World } from "../../../src/host/simulated/world.ts";
import { known } from "../../../src/host/state/observed.ts";
import { afterEarly, booted, fresh, vfLagSpec } from "../../support/hosts.ts";

/**
 * Rules of the simulated host that no action of vflag's on a real host can show, because vflag never does
 * such a thing.
 */

describe("rules of the simulated host", () => {
  test("the first VFs in legacy mode take a RoCE LAG away", () => {
    const world = fresh();
    network(world);
    world.hidden.clock += 10;
    assert.equal(lag(world), "roce");
    setVfCount(world, first(world).address, 2);
    assert.equal(lag(world), "disabled");
  });

  test("setting the mode that is there makes the driver look at the LAG again", async () => {
    const world = await afterEarly(vfLagSpec);
    network(world);
    inject(world, "vfs-bound-early");
    assert.equal(lag(world), "disabled");
    for (const pf of world.state.pfs) for (const vf of pf.vfs) vf.driver = null;
    setMode(world, first(world).address, "switchdev");
    world.hidden.clock += 10;
    assert.equal(lag(world), "switchdev");
  });

  test("a VF that gets a driver or a guest before the LAG has come up is why the firmware refuses it", async () => {
    for (const drive of [bindFirstVf, giveVfsToGuests]) {
      const world = await afterEarly(vfLagSpec);
      network(world);
      assert.equal(lag(world), "disabled");
      await drive(world);
      world.hidden.clock += 10;
      assert.equal(lag(world), "disabled");
      const log = known(world.state.kernelLog)?.lines ?? [];
      assert.ok(log.some(({ text }) => text.includes("Failed to create LAG")));
    }
  });

  test("a VF that nothing drives lets the LAG come up", async () => {
    const world = await afterEarly(vfLagSpec);
    network(world);
    const pf = first(world);
    const vf = pf.vfs[0];
    assert.ok(vf !== undefined);
    vf.driverOverride = "vfio-pci";
    await new SimulatedHost(world).perform({
      kind: "bind-vf",
      pf: pf.address,
      vf: vf.address,
      driver: "vfio-pci",
    });
    world.hidden.clock += 10;
    assert.equal(lag(world), "switchdev");
  });

  test("driver_override lets a driver have a VF though autoprobe is off", async () => {
    const world = await afterEarly(vfLagSpec);
    const pf = first(world);
    const vf = pf.vfs[0];
    assert.ok(vf !== undefined && pf.sriov?.autoprobe === false);
    vf.driverOverride = "vfio-pci";
    await new SimulatedHost(world).perform({
      kind: "bind-vf",
      pf: pf.address,
      vf: vf.address,
      driver: "vfio-pci",
    });
    assert.equal(vf.driver, "vfio-pci");
  });

  test("a missing VF link stops no change of mode", async () => {
    const world = await afterEarly(vfLagSpec);
    const pf = first(world);
    pf.vfs.pop();
    await new SimulatedHost(world).perform({ kind: "set-eswitch-mode", pf: pf.address, mode: "legacy" });
    await new SimulatedHost(world).perform({ kind: "set-eswitch-mode", pf: pf.address, mode: "switchdev" });
  });

  test("a change to switchdev that the firmware refuses leaves VFs dead until their number goes by way of 0", async () => {
    const world = fresh();
    const { address } = first(world);
    const host = new SimulatedHost(world);
    await host.perform({ kind: "set-vf-count", pf: address, count: 1 });
    await assert.rejects(host.perform({ kind: "set-eswitch-mode", pf: address, mode: "switchdev" }), {
      code: "EINVAL",
    });
    assert.deepEqual(world.hidden.withoutFdb, [address]);
    await host.perform({ kind: "set-vf-count", pf: address, count: 0 });
    assert.deepEqual(world.hidden.withoutFdb, []);
  });

  test("the mode that is there, set on an active LAG while VFs are bound, takes the LAG down for good", async () => {
    const world = await booted(vfLagSpec);
    world.hidden.clock += 10;
    assert.equal(lag(world), "switchdev");
    setMode(world, first(world).address, "switchdev");
    world.hidden.clock += 10;
    assert.equal(lag(world), "disabled");
    for (const pf of world.state.pfs) for (const vf of pf.vfs) vf.driver = null;
    setMode(world, first(world).address, "switchdev");
    world.hidden.clock += 10;
    assert.equal(lag(world), "disabled", "the firmware kept the one that it had");
  });

  test("NUM_OF_VFS above 64 takes the LAG's object away at the next boot, unless the firmware is another", async () => {
    for (const keeps of [false, true]) {
      const world = fresh();
      if (keeps) inject(world, "firmware-keeps-lag-over-64");
      const { address } = first(world);
      await new SimulatedHost(world).perform({
        kind: "set-firmware",
        pf: address,
        tool: "mstconfig",
        settings: { NUM_OF_VFS: "80" },
      });
      reboot(world);
      assert.equal(first(world).sriov?.total, 80);
      assert.equal(lag(world), keeps ? "disabled" : "none");
    }
  });

  test("whoever makes a bond that cannot be offloaded is warned, and no log has it", () => {
    const world = fresh();
    inject(world, "bond-mode");
    assert.deepEqual(network(world), [
      "ens3f1: mlx5_core: Can't activate LAG offload, TX type isn't supported.",
    ]);
    assert.doesNotMatch(JSON.stringify(world.state.kernelLog), /TX type/);
  });

  test("a reboot leaves what the firmware and the network configuration say, and nothing else", async () => {
    const world = await booted(vfLagSpec);
    reboot(world);
    const born = fresh();
    const shown = (of: World) => {
      const { pfs, bonds, representors, netdevs } = observeWorld(of);
      return {
        pfs,
        bonds,
        representors,
        netdevs: netdevs.map(({ index: _index, up: _up, ...rest }) => rest),
      };
    };
    assert.deepEqual(shown(world), shown(born));
  });

  test("a twin gives new netdevs indexes that no netdev of the host has", async () => {
    const world = await afterEarly(vfLagSpec);
    const twin = twinOf(observeWorld(world));
    assert.ok(world.state.netdevs.every((netdev) => netdev.index < twin.hidden.nextIndex));
  });
});

function first(world: World): World["state"]["pfs"][number] {
  const [pf] = world.state.pfs;
  assert.ok(pf !== undefined);
  return pf;
}

async function bindFirstVf(world: World): Promise<void> {
  const host = new SimulatedHost(world);
  const pf = first(world);
  const [vf] = pf.vfs;
  assert.ok(vf !== undefined);
  await host.perform({ kind: "set-vf-autoprobe", pf: pf.address, on: true });
  await host.perform({ kind: "bind-vf", pf: pf.address, vf: vf.address, driver: "mlx5_core" });
}

function giveVfsToGuests(world: World): void {
  inject(world, "guest-holds-vf");
}

/** The LAG as it can be seen: its type when it is active. */
function lag(world: World): string {
  const seen = known(observeWorld(world).pfs[0]?.lag);
  return seen?.state === "active" ? (seen.type ?? "no type") : (seen?.state ?? "none");
}
