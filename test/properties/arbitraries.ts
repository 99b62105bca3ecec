import fc from "fast-check";
import { buildHost, type CardOptions } from "../../src/host/simulated/build.ts";
import { network, reboot } from "../../src/host/simulated/events.ts";
import { type FaultName, faults, inject } from "../../src/host/simulated/faults.ts";
import { SimulatedHost } from "../../src/host/simulated/host.ts";
import type { World } from "../../src/host/simulated/world.ts";
import { leftBy } from "../../src/operations/host/attempts.ts";
import { reconcile } from "../../src/reconcile/reconcile.ts";
import { loadSpec } from "../../src/spec/load.ts";
import type { Spec } from "../../src/spec/schema.ts";
import { roundsFrom } from "../support/count.ts";

/** Random specs and random hosts: what may have happened to a host before vflag comes. */

/** How many runs each property gets. `*.long.ts` has more of them; `PROPERTY_RUNS=100000` digs deeper. */
export const numRuns = roundsFrom("PROPERTY_RUNS", 100, 2000);

const models = ["ConnectX-5", "ConnectX-6 Dx", "ConnectX-4 Lx", "ConnectX-3", "X710", "82576"] as const;
const faultNames: readonly FaultName[] = Object.keys(faults).filter(
  (name): name is FaultName => name in faults,
);

/** Mostly the usual value: what stops a NIC at the first step hides all that comes after. */
function rarely<T>(unusual: fc.Arbitrary<T>, usual: T): fc.Arbitrary<T> {
  return fc.oneof({ weight: 1, arbitrary: unusual }, { weight: 5, arbitrary: fc.constant(usual) });
}

/** One card's part of a spec: `slot` 3 is ens3f0 and ens3f1, `slot` 4 ens4f0 and ens4f1. */
function nicOn(slot: number) {
  const both = [`ens${slot}f0`, `ens${slot}f1`];
  const eswitch = fc.record(
    {
      steering: rarely(fc.constantFrom("dmfs", "smfs", "hmfs"), "smfs"),
      inline: rarely(fc.constant("transport"), "none"),
      encap: fc.boolean(),
    },
    { requiredKeys: [] },
  );
  const channels = fc.record(
    { pf: fc.integer({ min: 1, max: 80 }), representor: fc.integer({ min: 1, max: 30 }) },
    { requiredKeys: [] },
  );
  const vfs = fc.integer({ min: 1, max: 5 });
  const mac = { mac: `02:5d:00:0${slot}:{port}:{vf}` };
  const name = `nic${slot}`;
  return fc.oneof(
    fc.record({
      name: fc.constant(name),
      mode: fc.constant("vf-lag"),
      ports: fc.constantFrom<unknown[]>(both, [{ address: slot === 3 ? "0000:37:00.*" : "0000:5d:00.*" }]),
      vfs,
      bond: fc.constant(`bond${slot - 3}`),
      eswitch,
      channels,
      vfSettings: fc.constantFrom({}, mac),
    }),
    fc.record({
      name: fc.constant(name),
      mode: fc.constant("switchdev"),
      ports: fc.constantFrom(both, both.slice(0, 1)),
      vfs,
      eswitch,
      channels,
      vfSettings: fc.constantFrom({}, mac),
    }),
    fc.record({
      name: fc.constant(name),
      mode: fc.constant("sriov"),
      ports: fc.constantFrom(both, both.slice(1)),
      vfs,
      channels: fc.record({ pf: fc.integer({ min: 1, max: 80 }) }, { requiredKeys: [] }),
      vfSettings: fc.constantFrom({}, mac, { trust: true, spoofCheck: true, linkState: "enable" }),
    }),
    fc.record({
      name: fc.constant(name),
      mode: fc.constant("sriov"),
      ports: fc.constant(both),
      vfs,
      // Module options have one number for all cards.
      persistence: fc.constantFrom("udev", slot === 3 ? "modprobe" : "udev"),
    }),
  );
}

const firmware = fc.constantFrom({}, {}, { firmware: {} }, { firmware: { manage: false } });

