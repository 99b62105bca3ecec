import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import type { Action } from "../../src/host/actions/action.ts";
import type { Host } from "../../src/host/host.ts";
import { network } from "../../src/host/simulated/events.ts";
import { inject } from "../../src/host/simulated/faults.ts";
import { observeWorld, SimulatedHost } from "../../src/host/simulated/host.ts";
import { twinOf } from "../../src/host/simulated/twin.ts";
import type { World } from "../../src/host/simulated/world.ts";
import { known } from "../../src/host/state/observed.ts";
import type { HostState } from "../../src/host/state/state.ts";
import type { PciAddress } from "../../src/host/state/values.ts";
import { rehearse } from "../../src/reconcile/plan.ts";
import { reconcile } from "../../src/reconcile/reconcile.ts";
import type { NicOutcome } from "../../src/reconcile/step.ts";
import type { Spec } from "../../src/spec/schema.ts";
import { resolvePorts } from "../../src/spec/selectors.ts";
import { verdicts } from "../../src/verdict/verdict.ts";
import { numRuns, play, specs, stories } from "./arbitraries.ts";

const both = { stages: ["firmware", "early", "late"] } as const;

describe("properties over random specs, hosts and faults", () => {
  test("apply settles, or stops with a reason that a person can act on", async () => {
    await fc.assert(
      fc.asyncProperty(specs, stories, async (spec, story) => {
        const world = await play(story, spec);
        for (const outcome of await reconcile(new SimulatedHost(world), spec, both)) {
          assert.ok(outcome.steps.length <= 60, "it goes on and on");
          if (outcome.status === "stopped")
            assert.ok(outcome.left.some((deviation) => deviation.severity !== "warning"));
          for (const deviation of outcome.left)
            if (deviation.remedy.kind !== "actions") assert.notEqual(deviation.remedy.text, "");
        }
      }),
      { numRuns },
    );
  });

  test("a VF in use is never destroyed or unbound, and a bonded port is never touched", async () => {
    await fc.assert(
      fc.asyncProperty(specs, stories, async (spec, story) => {
        const world = await play(story, spec);
        await reconcile(new SimulatedHost(world), spec, both);
        assert.deepEqual(world.hidden.harm, []);
      }),
      { numRuns },
    );
  });

  test("a second apply changes nothing, and does nothing if nothing failed in the first", async () => {
    await fc.assert(
      fc.asyncProperty(specs, stories, async (spec, story) => {
        const world = await play(story, spec);
        const first = await reconcile(new SimulatedHost(world), spec, both);
        const between = comparable(settled(world));
        const second = await reconcile(new SimulatedHost(world), spec, both);
        assert.deepEqual(comparable(settled(world)), between);
        if (first.every((outcome) => outcome.failures.length === 0))
          assert.deepEqual(
            second.flatMap((outcome) => outcome.steps),
            [],
          );
      }),
      { numRuns },
    );
  });

  test("killed after any action and run again, apply ends in the same state", async () => {
    await fc.assert(
      fc.asyncProperty(specs, stories, fc.nat({ max: 40 }), async (spec, story, actions) => {
        const straight = await play(story, spec);
        await reconcile(new SimulatedHost(straight), spec, both);
        const killed = await play(story, spec);
        await reconcile(new Killed(killed, actions), spec, both).catch(expectKill);
        await reconcile(new SimulatedHost(killed), spec, both);
        assert.deepEqual(comparable(settled(killed)), comparable(settled(straight)));
      }),
      { numRuns },
    );
  });

  test("a plan lists exactly the actions that apply then does", async () => {
    await fc.assert(
      fc.asyncProperty(specs, stories, async (spec, story) => {
        const world = await play(story, spec);
        const state = observeWorld(world);
        const plan = await rehearse(spec, state);
        const planned = byNic(spec, plan.phases[0]?.steps ?? []);
        assert.deepEqual(
          byNic(spec, steps(await reconcile(new SimulatedHost(twinOf(state)), spec, both))),
          planned,
        );
        // Where nothing is hidden behind the state, the twin is the host.
        if (world.hidden.behaviours.length === 0 && sound(world)) {
          assert.deepEqual(
            byNic(spec, steps(await reconcile(new SimulatedHost(world), spec, both))),
            planned,
          );
        }
      }),
      { numRuns },
    );
  });

  test("no NIC is said to work whose truth is otherwise", async () => {
    await fc.assert(
      fc.asyncProperty(specs, stories, async (spec, story) => {
        const world = await play(story, spec);
        await reconcile(new SimulatedHost(world), spec, both);
        const state = observeWorld(world);
        for (const { nic, answer } of verdicts(spec, state))
          if (answer === "works") assert.deepEqual(lies(spec, nic, world), []);
      }),
      { numRuns },
    );
  });

  test("a guest that starts, or a bond that is made, while vflag is at work comes to no harm", async () => {
    const happenings = fc.constantFrom<(world: World) => void>(network, (world) =>
      inject(world, "guest-holds-vf"),
    );
    await fc.assert(
      fc.asyncProperty(
        specs,
        stories,
        fc.nat({ max: 12 }),
        happenings,
        async (spec, story, looks, happen) => {
          const world = await play(story, spec);
          await reconcile(new Eventful(world, looks, happen), spec, both);
          assert.deepEqual(world.hidden.harm, []);
        },
      ),
      { numRuns },
    );
  });

  test("a kill during boot early, then networking, then boot late never harms and never throws", async () => {
    await fc.assert(
      fc.asyncProperty(specs, stories, fc.nat({ max: 20 }), async (spec, story, actions) => {
        const world = await play(story, spec);
        await reconcile(new Killed(world, actions), spec, { stages: ["early"] }).catch(expectKill);
        network(world);
        await reconcile(new SimulatedHost(world), spec, both);
        assert.deepEqual(world.hidden.harm, []);
      }),
      { numRuns },
    );
  });
});

