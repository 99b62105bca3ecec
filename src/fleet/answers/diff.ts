import { byName, type History, type Observation } from "../history/history.ts";
import { ahead, type Reader } from "../reading/reader.ts";
import { judgedAll, notAgain } from "./judge.ts";
import type { FleetNic } from "./outcome.ts";
import { decisive } from "./outcome.ts";
import { type PathChange, wordOf } from "./paths.ts";

/** What changed on which hosts since a date: specs, states by path, verdicts. */

export interface HostDiff {
  readonly host: string;
  /** `new`: nothing was known of it then. */
  readonly kind: "changed" | "new";
  readonly from: string | null;
  readonly to: string;
  readonly spec: readonly PathChange[];
  readonly state: readonly PathChange[];
  readonly verdicts: readonly VerdictChange[];
}

export interface VerdictChange {
  readonly nic: string;
  readonly before: FleetNic["answer"] | "none";
  readonly after: FleetNic["answer"] | "none";
  /** The root causes that it has now. */
  readonly because: readonly string[];
}

export interface FleetDiff {
  readonly since: string;
  readonly hosts: readonly HostDiff[];
  /** Hosts that have nothing newer than what was known then: nothing can be said of them. */
  readonly silent: readonly string[];
  readonly unchanged: number;
  /** Hosts that cannot be compared, and why. */
  readonly refused: readonly { readonly host: string; readonly reason: string }[];
}

/**
 * @param since in ms since 1970: what was known then is held against what is known now
 * @param guests whether what comes and goes with guests is wanted too
 */
export async function diffSince(
  history: History,
  reader: Reader,
  since: number,
  guests = false,
): Promise<FleetDiff> {
  const past = await judgedAll(history, reader, history.known(since));
  const then = new Map(past.map((known) => [known.host, known.observation]));
  const hosts: HostDiff[] = [];
  const silent: string[] = [];
  const refused: { host: string; reason: string }[] = [];
  const differ: Observation[] = [];
  let unchanged = 0;
  for (const { host, observation: now } of await judgedAll(history, reader, history.known())) {
    const before = then.get(host) ?? null;
    if (now === null || now.id === before?.id) silent.push(host);
    else if (before === null) hosts.push(newHost(now));
    else if (
      guests ? before.stateId === now.stateId && before.specId === now.specId : before.digest === now.digest
    )
      unchanged += 1;
    else differ.push(now);
  }
  const start = notAgain(history, "changes", async (now) => {
    const before = then.get(now.host) ?? now;
    return reader.run({
      kind: "changes",
      before: history.stored(before),
      after: history.stored(now),
      guests,
    });
  });
  for await (const [now, changes] of ahead(differ, 16, start)) {
    const before = then.get(now.host) ?? now;
    const verdicts = verdictChanges(before.outcome.nics, now.outcome.nics);
    if ("refused" in changes) refused.push({ host: now.host, reason: changes.refused });
    else if (changes.spec.length + changes.state.length + verdicts.length === 0) unchanged += 1;
    else
      hosts.push({
        host: now.host,
        kind: "changed",
        from: iso(before.at),
        to: iso(now.at),
        ...changes,
        verdicts,
      });
  }
  hosts.sort((a, b) => byName(a.host, b.host));
  return { since: iso(since), hosts, silent, unchanged, refused };
}

function newHost(now: Observation): HostDiff {
  return {
    host: now.host,
    kind: "new",
    from: null,
    to: iso(now.at),
    spec: [],
    state: [],
    verdicts: verdictChanges([], now.outcome.nics),
  };
}

function verdictChanges(before: readonly FleetNic[], after: readonly FleetNic[]): VerdictChange[] {
  const names = [...new Set([...before, ...after].map(({ nic }) => nic))];
  return names.flatMap((nic): VerdictChange[] => {
    const was = before.find((each) => each.nic === nic);
    const is = after.find((each) => each.nic === nic);
    if (was?.answer === is?.answer) return [];
    const because =
      is === undefined
        ? []
        : [...new Set(decisive(is).map(({ requirement, actual }) => `${requirement}: ${actual}`))];
    return [{ nic, before: was?.answer ?? "none", after: is?.answer ?? "none", because }];
  });
}

/** The same change on several hosts. */
export interface SameChange {
  readonly what: "spec" | "state" | "verdict";
  readonly kind: string;
  /** In words. */
  readonly before: string;
  readonly after: string;
  readonly because: string;
  readonly hosts: readonly string[];
}

/**
 * Folds equal changes of many hosts into one each, those of most hosts first; verdicts before states before
 * specs.
 */
export function sameChanges({ hosts }: FleetDiff): SameChange[] {
  const groups = new Map<string, SameChange & { hosts: string[] }>();
  const add = (
    host: string,
    what: SameChange["what"],
    kind: string,
    before: string,
    after: string,
    because = "",
  ) => {
    const key = JSON.stringify([what, kind, before, after, because]);
    const group = groups.get(key) ?? { what, kind, before, after, because, hosts: [] };
    groups.set(key, group);
    if (group.hosts.at(-1) !== host) group.hosts.push(host);
  };
  for (const { host, kind, spec, state, verdicts } of hosts) {
    if (kind === "new") continue;
    for (const { nic, before, after, because } of verdicts)
      add(host, "verdict", nic, before, after, because.join("; "));
    for (const change of spec) add(host, "spec", change.kind, wordOf(change.before), wordOf(change.after));
    for (const change of state) add(host, "state", change.kind, wordOf(change.before), wordOf(change.after));
  }
  const order = ["verdict", "spec", "state"];
  return manyValues([...groups.values()]).sort(
    (a, b) => order.indexOf(a.what) - order.indexOf(b.what) || b.hosts.length - a.hosts.length,
  );
}

/** So many different values of one kind of path are told one by one. */
const most = 6;

/** A path with many values, such as addresses, is told once. */
function manyValues(groups: readonly SameChange[]): SameChange[] {
  return [...Map.groupBy(groups, ({ what, kind }) => JSON.stringify([what, kind])).values()].flatMap(
    (group) => {
      const [first] = group;
      if (first === undefined || first.what === "verdict" || group.length <= most) return group;
      const hosts = [...new Set(group.flatMap((each) => each.hosts))];
      return [{ ...first, before: "various", after: "various", hosts }];
    },
  );
}

export function newHosts({ hosts }: FleetDiff): string[] {
  return hosts.filter(({ kind }) => kind === "new").map(({ host }) => host);
}

function iso(at: number): string {
  return new Date(at).toISOString();
}
