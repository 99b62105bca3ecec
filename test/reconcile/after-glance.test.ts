import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { glanced } from "../../src/host/glance.ts";
import type { Host } from "../../src/host/host.ts";
import { observeWorld, SimulatedHost } from "../../src/host/simulated/host.ts";
import type { World } from "../../src/host/simulated/world.ts";
import type { HostState } from "../../src/host/state/state.ts";
import { reconcile } from "../../src/reconcile/reconcile.ts";
import { requirements } from "../../src/requirements/stages.ts";
import { numRuns, play, specs, stories } from "../properties/arbitraries.ts";
import { afterEarly, fresh, vfLagSpec } from "../support/hosts.ts";

const boot = { stages: ["early", "late"] } as const;

/** A host that notes when it is looked at, and what is done. */
function noting(world: World, noted: string[]): Host {
  const host = new SimulatedHost(world);
  return {
    observe: () => {
      noted.push("look");
      return host.observe();
    },
    glance: async (before, pfs) => {
      const state = await host.glance(before, pfs);
      noted.push(state === null ? "in vain" : "glance");
      return state;
    },
    perform: (action) => {
      noted.push(action.kind);
      return host.perform(action);
    },
  };
}

test("between making VFs and switchdev the host is glanced at, and looked at before it is said to be done", async () => {
  const noted: string[] = [];
  const [outcome] = await reconcile(noting(fresh(), noted), vfLagSpec, { stages: ["early"] });
  assert.equal(outcome?.failures.length, 0);
  assert.deepEqual(
    noted.filter((what, index) => what !== noted[index - 1]),
    [
      ...[
        "look",
        "set-vf-autoprobe",
        "set-vf-count",
        "set-vf-autoprobe",
        "set-vf-count",
        "glance",
        "set-eswitch-mode",
      ],
      ...["look", "set-channels", "look"],
    ],
  );
});

test("other VFs in switchdev mode come with other representors: the host is looked at", async () => {
  const world = await afterEarly(vfLagSpec);
  for (const pf of world.state.pfs)
    await new SimulatedHost(world).perform({ kind: "set-vf-count", pf: pf.address, count: 0 });
  const noted: string[] = [];
  await reconcile(noting(world, noted), vfLagSpec, { stages: ["early"] });
  assert.deepEqual(noted.slice(noted.indexOf("in vain")).slice(0, 2), ["in vain", "look"]);
});

test("after a failure the host is looked at", async () => {
  const noted: string[] = [];
  await reconcile(noting(fresh(undefined, "no-mmio"), noted), vfLagSpec, { stages: ["early"] });
  assert.deepEqual(
    noted.filter((what) => what === "glance" || what === "in vain"),
    [],
  );
  assert.equal(noted[noted.indexOf("set-vf-count") + 1], "look");
});

test("a glance leads on from requirements that stand earlier, in a stage of the same ports", () => {
  const glancing = requirements.filter(({ afterGlance }) => afterGlance !== undefined);
  assert.notEqual(glancing.length, 0);
  for (const { id, stage, afterGlance = [] } of glancing) {
    const earlier = requirements.slice(
      0,
      requirements.findIndex((each) => each.id === id),
    );
    const ofStage = new Set(earlier.filter((each) => each.stage === stage).map((each) => each.id));
    assert.deepEqual(
      afterGlance.filter((before) => !ofStage.has(before)),
      [],
      id,
    );
  }
});

test("with glances or without, the same is done and the same is said", async () => {
  await fc.assert(
    fc.asyncProperty(specs, stories, async (spec, story) => {
      const world = await play(story, spec);
      const other = await play(story, spec);
      const host = new SimulatedHost(other);
      const plain: Host = { observe: () => host.observe(), perform: (action) => host.perform(action) };
      const [glancing, looking] = [
        await reconcile(new SimulatedHost(world), spec, boot),
        await reconcile(plain, spec, boot),
      ];
      assert.deepEqual(unnumbered(glancing), unnumbered(looking));
      assert.deepEqual(unnumbered(comparable(world)), unnumbered(comparable(other)));
    }),
    { numRuns },
  );
});

/**
 * Which NIC's netdevs come first may be another, and with it their numbers; addresses are given at random.
 */
function unnumbered(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value, (key, inner) => (key === "index" || key === "mac" ? null : inner)));
}

function comparable(world: World): Pick<HostState, "pfs" | "netdevs" | "bonds" | "representors"> {
  const { pfs, netdevs, bonds, representors } = observeWorld(world);
  return { pfs, netdevs: netdevs.toSorted((a, b) => (a.name < b.name ? -1 : 1)), bonds, representors };
}

/** A state before VFs were made, and the PFs as the bus shows them after. */
async function around(): Promise<{ before: HostState; after: HostState }> {
  const world = fresh();
  const before = observeWorld(world);
  const host = new SimulatedHost(world);
  for (const pf of before.pfs) {
    await host.perform({ kind: "set-vf-autoprobe", pf: pf.address, on: false });
    await host.perform({ kind: "set-vf-count", pf: pf.address, count: 2 });
  }
  return { before, after: observeWorld(world) };
}

test("new VFs without a driver are nobody's, and all else is as it was", async () => {
  const { before, after } = await around();
  const state = glanced(before, after.pfs);
  assert.deepEqual(
    state?.pfs.map(({ sriov, vfs }) => [
      sriov,
      vfs.map(({ address, driver, holders }) => [address, driver, holders]),
    ]),
    after.pfs.map(({ sriov, vfs }) => [sriov, vfs.map(({ address }) => [address, null, []])]),
  );
  assert.deepEqual({ ...state, pfs: [] }, { ...before, pfs: [] });
});

test("a glance does not suffice for a VF that got a driver, nor for a PF that lost its own", async () => {
  const { before, after } = await around();
  const [pf] = after.pfs;
  assert.ok(pf !== undefined);
  const driven = { ...pf, vfs: pf.vfs.map((vf) => ({ ...vf, driver: "mlx5_core" })) };
  assert.equal(glanced(before, [driven]), null);
  assert.equal(glanced(before, [{ ...pf, driver: null }]), null);
  assert.equal(glanced({ ...before, pfs: [] }, [pf]), null);
  // A VF that was in use a moment ago is still said to be.
  const held = {
    ...after,
    pfs: [
      {
        ...pf,
        vfs: pf.vfs.map((vf) => ({ ...vf, holders: [{ kind: "namespace", name: "blue" } as const] })),
      },
    ],
  };
  assert.deepEqual(
    glanced(held, [pf])?.pfs[0]?.vfs.map(({ holders }) => holders),
    [[{ kind: "namespace", name: "blue" }], [{ kind: "namespace", name: "blue" }]],
  );
});
