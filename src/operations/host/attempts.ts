import { notDone } from "../../host/actions/safety.ts";
import { type Attempts, mostLeft } from "../../host/state/attempts.ts";
import type { Failure, NicOutcome } from "../../reconcile/step.ts";
import type { Deviation } from "../../requirements/requirement.ts";

/** Characters of what a host answered. */
const mostWords = 300;

/** What a run could not put right, for whoever looks at the host until it boots again. */
export function leftBy(outcomes: readonly NicOutcome[]): Attempts["latest"] {
  const all = outcomes.flatMap(({ nic, left, stoppedBy, failures }) =>
    left.flatMap((deviation) => {
      const { requirement, subject, pf = null, expected, remedy } = deviation;
      const stopped = stoppedBy.includes(deviation);
      const own = telling(failures.filter((failure) => isOf(failure, deviation)));
      // Where one port was refused, the others of the step were not asked again.
      const failure =
        own ??
        (stopped ? telling(failures.filter(({ step }) => step.requirement === requirement)) : undefined);
      const refused = failure?.reason.slice(0, mostWords) ?? null;
      const kept = refused !== null || stopped || remedy.kind === "reboot";
      return kept ? [{ nic, requirement, subject, pf, expected, refused }] : [];
    }),
  );
  return all.slice(0, mostLeft);
}

/** The last one; what the kernel answered goes before what vflag itself then did not do. */
function telling(failures: readonly Failure[]): Failure | undefined {
  return failures.findLast(({ reason }) => !reason.startsWith(notDone)) ?? failures.at(-1);
}

/** The failure of an action that was to put this right. */
function isOf({ step, action }: Failure, { requirement, pf, subject, remedy }: Deviation): boolean {
  if (step.requirement !== requirement) return false;
  if (remedy.kind === "actions")
    return remedy.actions.some((wanted) => JSON.stringify(wanted) === JSON.stringify(action));
  return "pf" in action ? action.pf === pf : step.deviations.some((tried) => tried.subject === subject);
}
