import type { HostState } from "../host/state/state.ts";
import { ports } from "../requirements/early/ports.ts";
import { hostName } from "../requirements/evaluate.ts";
import type { About, Deviation } from "../requirements/requirement.ts";
import { hostRequirements, requirementById, requirements, verdictStages } from "../requirements/stages.ts";
import type { Spec } from "../spec/schema.ts";
import type { Verdict } from "./verdict.ts";

/**
 * What came of one requirement. `not-asked`: the spec does not declare what it is about, or there was nothing
 * to look at. `not-judged`: it found nothing, but what it builds on does not hold, so that it may not have
 * had anything to look at.
 */
export type Outcome = "holds" | "error" | "warning" | "unknown" | "not-asked" | "not-judged";

export interface Check {
  readonly requirement: About;
  readonly outcome: Outcome;
  readonly deviations: readonly Deviation[];
  /** Why it was not asked or not judged. */
  readonly reason: string | null;
  /** The root causes of its deviations, other than these themselves: ids of requirements. */
  readonly causedBy: readonly string[];
}

/** All requirements of one NIC, or of the host, in their order. */
export interface CheckList {
  readonly subject: string;
  /** Null for the host. */
  readonly verdict: Verdict | null;
  readonly checks: readonly Check[];
}

/** Every requirement and what came of it: the host's first, then each NIC's. */
export function checkLists(spec: Spec, state: HostState, verdicts: readonly Verdict[]): CheckList[] {
  const ofHost = verdicts.flatMap(({ deviations }) => deviations.filter(({ nic }) => nic === hostName));
  const once = [...new Map(ofHost.map((deviation) => [JSON.stringify(deviation), deviation])).values()];
  const host = inOrder(hostRequirements).map((requirement) =>
    judged(requirement, once, verdicts, requirement.notAsked?.(spec, state) ?? null, once),
  );
  const nics = verdicts.map((verdict): CheckList => {
    const nic = spec.nics.find(({ name }) => name === verdict.nic);
    const own = verdict.deviations.filter((deviation) => deviation.nic !== hostName);
    const checks = inOrder(requirements).map((requirement) =>
      judged(
        requirement,
        own,
        [verdict],
        nic === undefined ? null : (requirement.notAsked?.(nic, state) ?? null),
        verdict.deviations,
      ),
    );
    return { subject: verdict.nic, verdict, checks };
  });
  return [{ subject: hostName, verdict: null, checks: host }, ...nics];
}

function inOrder<T extends About>(all: readonly T[]): T[] {
  return verdictStages.flatMap((stage) => all.filter((requirement) => requirement.stage === stage));
}

/** @param own deviations that can be this requirement's @param around all that it can build on */
function judged(
  requirement: About,
  own: readonly Deviation[],
  verdicts: readonly Verdict[],
  notAsked: string | null,
  around: readonly Deviation[],
): Check {
  const deviations = own.filter((deviation) => deviation.requirement === requirement.id);
  const causes = verdicts.flatMap((verdict) => verdict.causes);
  const causedBy = new Set(
    causes
      .filter(({ consequences }) => consequences.some((each) => each.requirement === requirement.id))
      .map(({ deviation }) => deviation.requirement),
  );
  const check = { requirement, deviations, causedBy: deviations.length === 0 ? [] : [...causedBy] };
  for (const severity of ["error", "unknown", "warning"] as const)
    if (deviations.some((deviation) => deviation.severity === severity))
      return { ...check, outcome: severity, reason: null };
  if (notAsked !== null) return { ...check, outcome: "not-asked", reason: notAsked };
  const missing = brokenBase(requirement, around);
  if (missing !== null)
    return { ...check, outcome: "not-judged", reason: `not judged while ${missing} does not hold` };
  return { ...check, outcome: "holds", reason: null };
}

/**
 * The nearest requirement under this one that is wrong or unknown. Without its ports, nothing of a NIC can be
 * looked at.
 */
function brokenBase(requirement: About, around: readonly Deviation[]): string | null {
  const serious = new Set(
    around.filter(({ severity }) => severity !== "warning").map((deviation) => deviation.requirement),
  );
  const seen = new Set<string>();
  let level = [...requirement.follows];
  while (level.length > 0) {
    const found = level.find((id) => serious.has(id));
    if (found !== undefined) return found;
    for (const id of level) seen.add(id);
    level = level.flatMap((id) => requirementById(id)?.follows ?? []).filter((id) => !seen.has(id));
  }
  return serious.has(ports.id) && requirement.id !== ports.id ? ports.id : null;
}
