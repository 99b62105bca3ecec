import { isUnknown, type Observed } from "../host/state/observed.ts";
import type { HostState } from "../host/state/state.ts";
import { hostName } from "../requirements/evaluate.ts";
import type { Deviation } from "../requirements/requirement.ts";
import { requirementById } from "../requirements/stages.ts";
import type { Spec } from "../spec/schema.ts";
import { type Answer, type Verdict, verdicts } from "../verdict/verdict.ts";
import type { FactKind, Facts } from "./fact.ts";
import { factsOf, portsOf } from "./facts.ts";
import { type Around, type Meaning, meaningOf, type Turn } from "./meaning.ts";
import { byKind, turnsBetween } from "./turned-facts.ts";

/** One thing that changed on a host, and what it means. */
export interface Change {
  readonly kind: FactKind | "symptom" | "requirement" | "verdict";
  /** `host` for what belongs to no single NIC. */
  readonly nic: string;
  /** What changed; several, where the same happened to all of them. */
  readonly subjects: readonly string[];
  readonly before: string;
  readonly after: string;
  readonly effect: Meaning["effect"];
  /** Empty where the change says it all. */
  readonly meaning: string;
  /** For a requirement: those that broke, or were mended, because of it. */
  readonly consequences?: readonly string[];
}

/**
 * What changed between two states: what was seen first, then the requirements that it broke or mended, then
 * the verdicts. A pure function: from one state to the same one nothing changed, and from `after` to `before`
 * the same things changed back.
 *
 * @example
 * changesBetween(before, after, spec)
 * // [{ kind: "link", nic: "data", subjects: ["ens3f0"], before: "up", after: "no link", effect: "worse",
 * meaning: "cable, ..." }, ...]
 */
export function changesBetween(before: HostState, after: HostState, spec: Spec): Change[] {
  const ports = new Map(spec.nics.map((nic) => [nic.name, portsOf(nic, [before, after])]));
  const facts = { before: factsOf(spec, before, ports), after: factsOf(spec, after, ports) };
  const order = [...spec.nics.map(({ name }) => name), hostName];
  const turns = turnsBetween(facts.before, facts.after).sort(
    (a, b) => order.indexOf(a.nic) - order.indexOf(b.nic) || byKind(a, b),
  );
  const seen = turns.map((turn): Change => {
    const { effect, text } = meaningOf(turn, aroundOf(turn, facts));
    const { kind, nic, subject } = turn;
    return {
      kind,
      nic,
      subjects: [subject],
      before: worded(turn, turn.before),
      after: worded(turn, turn.after),
      effect,
      meaning: text,
    };
  });
  const was = verdicts(spec, before);
  const is = verdicts(spec, after);
  return [
    ...folded(seen),
    ...symptomChanges(was, is),
    ...requirementChanges(was, is),
    ...verdictChanges(was, is),
  ];
}

function aroundOf({ nic }: Turn, facts: { readonly before: Facts; readonly after: Facts }): Around {
  const own = [...facts.before.values(), ...facts.after.values()].filter(
    (fact) => fact.nic === nic && fact.kind === "port",
  );
  return { after: facts.after, ports: new Set(own.map(({ subject }) => subject)) };
}

const nothing: Partial<Record<FactKind, string>> = {
  port: "gone",
  driver: "no driver",
  netdev: "no netdev",
  vf: "gone",
  "vf-driver": "no driver",
  "vf-holder": "free",
  representor: "gone",
  bond: "gone",
  slave: "in no bond",
  ovs: "not there",
  "ovs-port": "in no bridge",
  "ingress-block": "no qdisc",
};

/**
 * How a value is called. That a VF or a representor is there is told alike of all, so that a hundred of them
 * are one line.
 */
function worded(turn: Turn, value: Observed<string | null>): string {
  if (isUnknown(value)) return "not known";
  if (value === null) return nothing[turn.kind] ?? "none";
  if (turn.kind === "vf-count") return `${value} ${value === "1" ? "VF" : "VFs"}`;
  if (turn.kind === "slave") return `in ${value}`;
  const cameOrWent = turn.before === null || turn.after === null;
  return cameOrWent && (turn.kind === "vf" || turn.kind === "representor") ? "there" : value;
}

/** The same change of several things as one. */
function folded(changes: readonly Change[]): Change[] {
  const groups = new Map<string, Change & { subjects: string[] }>();
  for (const change of changes) {
    const { kind, nic, before, after, effect, meaning } = change;
    const key = JSON.stringify([kind, nic, before, after, effect, meaning]);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { ...change, subjects: [...change.subjects] });
    else group.subjects.push(...change.subjects);
  }
  return [...groups.values()];
}

/**
 * What Open vSwitch's log says now of a NIC and did not say before. The kernel log is told line by line, as
 * it is heard.
 */
