import { isUnknown, type Observed } from "../host/state/observed.ts";
import type { Fact, FactKind, Facts } from "./fact.ts";
import type { Turn } from "./meaning.ts";

/** Facts that have another value. What hangs on something that came or went is no news of its own. */
export function turnsBetween(before: Facts, after: Facts): Turn[] {
  const keys = new Set([...before.keys(), ...after.keys()]);
  return [...keys].flatMap((key) => {
    const fact = after.get(key) ?? before.get(key);
    if (fact === undefined) return [];
    const { kind, nic, subject, under } = fact;
    if (under !== undefined && before.has(under) !== after.has(under)) return [];
    if (kind === "flows" && isTraffic(before.get(key)?.value, after.get(key)?.value)) return [];
    // A LAG that is not active sends nothing anywhere.
    if (kind === "lag-mapping" && before.has(key) !== after.has(key)) return [];
    const turn = {
      key,
      kind,
      nic,
      subject,
      before: before.get(key)?.value ?? null,
      after: after.get(key)?.value ?? null,
    };
    return isSame(turn.before, turn.after) ? [] : [turn];
  });
}

/**
 * Flows come and go with packets: news is that there are some in software, and that those are in hardware
 * again.
 */
function isTraffic(before: Fact["value"] | undefined, after: Fact["value"] | undefined): boolean {
  return after === undefined || (before === undefined && after === "in hardware");
}

/** Two reasons why something cannot be seen are no change of the thing. */
function isSame(before: Observed<string | null>, after: Observed<string | null>): boolean {
  return before === after || (isUnknown(before) && isUnknown(after));
}

/** Causes before what follows from them. */
const kinds: readonly FactKind[] = [
  "port",
  "driver",
  "netdev",
  "eswitch",
  "link",
  "bond",
  "bond-mode",
  "bond-link",
  "slave",
  "slave-link",
  "lacp",
  "lag",
  "lag-mapping",
  "vf-count",
  "vf",
  "vf-driver",
  "vf-holder",
  "vf-setting",
  "representor",
  "representor-link",
  "setting",
  "ovs",
  "ovs-setting",
  "ovs-port",
  "ingress-block",
  "flows",
];

/** The order in which the changes of one NIC are told. */
export function byKind(a: Turn, b: Turn): number {
  const rank = kinds.indexOf(a.kind) - kinds.indexOf(b.kind);
  if (rank !== 0) return rank;
  return numbered(a.key) < numbered(b.key) ? -1 : 1;
}

/** So that VF 10 comes after VF 9. */
function numbered(key: string): string {
  return key.replace(/\d+/g, (digits) => digits.padStart(6, "0"));
}
