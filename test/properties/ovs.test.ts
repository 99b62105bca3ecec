import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { observeWorld, SimulatedHost } from "../../src/host/simulated/host.ts";
import { twinOf } from "../../src/host/simulated/twin.ts";
import type { World } from "../../src/host/simulated/world.ts";
import { known } from "../../src/host/state/observed.ts";
import { reconcile } from "../../src/reconcile/reconcile.ts";
import type { NicOutcome } from "../../src/reconcile/step.ts";
import type { Spec } from "../../src/spec/schema.ts";
import { resolvePorts } from "../../src/spec/selectors.ts";
import { verdicts } from "../../src/verdict/verdict.ts";
import { numRuns, play, specs, stories } from "./arbitraries.ts";

/** Open vSwitch on random hosts, with leave to restart it and without. */

const ovs = fc
  .record({ hwOffload: fc.boolean(), tcPolicy: fc.constantFrom("none", "skip_sw", undefined) })
  .map(({ hwOffload, tcPolicy }) => {
    return { engine: "auto" as const, hwOffload, ...(hwOffload ? { tcPolicy } : {}) };
  });
const withOvs = fc.tuple(specs, ovs).map(([spec, keys]): Spec => ({ ...spec, ovs: keys }));
const stages = ["early", "late", "ovs"] as const;

function restarts(outcomes: readonly NicOutcome[]): number {
  return outcomes
    .flatMap(({ steps }) => steps.flatMap(({ actions }) => actions))
    .filter(({ kind }) => kind === "restart-ovs").length;
}

test("it is restarted once at most, only with leave, and a second run changes nothing", async () => {
  await fc.assert(
    fc.asyncProperty(withOvs, stories, fc.boolean(), async (spec, story, restartOvs) => {
      const world = await play(story, spec);
      const allowed = { restartOvs };
      const run = (on: World) => reconcile(new SimulatedHost(on), spec, { stages, allowed });
      const rehearsed = await run(twinOf(observeWorld(world)));
      const first = await run(world);
      assert.ok(restarts(first) <= (restartOvs ? 1 : 0));
      assert.deepEqual(world.hidden.harm, []);
      if (
        world.hidden.behaviours.length === 0 &&
        Object.values(world.hidden.lagActiveAt).every((at) => at <= world.hidden.clock)
      )
        assert.equal(restarts(rehearsed) > 0, restarts(first) > 0);
      const { ovs: between, ingressQdiscs } = observeWorld(world);
      const second = await run(world);
      const { ovs: after, ingressQdiscs: qdiscs } = observeWorld(world);
      assert.deepEqual([after, qdiscs], [between, ingressQdiscs]);
      // A restart that did not help may be tried again, when somebody asks again.
      const helped = first.every(({ left }) => left.every(({ remedy }) => remedy.kind !== "actions"));
      if (helped) assert.equal(restarts(second), 0);
    }),
    { numRuns: Math.ceil(numRuns / 4) },
  );
});

test("no NIC is said to work whose flows cannot get into hardware", async () => {
  await fc.assert(
    fc.asyncProperty(withOvs, stories, async (spec, story) => {
      const world = await play(story, spec);
      await reconcile(new SimulatedHost(world), spec, { stages, allowed: { restartOvs: true } });
      const state = observeWorld(world);
      for (const { nic: name, answer } of verdicts(spec, state)) {
        const nic = spec.nics.find((candidate) => candidate.name === name);
        const resolved = nic === undefined ? { problem: "gone" } : resolvePorts(nic, state);
        if (
          answer !== "works" ||
          nic === undefined ||
          nic.mode === "sriov" ||
          "problem" in resolved ||
          spec.ovs?.hwOffload !== true
        )
          continue;
        const seen = known(state.ovs);
        assert.ok(
          seen?.running && seen.hwOffload && seen.offloadInEffect === true && seen.tcPolicy !== "skip_hw",
        );
        const inBridge = seen.bridges.some(({ interfaces }) =>
          interfaces.some((port) => port.name === nic.bond),
        );
        if (nic.bond === undefined || !inBridge) continue;
        const names = [nic.bond, ...resolved.pfs.map(({ netdev }) => netdev)];
        const qdiscs = known(state.ingressQdiscs) ?? [];
        const blocks = new Set(
          names.map((netdev) => qdiscs.find((qdisc) => qdisc.netdev === netdev)?.block ?? null),
        );
        assert.ok(blocks.size === 1 && !blocks.has(null), JSON.stringify(qdiscs));
      }
    }),
    { numRuns: Math.ceil(numRuns / 4) },
  );
});
