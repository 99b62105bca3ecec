import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Action } from "../../src/host/actions/action.ts";
import { commandsOf } from "../../src/host/actions/command.ts";
import type { Host } from "../../src/host/host.ts";
import { network } from "../../src/host/simulated/events.ts";
import { SimulatedHost } from "../../src/host/simulated/host.ts";
import type { World } from "../../src/host/simulated/world.ts";
import { reconcile } from "../../src/reconcile/reconcile.ts";
import type { Requirement } from "../../src/requirements/requirement.ts";
import { allRequirements, requirementById, requirements } from "../../src/requirements/stages.ts";
import type { Spec } from "../../src/spec/schema.ts";
import { booted, dualPort, fresh, spec, vfLagSpec } from "../support/hosts.ts";

/**
 * The order is what firmware and drivers demand: each row moves a requirement before another that it has to
 * come after, and says what goes wrong with the boot of a simulated host then.
 */
interface Swap {
  readonly earlier: string;
  readonly later: string;
  readonly world: () => World | Promise<World>;
  readonly spec?: Spec;
  /** A refusal or a command that there is with the swap, and not without. */
  readonly wrong: RegExp;
}

const nics = (...lines: readonly string[]) => spec(`version: 1\nnics:\n${lines.join("\n")}\n`);
const lag = "mode: vf-lag, ports: [ens3f0, ens3f1], vfs: 2, bond: bond0";
const legacy = nics(
  "  - {name: a, mode: sriov, ports: [ens3f0], vfs: 2}",
  "  - {name: b, mode: sriov, ports: [ens3f1], vfs: 2}",
);

/** Ports in legacy mode whose VFs are bound, and a spec that wants a LAG of them now. */
async function legacyBound(): Promise<World> {
  const world = fresh();
  await reconcile(new SimulatedHost(world), legacy, { stages: ["early", "late"] });
  return world;
}

async function bondFirst(): Promise<World> {
  const world = fresh();
  network(world);
  return world;
}

const swaps: readonly Swap[] = [
  {
    earlier: "model",
    later: "vf-count",
    world: () => fresh([{ ...dualPort, model: "ConnectX-3" }]),
    wrong: /does not support SRIOV configuration via sysfs/,
  },
  { earlier: "not-in-bond", later: "vf-count", world: bondFirst, wrong: /not done: ens3f0 .* is in bond0/ },
  {
    earlier: "not-in-bond",
    later: "eswitch-mode",
    world: bondFirst,
    wrong: /not done: ens3f0 .* is in bond0/,
  },
  {
    earlier: "not-in-bond",
    later: "vfs-unbound",
    world: () => booted(vfLagSpec, fresh(), "port-to-legacy"),
    wrong: /not done: ens3f0 .* is in bond0/,
  },
  {
    earlier: "vf-links",
    later: "eswitch-mode",
    world: () => fresh([dualPort], "missing-vf-link"),
    wrong: /mode switchdev/,
  },
  {
    earlier: "vfs-unbound",
    later: "eswitch-mode",
    world: legacyBound,
    wrong: /Failed setting eswitch to offloads/,
  },
  {
    earlier: "steering",
    later: "eswitch-mode",
    world: () => fresh(),
    spec: nics(`  - {name: data, ${lag}, eswitch: {steering: dmfs}}`),
    wrong: /mode legacy/,
  },
  {
    earlier: "eswitch-encap",
    later: "eswitch-mode",
    world: () => fresh(),
    spec: nics(`  - {name: data, ${lag}, eswitch: {encap: false}}`),
    wrong: /mode legacy/,
  },
  {
    earlier: "bond",
    later: "lag",
    world: () => fresh([dualPort], "third-slave"),
    wrong: /the LAG is not active after 10 s/,
  },
  {
    earlier: "lag",
    later: "vf-autoprobe",
    world: () => fresh([{ ...dualPort, model: "ConnectX-4 Lx" }]),
    spec: nics(`  - {name: data, ${lag}, eswitch: {inline: transport}}`),
    wrong: /echo 1 > .*sriov_drivers_autoprobe/,
  },
  { earlier: "vf-autoprobe", later: "vfs-bound", world: () => fresh(), wrong: /No such device/ },
];

/** What is done and refused from power-on through networking to the end of the late stage. */
async function boot(world: World, wanted: Spec): Promise<string[]> {
  const noted: string[] = [];
  const simulated = new SimulatedHost(world);
  const host: Host = {
    observe: () => simulated.observe(),
    glance: (before, pfs) => simulated.glance(before, pfs),
    perform: async (action: Action) => {
      noted.push(...commandsOf(action));
      await simulated.perform(action).catch((error: Error) => {
        noted.push(error.message);
        throw error;
      });
    },
  };
  await reconcile(host, wanted, { stages: ["early"] });
  network(world);
  await reconcile(host, wanted, { stages: ["early", "late"] });
  return noted;
}

/** With `late` moved before `early`, as if somebody had written the list so. */
async function swapped<T>(early: string, late: string, body: () => Promise<T>): Promise<T> {
  const list = requirements as Requirement[];
  const [to, from] = [early, late].map((id) => list.findIndex((each) => each.id === id));
  assert.ok(to !== undefined && from !== undefined && 0 <= to && to < from, `${early} is before ${late}`);
  const kept = [...list];
  list.splice(to, 0, ...list.splice(from, 1));
  try {
    return await body();
  } finally {
    list.splice(0, list.length, ...kept);
  }
}

describe("the order of requirements, by what goes wrong without it", { concurrency: false }, () => {
  for (const { earlier, later, world, spec: wanted = vfLagSpec, wrong } of swaps)
    test(`${earlier}, then ${later}`, async () => {
      const right = await boot(await world(), wanted);
      const without = right.filter((line) => wrong.test(line)).length;
      const other = await swapped(earlier, later, async () => boot(await world(), wanted));
      const withIt = other.filter((line) => wrong.test(line)).length;
      assert.equal(without, 0, right.join("\n"));
      assert.ok(withIt > 0, other.join("\n"));
    });
});

test("each follows from such as there are, and none from itself over others", () => {
  const origins = (id: string, over: readonly string[] = []): void => {
    assert.ok(!over.includes(id), [...over, id].join(" <- "));
    for (const cause of requirementById(id)?.follows ?? assert.fail(`there is no ${id}`))
      origins(cause, [...over, id]);
  };
  for (const { id } of allRequirements) origins(id);
});

test("each is found by its id, and no id stands for two", () => {
  for (const requirement of allRequirements) assert.equal(requirementById(requirement.id), requirement);
  assert.equal(new Set(allRequirements.map(({ id }) => id)).size, allRequirements.length);
  assert.equal(requirementById("nosuch"), undefined);
});