/**
 * A host to which something happens while vflag is at work: before its so-many-th look.
 */
class Eventful implements Host {
  readonly #host: SimulatedHost;
  readonly #happen: (world: World) => void;
  #looks: number;

  constructor(world: World, looks: number, happen: (world: World) => void) {
    this.#host = new SimulatedHost(world);
    this.#looks = looks;
    this.#happen = happen;
  }

  observe(): Promise<HostState> {
    if (this.#looks-- === 0) this.#happen(this.#host.world);
    return this.#host.observe();
  }

  glance(before: HostState, pfs: readonly PciAddress[]): Promise<HostState | null> {
    if (this.#looks-- === 0) this.#happen(this.#host.world);
    return this.#host.glance(before, pfs);
  }

  async perform(action: Action): Promise<void> {
    await this.#host.perform(action);
  }
}

class Kill extends Error {}

/** A host on which the program is killed after so many actions. */
class Killed implements Host {
  readonly #host: SimulatedHost;
  #left: number;

  constructor(world: World, actions: number) {
    this.#host = new SimulatedHost(world);
    this.#left = actions;
  }

  observe(): Promise<HostState> {
    return this.#host.observe();
  }

  glance(before: HostState, pfs: readonly PciAddress[]): Promise<HostState | null> {
    return this.#host.glance(before, pfs);
  }

  async perform(action: Action): Promise<void> {
    if (this.#left-- <= 0) throw new Kill();
    await this.#host.perform(action);
  }
}

function expectKill(error: unknown): void {
  if (!(error instanceof Kill)) throw error;
}

/** What can be seen when a LAG that was about to come up has come up: time alone changes nothing else. */
function settled(world: World): HostState {
  world.hidden.clock += 10;
  return observeWorld(world);
}

/**
 * A state without what may differ from run to run: indexes and addresses that the kernel gives at random, and
 * the time.
 */
function comparable(state: HostState): unknown {
  return {
    pfs: state.pfs,
    bonds: state.bonds,
    representors: [...state.representors].sort((a, b) => a.pf.localeCompare(b.pf) || a.vf - b.vf),
    netdevs: state.netdevs
      .map(({ index: _index, mac: _mac, ...rest }) => rest)
      .sort((a, b) => a.name.localeCompare(b.name)),
  };
}

function steps(outcomes: readonly NicOutcome[]): NicOutcome["steps"] {
  return outcomes.flatMap((outcome) => outcome.steps);
}

/** Each NIC's actions in their order: NICs go on at the same time. */
function byNic(spec: Spec, list: NicOutcome["steps"]): unknown {
  return spec.nics.map((nic) =>
    list
      .filter((step) => step.nic === nic.name)
      .map(({ requirement, actions }) => ({ requirement, actions: actions.map(unnumbered) })),
  );
}

/** An action without the netdev's index: new netdevs of the twin have other numbers than the host's. */
function unnumbered(action: Action): object {
  return { ...action, index: undefined };
}

/** A LAG that is about to come up is behind the state: the twin cannot know of it. */
function sound(world: World): boolean {
  return Object.values(world.hidden.lagActiveAt).every((at) => at <= world.hidden.clock);
}

/**
 * What speaks against a NIC that is said to work, told from the world itself and not by vflag's requirements.
 */
function lies(spec: Spec, name: string, world: World): string[] {
  const nic = spec.nics.find((candidate) => candidate.name === name);
  const resolved = nic === undefined ? { problem: "gone" } : resolvePorts(nic, world.state);
  if (nic === undefined || "problem" in resolved) return ["there is no such NIC"];
  const found: string[] = [];
  const mode = nic.mode === "sriov" ? "legacy" : "switchdev";
  for (const { address } of resolved.pfs) {
    const pf = world.state.pfs.find((candidate) => candidate.address === address);
    if (pf === undefined) return ["a port is gone"];
    if (pf.vfs.length !== nic.vfs) found.push(`${address} has ${pf.vfs.length} VFs`);
    if (nic.mode !== "sriov" && known(pf.eswitch)?.mode !== mode)
      found.push(`${address} is not in switchdev mode`);
    if (nic.mode === "sriov" && known(pf.eswitch)?.mode === "switchdev")
      found.push(`${address} is in switchdev mode`);
    const representors = world.state.netdevs.filter(
      (netdev) => netdev.device === address && netdev.portName?.includes("vf"),
    ).length;
    if (nic.mode !== "sriov" && representors !== nic.vfs)
      found.push(`${address} has ${representors} representors`);
    if (pf.vfs.some((vf) => vf.driver === null && vf.driverOverride === null))
      found.push(`${address} has an unbound VF`);
    if (nic.mode !== "vf-lag") continue;
    const lag = known(pf.lag);
    if (lag?.state !== "active" || lag.type !== "switchdev")
      found.push(`the LAG of ${address} is not a switchdev LAG`);
    const bond = world.state.bonds.find((candidate) => candidate.name === nic.bond);
    if (bond?.slaves.length !== 2 || !bond.slaves.some((slave) => slave.netdev === pf.netdev))
      found.push(`${nic.bond} is not this NIC's`);
  }
  return found;
}
