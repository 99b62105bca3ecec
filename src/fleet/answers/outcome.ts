import * as z from "zod";
import type { HostState } from "../../host/state/state.ts";
import type { Deviation } from "../../requirements/requirement.ts";
import type { Spec } from "../../spec/schema.ts";
import { rebootReasons } from "../../verdict/reboot-due.ts";
import { riskText, verdictsWithoutLogs } from "../../verdict/verdict.ts";

/**
 * What came of a host's spec and state: what the fleet's screens need of a verdict, and no more. It is kept
 * with the state.
 */

const FleetCause = z.strictObject({
  nic: z.string(),
  requirement: z.string(),
  severity: z.enum(["error", "warning", "unknown"]),
  subject: z.string(),
  actual: z.string(),
  expected: z.string(),
  remedy: z.enum(["actions", "networking", "reboot", "person"]),
  /** In words, where vflag cannot do it. */
  text: z.string().nullable(),
  consequences: z.int(),
});
export type FleetCause = z.infer<typeof FleetCause>;

export const FleetNic = z.strictObject({
  nic: z.string(),
  mode: z.string(),
  answer: z.enum(["works", "broken", "unknown"]),
  /**
   * Of one that works: "at risk at the next boot" and the like, and of what. Earlier versions did not keep
   * it.
   */
  risk: z.string().nullable().default(null),
  /** The root causes, those that decide first. */
  causes: z.array(FleetCause),
});
export type FleetNic = z.infer<typeof FleetNic>;

export const Outcome = z.strictObject({
  nics: z.array(FleetNic),
  /** Why there is no verdict: no spec, or one that is wrong. */
  problem: z.string().nullable(),
  /** Nothing at all is off, not even a warning: there is nothing that `apply` would do. */
  clean: z.boolean(),
  reboot: z.boolean(),
});
export type Outcome = z.infer<typeof Outcome>;

/** The verdict on a host. @param spec what is declared, or why nothing is */
export function outcomeOf(spec: Spec | { readonly problem: string }, state: HostState): Outcome {
  if ("problem" in spec)
    return { nics: [], problem: clipped(spec.problem, 4000), clean: false, reboot: false };
  const all = verdictsWithoutLogs(spec, state);
  let left = mostCauses;
  const few = (causes: FleetCause[]) => {
    const kept = causes.slice(0, Math.max(1, left));
    left -= kept.length;
    return kept;
  };
  return {
    nics: all.map(({ nic, answer, risk, causes }) => ({
      nic,
      mode: spec.nics.find(({ name }) => name === nic)?.mode ?? "",
      answer,
      risk: risk === null ? null : clipped(riskText(risk)),
      causes: few(
        folded(causes.map(({ deviation, consequences }) => causeOf(deviation, consequences))).sort(
          (a, b) => weights.indexOf(a.severity) - weights.indexOf(b.severity),
        ),
      ),
    })),
    problem: null,
    clean: all.every(({ deviations }) => deviations.length === 0),
    reboot: rebootReasons(all).length > 0,
  };
}

/**
 * Causes of a host that are kept, and characters of a text of theirs: what a host says is of any size, and
 * all of them are held together.
 */
const mostCauses = 200;
const mostText = 400;

function clipped(text: string, most = mostText): string {
  return text.length <= most ? text : `${text.slice(0, most - 3)}...`;
}

const weights: readonly Deviation["severity"][] = ["error", "unknown", "warning"];

/** A warning with an error among what follows from it weighs as much as that. */
function causeOf(deviation: Deviation, consequences: readonly Deviation[]): FleetCause {
  const { nic, requirement, subject, actual, expected, remedy } = deviation;
  const severity =
    weights.find((each) => [deviation, ...consequences].some((other) => other.severity === each)) ??
    deviation.severity;
  return {
    nic,
    requirement,
    severity,
    remedy: remedy.kind,
    consequences: consequences.length,
    subject: clipped(subject),
    actual: clipped(actual),
    expected: clipped(expected),
    text:
      remedy.kind !== "actions"
        ? clipped(remedy.text)
        : remedy.refused === undefined
          ? null
          : clipped(`vflag was refused this: ${remedy.refused}`),
  };
}

/** The same of several VFs or ports is one cause. */
function folded(causes: readonly FleetCause[]): FleetCause[] {
  const groups = Map.groupBy(causes, ({ subject: _, consequences: __, ...same }) => JSON.stringify(same));
  return [...groups.values()].flatMap((group) => {
    const [first, second] = group;
    if (first === undefined || second === undefined) return group;
    const subject =
      group.length === 2
        ? `${first.subject} and ${second.subject}`
        : `${first.subject}, ${second.subject} and ${group.length - 2} more`;
    return [
      { ...first, subject, consequences: group.reduce((sum, { consequences }) => sum + consequences, 0) },
    ];
  });
}

/** Why a NIC is not said to work: the causes of its answer, without warnings. */
export function decisive({ answer, causes }: FleetNic): FleetCause[] {
  const severity = { works: null, broken: "error", unknown: "unknown" }[answer];
  return causes.filter((cause) => cause.severity === severity);
}
