import { network } from "../../src/host/simulated/events.ts";
import { type FaultName, inject } from "../../src/host/simulated/faults.ts";
import { observeWorld, SimulatedHost } from "../../src/host/simulated/host.ts";
import { startGuests } from "../../src/host/simulated/machine/guests.ts";
import { reconcile } from "../../src/reconcile/reconcile.ts";
import { stages } from "../../src/requirements/stages.ts";
import { loadSpec } from "../../src/spec/load.ts";
import { fresh } from "./hosts.ts";

/**
 * Hosts of a made-up fleet, as they tell of themselves with `vflag inspect -o json --with-spec`: 2 ports with
 * 16 VFs each, alike but for addresses, guests, counters and what went wrong on some.
 */
export interface Fleet {
  /** What a host tells on a day. The same host on the same day tells the same. */
  readonly report: (host: number, day: number) => string;
  readonly name: (host: number) => string;
}

export const fleetSpec = `version: 1
nics:
  - name: data
    mode: vf-lag
    ports: [ens3f0, ens3f1]
    vfs: 16
    bond: bond0
    physnet: physnet2
    channels: {pf: 63, representor: 18}
ovs: {}
`;

/** What is wrong with how many of a thousand hosts. */
const wrong: readonly (readonly [FaultName, number])[] = [
  ["bond-mode", 4],
  ["third-slave", 2],
  ["slave-missing", 3],
  ["ovs-offload-off", 5],
  ["tc-offload-off", 8],
  ["channels-reset", 10],
  ["debugfs-missing", 6],
  ["boot-files-gone", 4],
  ["port-missing", 1],
];

const guestLevels = [0, 2, 4, 8, 12];

export async function makeFleet(): Promise<Fleet> {
  const templates = new Map<string, string>();
  for (const level of guestLevels) templates.set(`${level}/`, await template(level, null));
  for (const [fault] of wrong) templates.set(`4/${fault}`, await template(4, fault));
  return { name: nameOf, report: (host, day) => filled(templates, host, day) };
}

function nameOf(host: number): string {
  return `hv${String(host).padStart(5, "0")}`;
}

async function template(guests: number, fault: FaultName | null): Promise<string> {
  const spec = loadSpec(fleetSpec, "fleet");
  const world = fresh();
  const host = new SimulatedHost(world);
  await reconcile(host, spec, { stages: stages.filter((stage) => stage !== "late") });
  network(world);
  await reconcile(host, spec, { stages, allowed: { restartOvs: true } });
  for (let started = 0; started < guests; started += 2) startGuests(world);
  if (fault !== null) inject(world, fault);
  world.hidden.clock += 10;
  return JSON.stringify({ ...observeWorld(world), hostname: "HOSTNAME", observedAt: "OBSERVED" });
}

function filled(templates: ReadonlyMap<string, string>, host: number, day: number): string {
  const name = nameOf(host);
  const fault = faultOf(host, day);
  // Guests come and go on one host in six from one day to the next.
  const moved = mixed(host, 17) % 6 === day % 6 ? 1 : 0;
  const level = guestLevels[(mixed(host, 3) + moved) % guestLevels.length] ?? 0;
  const text = templates.get(fault === null ? `${level}/` : `4/${fault}`) ?? "";
  const own = hex(mixed(host, 1), 4);
  const at = new Date(Date.UTC(2026, 0, 1 + day, 3, host % 60, host % 59)).toISOString();
  const state = text
    .replace("HOSTNAME", name)
    .replace("OBSERVED", at)
    .replaceAll("24:8a:07:b4:", `24:8a:07:${own.slice(0, 2)}:`)
    .replaceAll("ae:b1:5c:", `${own.slice(2)}:b1:5c:`.replace(/^./, "a"))
    .replaceAll("6d2a0c1e-52b1-", `${hex(mixed(host, 11), 8)}-${hex(mixed(host, 13), 4)}-`)
    .replaceAll(
      /"(packets|bytes)":(\d+)/g,
      (_, word, number) => `"${word}":${Number(number) + (mixed(host, day) % 1_000_000)}`,
    );
  return `{"schema":"vflag/host/1","spec":${JSON.stringify({ file: "/etc/vflag/vflag.yaml", text: fleetSpec })},"state":${state}}`;
}

/** A host that is wrong stays so; of those that are, one in five becomes so on the second day. */
function faultOf(host: number, day: number): FaultName | null {
  let place = mixed(host, 5) % 1000;
  for (const [fault, many] of wrong) {
    if (place < many) return day === 0 && mixed(host, 7) % 5 === 0 ? null : fault;
    place -= many;
  }
  return null;
}

/**
 * A number that looks like chance, and is the same each time. Source: the finalizer of MurmurHash3 (public
 * domain).
 */
function mixed(a: number, b: number): number {
  let hash = Math.imul(a + 1, 0x9e3779b1) ^ Math.imul(b + 1, 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

function hex(number: number, digits: number): string {
  return number.toString(16).padStart(8, "0").slice(-digits);
}
