import assert from "node:assert/strict";
import { test } from "node:test";
import type { Action } from "../../src/host/actions/action.ts";
import { ActionError } from "../../src/host/host.ts";
import { SimulatedHost } from "../../src/host/simulated/host.ts";
import { pfAt, type World } from "../../src/host/simulated/world.ts";
import { reconcile } from "../../src/reconcile/reconcile.ts";
import type { NicOutcome } from "../../src/reconcile/step.ts";
import { afterEarly, fresh, spec, vfLagSpec } from "../support/hosts.ts";

/** Reconcile ends: what does not progress is not tried again, and what never settles is given up. */

const switchdev = spec(
  "{version: 1, nics: [{name: data, mode: switchdev, ports: [ens3f0], vfs: 2, channels: {pf: 63}}]}",
);

/** A host that does something of its own for some actions, and remembers all that it was asked for. */
class OddHost extends SimulatedHost {
  readonly asked: Action[] = [];
  readonly #instead: (action: Action, world: World) => boolean;

  /** @param instead returns true where it has acted in the host's place */
  constructor(world: World, instead: (action: Action, world: World) => boolean) {
    super(world);
    this.#instead = instead;
  }

  override async perform(action: Action): Promise<void> {
    this.asked.push(action);
    assert.ok(this.asked.length < 100, "it goes on and on");
    if (!this.#instead(action, this.world)) await super.perform(action);
  }

  timesAsked(kind: Action["kind"]): number {
    return this.asked.filter((action) => action.kind === kind).length;
  }
}

function refuses(kind: Action["kind"]) {
  return (action: Action): boolean => {
    if (action.kind === kind) throw new ActionError(action, "EIO", "it is broken");
    return false;
  };
}

async function early(host: OddHost): Promise<NicOutcome> {
  const [outcome] = await reconcile(host, switchdev, { stages: ["early"] });
  assert.ok(outcome !== undefined);
  return outcome;
}

function stepsFor(outcome: NicOutcome, requirement: string): number {
  return outcome.steps.filter((step) => step.requirement === requirement).length;
}

test("a gate whose action is refused is tried once, and stops the NIC", async () => {
  const host = new OddHost(fresh(), refuses("set-eswitch-mode"));
  const outcome = await early(host);
  assert.equal(outcome.status, "stopped");
  assert.equal(host.timesAsked("set-eswitch-mode"), 1);
  assert.deepEqual(
    outcome.stoppedBy.map(({ requirement }) => requirement),
    ["eswitch-mode"],
  );
  assert.deepEqual(
    outcome.failures.map(({ action, code, reason }) => [action.kind, code, reason]),
    [["set-eswitch-mode", "EIO", "it is broken"]],
  );
});

test("a stopped NIC tells the gate from what else is off", async () => {
  const dmfs = spec(
    "{version: 1, nics: [{name: data, mode: switchdev, ports: [ens3f0], vfs: 2, eswitch: {steering: dmfs}}]}",
  );
  const host = new OddHost(fresh(undefined, "steering-without-value"), refuses("set-eswitch-mode"));
  const [outcome] = await reconcile(host, dmfs, { stages: ["early"] });
  assert.deepEqual(
    outcome?.left.map(({ requirement }) => requirement),
    ["steering", "eswitch-mode"],
  );
  assert.deepEqual(
    outcome.stoppedBy.map(({ requirement }) => requirement),
    ["eswitch-mode"],
  );
});

test("what is no gate is tried once, and what follows it is done", async () => {
  const world = fresh();
  await afterEarly(switchdev, world);
  for (const netdev of world.state.netdevs) {
    if (netdev.name === "ens3f0")
      Object.assign(netdev, { tcOffload: { on: false, fixed: false }, channels: { combined: 1, max: 63 } });
  }
  const host = new OddHost(world, refuses("set-tc-offload"));
  const outcome = await early(host);
  assert.equal(outcome.status, "settled");
  assert.deepEqual(
    host.asked.map(({ kind }) => kind),
    ["set-tc-offload", "set-channels"],
  );
  assert.deepEqual(
    outcome.left.map(({ requirement, actual }) => [requirement, actual]),
    [["tc-offload", "hw-tc-offload is off"]],
  );
});

test("an action that says that it is done, and changes nothing, is not repeated", async () => {
  const host = new OddHost(fresh(), ({ kind }) => kind === "set-eswitch-mode");
  const outcome = await early(host);
  assert.equal(outcome.status, "stopped");
  assert.deepEqual(outcome.failures, []);
  assert.equal(host.timesAsked("set-eswitch-mode"), 1);
});

test("a gate that is off in another way each time stops the NIC after five attempts", async () => {
  let count = 10;
  const host = new OddHost(fresh(), (action, world) => {
    if (action.kind !== "set-vf-count") return false;
    Object.assign(pfAt(world, action.pf).sriov ?? {}, { count: count++ });
    return true;
  });
  const outcome = await early(host);
  assert.equal(outcome.status, "stopped");
  assert.equal(stepsFor(outcome, "vf-count"), 5);
  assert.equal(outcome.steps.length, 5);
});

test("what is no gate and off in another way each time is left after five attempts", async () => {
  let combined = 1;
  const host = new OddHost(fresh(), (action, world) => {
    if (action.kind !== "set-channels") return false;
    for (const netdev of world.state.netdevs)
      if (netdev.name === action.netdev) netdev.channels = { combined: ++combined, max: 63 };
    return true;
  });
  const outcome = await early(host);
  assert.equal(outcome.status, "settled");
  assert.equal(stepsFor(outcome, "channels"), 5);
  assert.deepEqual(
    outcome.left.map(({ requirement, actual }) => [requirement, actual]),
    [["channels", "6 combined channels"]],
  );
});

test("one that needs a second look is brought about in the end", async () => {
  let looks = 0;
  const host = new OddHost(fresh(), (action, world) => {
    if (action.kind !== "set-channels" || ++looks > 3) return false;
    for (const netdev of world.state.netdevs)
      if (netdev.name === action.netdev) netdev.channels = { combined: 10 + looks, max: 63 };
    return true;
  });
  const outcome = await early(host);
  assert.deepEqual(outcome.left, []);
  assert.equal(stepsFor(outcome, "channels"), 4);
});

test("equal actions of one step are done once", async () => {
  const world = await afterEarly(vfLagSpec);
  const [representor] = world.state.representors;
  assert.ok(representor !== undefined);
  // Seen twice, as while udev gives a name from one VF's representor to another's.
  world.state.representors.push({ ...representor, vf: 7 });
  for (const netdev of world.state.netdevs)
    if (netdev.name === representor.netdev) netdev.tcOffload = { on: false, fixed: false };
  const host = new OddHost(world, () => false);
  const [outcome] = await reconcile(host, vfLagSpec, { stages: ["early"] });
  assert.equal(host.timesAsked("set-tc-offload"), 1);
  assert.equal(outcome?.steps[0]?.actions.length, 1);
});