function symptomChanges(before: readonly Verdict[], after: readonly Verdict[]): Change[] {
  return after.flatMap(({ nic, sightings }) => {
    const said = before.find((verdict) => verdict.nic === nic)?.sightings ?? [];
    const fresh = sightings.filter(
      ({ log, text }) => log === "ovs-log" && !said.some((other) => other.text === text),
    );
    return fresh.map(({ symptom, text, means, remedy }): Change => {
      const meaning = [means, remedy].filter((words) => words !== null).join("; ");
      return {
        kind: "symptom",
        nic,
        subjects: [symptom ?? "Open vSwitch's log"],
        before: "not seen",
        after: text,
        effect: "worse",
        meaning,
      };
    });
  });
}

/**
 * Requirements that are newly broken, or mended, by NIC; those of the host once. What follows from another is
 * told with that one.
 */
function requirementChanges(before: readonly Verdict[], after: readonly Verdict[]): Change[] {
  const was = brokenBy(before);
  const is = brokenBy(after);
  return [...turnedOf(was, is, false), ...turnedOf(is, was, true)];
}

interface Broken {
  readonly deviations: Deviation[];
  /** The key of what explains it; its own where nothing does. */
  readonly cause: string;
}

/** What is wrong, by NIC and requirement. */
function brokenBy(all: readonly Verdict[]): Map<string, Broken> {
  const groups = new Map<string, Broken>();
  const add = (deviation: Deviation, cause: Deviation) => {
    const group = groups.get(keyOf(deviation)) ?? { deviations: [], cause: keyOf(cause) };
    groups.set(keyOf(deviation), group);
    // What concerns all NICs stands in the verdict of each.
    if (!group.deviations.some(({ subject }) => subject === deviation.subject))
      group.deviations.push(deviation);
  };
  for (const { deviation, consequences } of all.flatMap(({ causes }) => causes)) {
    add(deviation, deviation);
    for (const consequence of consequences) add(consequence, deviation);
  }
  return groups;
}

function keyOf({ nic, requirement }: Deviation): string {
  return `${nic}/${requirement}`;
}

/** What is wrong here and not there. */
function turnedOf(
  here: ReadonlyMap<string, Broken>,
  there: ReadonlyMap<string, Broken>,
  broken: boolean,
): Change[] {
  const turned = new Map([...here].filter(([key]) => !there.has(key)));
  const isFolded = (key: string, { cause }: Broken) => cause !== key && turned.has(cause);
  return [...turned].flatMap(([key, group]) => {
    const [first] = group.deviations;
    if (first === undefined || isFolded(key, group)) return [];
    const consequences = [...turned].flatMap(([other, { cause, deviations }]) =>
      cause === key && other !== key ? (deviations[0]?.requirement ?? []) : [],
    );
    return [requirementChange(first, group.deviations.length, consequences, broken)];
  });
}

function requirementChange(
  first: Deviation,
  count: number,
  consequences: readonly string[],
  broken: boolean,
): Change {
  const more = count > 1 ? `, and ${count - 1} more` : "";
  const found = `${first.subject}: ${first.actual}, wanted ${first.expected}${more}`;
  return {
    kind: "requirement",
    nic: first.nic,
    subjects: [first.requirement],
    before: broken ? "holds" : found,
    after: broken ? found : "holds",
    effect: broken ? "worse" : "better",
    meaning: broken ? first.why : (requirementById(first.requirement)?.title ?? ""),
    consequences,
  };
}

const answers: Record<Answer, string> = {
  works: "works",
  broken: "does not work",
  unknown: "cannot be told to work",
};

const ranks: Record<Answer, number> = { works: 3, unknown: 1, broken: 0 };

/** Works, and may not later. */
const rankAtRisk = 2;

function verdictChanges(before: readonly Verdict[], after: readonly Verdict[]): Change[] {
  return after.flatMap((verdict): Change[] => {
    const was = before.find(({ nic }) => nic === verdict.nic);
    if (was === undefined || answerText(was) === answerText(verdict)) return [];
    const rise = rankOf(verdict) - rankOf(was);
    return [
      {
        kind: "verdict",
        nic: verdict.nic,
        subjects: ["verdict"],
        before: answerText(was),
        after: answerText(verdict),
        effect: rise > 0 ? "better" : rise < 0 ? "worse" : "neutral",
        meaning: reasonOf(verdict),
      },
    ];
  });
}

function answerText({ answer, risk }: Verdict): string {
  return risk === null ? answers[answer] : `${answers[answer]}, ${risk.when}`;
}

function rankOf({ answer, risk }: Verdict): number {
  return risk === null ? ranks[answer] : rankAtRisk;
}

function reasonOf({ reason, risk }: Verdict): string {
  const of = reason ?? risk?.deviation ?? null;
  if (of === null) return "every requirement holds";
  return `${of.subject}: ${of.actual}; \`vflag explain ${of.requirement}\` says what to do`;
}
