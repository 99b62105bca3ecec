import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import * as z from "zod";
import { network } from "../../src/host/simulated/events.ts";
import { observeWorld, SimulatedHost } from "../../src/host/simulated/host.ts";
import { HostState } from "../../src/host/state/state.ts";
import { reconcile } from "../../src/reconcile/reconcile.ts";
import { stages } from "../../src/requirements/stages.ts";
import { verdicts } from "../../src/verdict/verdict.ts";
import { fresh, spec } from "../support/hosts.ts";
import { ignored } from "./ignored.ts";

/**
 * No false "ok": each field of the state of a host that works is changed to each other value that the schema
 * allows and that is near it, and removed, and made unknown. Whatever is not noticed stands in ignored.ts,
 * with the reason.
 */

const wanted = spec(`
version: 1
nics:
  - name: data
    mode: vf-lag
    ports: [ens3f0, ens3f1]
    vfs: 2
    bond: bond0
    channels: {pf: 63, representor: 18}
    eswitch: {steering: smfs, inline: none, encap: true}
    vfSettings: {mac: "02:5d:00:00:{port}:{vf}"}
ovs: {}
kernel: {iommu: auto}
firmware: {}
`);

type Path = readonly (string | number)[];

async function working(): Promise<HostState> {
  const world = fresh();
  const host = new SimulatedHost(world);
  await reconcile(host, wanted, { stages: stages.filter((stage) => stage !== "late") });
  network(world);
  await reconcile(host, wanted, { stages });
  world.hidden.clock += 10;
  return observeWorld(world);
}

/** Every place in a value: fields, lists, and what is in them. */
function* placesOf(value: unknown, path: Path = []): Generator<{ path: Path; value: unknown }> {
  if (path.length > 0) yield { path, value };
  if (Array.isArray(value))
    for (const [index, item] of value.entries()) yield* placesOf(item, [...path, index]);
  else if (value !== null && typeof value === "object")
    for (const [key, item] of Object.entries(value)) yield* placesOf(item, [...path, key]);
}

/** Every word that the schema names somewhere. */
function wordsOf(schema: unknown): string[] {
  if (Array.isArray(schema)) return schema.flatMap(wordsOf);
  if (schema === null || typeof schema !== "object") return [];
  const named =
    "enum" in schema && Array.isArray(schema.enum)
      ? schema.enum.filter((word) => typeof word === "string")
      : [];
  return [...named, ...Object.values(schema).flatMap(wordsOf)];
}
const words = [...new Set(wordsOf(z.toJSONSchema(HostState)))];
/** Words that the schema leaves open, because kernels and programs have more of them. */
const openWords = [
  ["balance-rr", "active-backup", "balance-xor", "broadcast", "802.3ad", "balance-tlb", "balance-alb"],
  ["true", "false"],
  ["enabled", "disabled", "masked"],
  ["success", "exit-code", "timeout"],
  ["active", "inactive", "failed"],
  ["3.1.0", "2.11.9", "2.12.0"],
  ["mlx5_core", "vfio-pci", "igbvf"],
  ["system", "netdev"],
];

/** Other values that may stand in the place of this one; the schema decides which do. */
function othersOf(value: unknown): unknown[] {
  const always = [null, { unknown: "not seen" }];
  if (Array.isArray(value)) return [...value.map((_, index) => value.toSpliced(index, 1)), [], ...always];
  if (typeof value === "boolean") return [!value, ...always];
  if (typeof value === "number") return [0, value - 1, value + 1, ...always];
  if (typeof value === "string")
    return [
      ...(words.includes(value) ? words : []),
      ...(openWords.find((list) => list.includes(value)) ?? []),
      `${value}x`,
      otherAddress(value),
      ...always,
    ];
  return [true, 0, 7, "other", "00:00:00:00:00:00", [], ...always];
}

/** Another MAC or PCI address for one of those, and otherwise the text itself. */
function otherAddress(text: string): string {
  return text.replace(/[0-9a-f](?=\.?[0-9a-f]?$)/, (digit) => (digit === "7" ? "6" : "7"));
}

function short(json: string): string {
  return json.length <= 60 ? json : `${json.slice(0, 57)}...`;
}

/** A path without numbers: what is true of one netdev of a kind is true of all. */
function placeOf(path: Path, state: HostState): string {
  return path
    .map((key, at) =>
      typeof key !== "number" ? key : at === 1 && path[0] === "netdevs" ? roleOf(key, state) : "*",
    )
    .join(".");
}

function roleOf(index: number, { netdevs, pfs, representors, bonds }: HostState): string {
  const { name, device } = netdevs[index] ?? { name: "", device: null };
  if (pfs.some((pf) => pf.netdev === name)) return "port";
  if (representors.some(({ netdev }) => netdev === name)) return "representor";
  if (bonds.some((bond) => bond.name === name)) return "bond";
  return pfs.some(({ vfs }) => vfs.some((vf) => vf.address === device)) ? "vf" : "other";
}

function changed(state: HostState, path: Path, value: unknown): unknown {
  const copy: unknown = structuredClone(state);
  let at = copy as Record<string | number, unknown>;
  for (const key of path.slice(0, -1)) at = at[key] as Record<string | number, unknown>;
  at[path.at(-1) ?? ""] = value;
  return copy;
}

test("every change of a working host is noticed, or stands in the list of what may be ignored", async (context) => {
  const state = await working();
  assert.deepEqual(
    verdicts(wanted, state).map(({ answer, deviations }) => [answer, deviations]),
    [["works", []]],
  );
  const silent = new Map<string, string[]>();
  const noticed = new Set<string>();
  let count = 0;
  for (const { path, value } of placesOf(state)) {
    const before = JSON.stringify(value);
    for (const other of new Set(othersOf(value).map((each) => JSON.stringify(each)))) {
      const parsed =
        other === before ? undefined : HostState.safeParse(changed(state, path, JSON.parse(other)));
      if (parsed?.success !== true) continue;
      const said = verdicts(wanted, parsed.data).flatMap(({ deviations }) =>
        deviations.map(({ requirement }) => requirement),
      );
      const place = placeOf(path, state);
      if (said.length > 0) {
        count++;
        noticed.add(`${place}: ${short(before)} -> ${short(other)}: ${[...new Set(said)].join(", ")}`);
      } else silent.set(place, [...(silent.get(place) ?? []), `${path.join(".")}: ${before} -> ${other}`]);
    }
  }
  context.diagnostic(
    `${count} changes are noticed, ${[...silent.values()].flat().length} are rightly ignored`,
  );
  const unexplained = [...silent].flatMap(([place, changes]) =>
    ignored[place] === undefined ? changes : [],
  );
  assert.deepEqual(unexplained, []);
  assert.deepEqual(
    Object.keys(ignored).filter((place) => !silent.has(place)),
    [],
    "these are noticed by now",
  );
  // What was noticed once is noticed for ever: `UPDATE_GOLDEN=1` writes the list anew, to be reviewed.
  const list = `${[...noticed].sort().join("\n")}\n`;
  const file = join(import.meta.dirname, "noticed.txt");
  if (process.env["UPDATE_GOLDEN"] === "1") writeFileSync(file, list);
  assert.equal(list, readFileSync(file, "utf8"));
});
