import type { Deviation } from "../requirements/requirement.ts";
import { requirementById } from "../requirements/stages.ts";

/** Something wrong that nothing else explains, and what follows from it. */
export interface Cause {
  readonly deviation: Deviation;
  /** In the order of the stages. */
  readonly consequences: readonly Deviation[];
}

/**
 * Tells causes from consequences. A deviation follows from another where its requirement says so (`follows`),
 * where both concern the same PF (or one of them the NIC as a whole), and where the other weighs as much: a
 * warning explains no error.
 *
 * @param deviations one NIC's, and the host's that concern it, in the order of the stages
 */
export function causesOf(deviations: readonly Deviation[]): Cause[] {
  const byRequirement = Map.groupBy(deviations, ({ requirement }) => requirement);
  const consequences = new Map<Deviation, Deviation[]>();
  for (const deviation of deviations) {
    const root = rootOf(deviation, byRequirement);
    if (root !== deviation) consequences.set(root, [...(consequences.get(root) ?? []), deviation]);
    else if (!consequences.has(root)) consequences.set(root, []);
  }
  return deviations.flatMap((deviation) => {
    const found = consequences.get(deviation);
    return found === undefined ? [] : [{ deviation, consequences: found }];
  });
}

/** No requirement follows from itself over others (a test holds it), so this ends. */
function rootOf(deviation: Deviation, byRequirement: ReadonlyMap<string, readonly Deviation[]>): Deviation {
  if (deviation.independent === true) return deviation;
  const parent = requirementById(deviation.requirement)
    ?.follows.flatMap((id) => byRequirement.get(id) ?? [])
    .find((candidate) => explains(candidate, deviation));
  return parent === undefined ? deviation : rootOf(parent, byRequirement);
}

function explains(earlier: Deviation, later: Deviation): boolean {
  if (weightOf(earlier) < weightOf(later)) return false;
  return earlier.pf === undefined || later.pf === undefined || earlier.pf === later.pf;
}

/** What could not be seen at a gate stops vflag there, as an error does; elsewhere it explains no error. */
function weightOf({ severity, requirement }: Deviation): number {
  if (severity === "unknown" && requirementById(requirement)?.gate === true) return 2;
  return { error: 2, unknown: 1, warning: 0 }[severity];
}
