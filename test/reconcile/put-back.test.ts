import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Action } from "../../src/host/actions/action.ts";
import { ActionError } from "../../src/host/host.ts";
import { type FaultName, inject } from "../../src/host/simulated/faults.ts";
import { SimulatedHost } from "../../src/host/simulated/host.ts";
import { logOutOfMemory } from "../../src/host/simulated/machine/kernel-log.ts";
import type { World } from "../../src/host/simulated/world.ts";
import { known } from "../../src/host/state/observed.ts";
import { reconcile } from "../../src/reconcile/reconcile.ts";
import { booted, fresh, spec } from "../support/hosts.ts";

/**
 * No step takes something working apart unless it is known that the step can succeed; what was taken apart
 * for nothing is put back.
 */

const all = { stages: ["early", "late"] } as const;
const switchdev = spec(
  "{version: 1, nics: [{name: data, mode: switchdev, ports: [ens3f0, ens3f1], vfs: 2}]}",
);
const sriov = spec("{version: 1, nics: [{name: data, mode: sriov, ports: [ens3f0, ens3f1], vfs: 2}]}");
const smfs = spec(
  "{version: 1, nics: [{name: data, mode: switchdev, ports: [ens3f0, ens3f1], vfs: 2, eswitch: {steering: smfs}}]}",
);

const unbonded = (...faults: readonly FaultName[]) => fresh([{ model: "ConnectX-5", ports: 2 }], ...faults);

class Recorded extends SimulatedHost {
  readonly done: Action["kind"][] = [];

  override async perform(action: Action): Promise<void> {
    this.done.push(action.kind);
    await super.perform(action);
  }
}

/** What a guest would notice: drivers, addresses, modes. */
function working({ state }: World) {
  return state.pfs.map((pf) => [
    known(pf.eswitch)?.mode,
    pf.vfs.map(({ address, driver }) => [address, driver]),
  ]);
}

describe("a setting that the card refuses for ever", () => {
  test("takes nothing apart, is asked once, and is reported as what it is", async () => {
    const world = await booted(switchdev, unbonded("no-smfs"));
    const before = working(world);
    const macs = world.state.netdevs.map(({ mac }) => mac);
    for (const asks of [1, 0]) {
      const host = new Recorded(world);
      const [outcome] = await reconcile(host, smfs, all);
      assert.deepEqual(
        host.done,
        Array(asks).fill("ask-steering"),
        "one port's answer is the card's: its lane stops there",
      );
      assert.equal(outcome?.left.length, 2);
    }
    assert.deepEqual(working(world), before);
    assert.deepEqual(
      world.state.netdevs.map(({ mac }) => mac),
      macs,
    );
  });

  test("in legacy mode, at boot, it is refused once, and the NIC goes on without", async () => {
    const world = await booted(smfs, unbonded("no-smfs"));
    assert.deepEqual(
      world.state.pfs.map((pf) => [known(pf.eswitch)?.mode, known(pf.eswitch)?.steering]),
      [
        ["switchdev", "dmfs"],
        ["switchdev", "dmfs"],
      ],
    );
    const host = new Recorded(world);
    await reconcile(host, smfs, all);
    assert.deepEqual(host.done, []);
  });
});

describe("a mode that is refused because the eSwitch is in use", () => {
  test("costs no VF its driver: it is asked before", async () => {
    const world = await booted(switchdev, unbonded());
    inject(world, "eswitch-busy");
    const before = working(world);
    const host = new Recorded(world);
    const [outcome] = await reconcile(host, sriov, all);
    assert.deepEqual(working(world), before);
    assert.deepEqual([...new Set(host.done)], ["ask-eswitch-mode"]);
    assert.equal(outcome?.status, "stopped");
    assert.match(outcome?.failures[0]?.reason ?? "", /E-Switch is busy/);
  });

  test("gives VFs their driver back where somebody began to use it after the question", async () => {
    const world = await booted(switchdev, unbonded());
    const before = working(world);
    const host = new (class extends Recorded {
      override async perform(action: Action): Promise<void> {
        if (action.kind === "set-eswitch-mode")
          throw new ActionError(action, "EBUSY", "mlx5_core: Can't change mode, E-Switch is busy.");
        await super.perform(action);
      }
    })(world);
    const [outcome] = await reconcile(host, sriov, all);
    assert.ok(host.done.includes("unbind-vf"));
    assert.deepEqual(working(world), before);
    assert.equal(outcome?.status, "stopped");
  });

  test("but none of a port whose driver is half-way", async () => {
    const world = await booted(switchdev, unbonded());
    const [first] = world.state.pfs;
    const host = new (class extends Recorded {
      override async perform(action: Action): Promise<void> {
        if (action.kind !== "set-eswitch-mode") return super.perform(action);
        if (action.pf === first?.address) logOutOfMemory(world, first);
        throw new ActionError(action, "EBUSY", "not done: only a reboot makes it safe to ask again");
      }
    })(world);
    await reconcile(host, sriov, all);
    assert.deepEqual(
      world.state.pfs.map(({ vfs }) => vfs.map(({ driver }) => driver)),
      [
        [null, null],
        ["mlx5_core", "mlx5_core"],
      ],
    );
  });

  test("and not where the firmware failed half-way: such VFs have no network, and a driver would give them none", async () => {
    const world = await booted(sriov, unbonded());
    inject(world, "mode-change-fails");
    await reconcile(new Recorded(world), switchdev, all);
    assert.deepEqual(
      world.state.pfs.flatMap(({ vfs }) => vfs.map(({ driver }) => driver)),
      [null, null, null, null],
    );
    assert.equal(world.hidden.withoutFdb.length, 2);
  });
});

test("a change of mode that could not be undone is not asked for again before a reboot", async () => {
  const world = await booted(sriov, unbonded());
  inject(world, "mode-change-out-of-memory");
  await reconcile(new SimulatedHost(world), switchdev, all);
  world.hidden.behaviours = [];
  const host = new Recorded(world);
  const [outcome] = await reconcile(host, switchdev, all);
  assert.ok(!host.done.includes("set-eswitch-mode"));
  assert.deepEqual(world.hidden.harm, []);
  assert.ok(outcome?.stoppedBy.some(({ remedy }) => remedy.kind === "reboot"));
});