const kernels = fc.constantFrom<object>(
  {},
  {},
  { kernel: {} },
  { kernel: { iommu: "off", arguments: ["pci=realloc"] } },
);

export const specs: fc.Arbitrary<Spec> = fc
  .tuple(
    fc.oneof(
      { weight: 3, arbitrary: nicOn(3).map((nic) => [nic]) },
      { weight: 1, arbitrary: fc.tuple(nicOn(3), nicOn(4)) },
    ),
    firmware,
    kernels,
  )
  .map(([nics, ...more]) =>
    loadSpec(JSON.stringify({ version: 1, nics, ...more[0], ...more[1] }), "random.json"),
  );

const cards = fc.array(
  fc.record({
    model: rarely(fc.constantFrom(...models), "ConnectX-5"),
    ports: rarely(fc.constant(1), 2),
    bondMode: rarely(fc.constant("balance-rr"), "802.3ad"),
    bonded: rarely(fc.constant(false), true),
  }),
  { minLength: 1, maxLength: 2 },
);

/** Something that happened to a host before. `other`: a spec that is not the one that is asked for now. */
type Event =
  | { kind: "fault"; name: FaultName }
  | { kind: "network" }
  | { kind: "reboot" }
  | { kind: "apply"; other: Spec | null; stages: "early" | "both" }
  | { kind: "boot"; other: Spec | null };

const other = rarely<Spec | null>(
  fc.constant(null).chain(() => specs),
  null,
);

const events: fc.Arbitrary<Event> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...faultNames).map((name): Event => ({ kind: "fault", name })) },
  { weight: 1, arbitrary: fc.constant<Event>({ kind: "network" }) },
  { weight: 1, arbitrary: fc.constant<Event>({ kind: "reboot" }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("apply" as const),
      other,
      stages: fc.constantFrom("early" as const, "both" as const),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("boot" as const), other }) },
);

/** A host and how it came to be what it is. It can be played several times, so that runs can be compared. */
export interface Story {
  /** How far the asked spec had been brought before anything happened. */
  readonly begin: "power-on" | "early" | "booted";
  readonly cards: readonly CardOptions[];
  readonly events: readonly Event[];
}

export const stories: fc.Arbitrary<Story> = fc.record({
  begin: fc.constantFrom("power-on", "early", "booted", "booted"),
  cards: cards.map((list) =>
    list.map(({ model, ports, bondMode, bonded }, index): CardOptions => {
      return { model, ports, ...(bonded ? { bond: { name: `bond${index}`, mode: bondMode } } : {}) };
    }),
  ),
  events: fc.array(events, { maxLength: 6 }),
});

/** Plays a story. What others did to the host is not vflag's doing: harm is counted from here. */
export async function play(story: Story, spec: Spec): Promise<World> {
  const world = buildHost(story.cards);
  const run = async (wanted: Spec, stages: "early" | "both") => {
    const host = new SimulatedHost(world);
    const early = stages === "early" && world.state.bonds.length === 0;
    const outcomes = await reconcile(host, wanted, {
      stages: stages === "early" ? ["early"] : ["early", "late"],
    });
    await host.keepAttempt({ early, left: leftBy(outcomes) });
  };
  const boot = async (wanted: Spec) => {
    await run(wanted, "early");
    network(world);
    await run(wanted, "both");
  };
  if (story.begin === "early") await run(spec, "early");
  if (story.begin === "booted") await boot(spec);
  for (const event of story.events) {
    // A guest takes longer to start than a LAG to come up: within that second the first apply stops at the
    // guest, and only a later one finds the LAG active.
    if (event.kind === "fault" && event.name === "guest-holds-vf") world.hidden.clock += 10;
    if (event.kind === "fault") inject(world, event.name);
    else if (event.kind === "network") network(world);
    else if (event.kind === "reboot") reboot(world);
    else if (event.kind === "apply") await run(event.other ?? spec, event.stages);
    else await boot(event.other ?? spec);
  }
  world.hidden.harm = [];
  return world;
}
