import { buildHost, type CardOptions } from "../../src/host/simulated/build.ts";
import { network } from "../../src/host/simulated/events.ts";
import { type FaultName, inject } from "../../src/host/simulated/faults.ts";
import { SimulatedHost } from "../../src/host/simulated/host.ts";
import type { World } from "../../src/host/simulated/world.ts";
import { reconcile } from "../../src/reconcile/reconcile.ts";
import { loadSpec } from "../../src/spec/load.ts";
import type { Spec } from "../../src/spec/schema.ts";

/** Worlds for tests: hosts at a certain point of their way, small enough to read. */

/** A two-port ConnectX-5 whose networking makes bond0 of both ports. */
export const dualPort: CardOptions = {
  model: "ConnectX-5",
  ports: 2,
  bond: { name: "bond0", mode: "802.3ad" },
};

/** vf-lag on ens3f0 and ens3f1 with two VFs each. */
export const vfLagSpec = spec(`
version: 1
nics:
  - name: data
    mode: vf-lag
    ports: [ens3f0, ens3f1]
    vfs: 2
    bond: bond0
    channels: {pf: 63, representor: 18}
`);

export function spec(text: string): Spec {
  return loadSpec(text, "vflag.yaml");
}

/** A world with these cards after power-on, with faults. */
export function fresh(cards: readonly CardOptions[] = [dualPort], ...faults: readonly FaultName[]): World {
  const world = buildHost(cards);
  for (const fault of faults) inject(world, fault);
  return world;
}

/** The world after `boot early`. */
export async function afterEarly(wanted: Spec, world: World = fresh()): Promise<World> {
  await reconcile(new SimulatedHost(world), wanted, { stages: ["early"] });
  return world;
}

/** The world after the whole boot sequence, and then these faults. */
export async function booted(
  wanted: Spec,
  world: World = fresh(),
  ...faults: readonly FaultName[]
): Promise<World> {
  await afterEarly(wanted, world);
  network(world);
  await reconcile(new SimulatedHost(world), wanted, { stages: ["early", "late"] });
  for (const fault of faults) inject(world, fault);
  return world;
}
