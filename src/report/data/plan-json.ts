import type { Action } from "../../host/actions/action.ts";
import { commandsOf } from "../../host/actions/command.ts";
import type { Phase, Plan } from "../../reconcile/plan.ts";
import type { NicOutcome } from "../../reconcile/step.ts";

/** What concerns several NICs is told once. */
function withoutRepeats<T>(deviations: readonly T[]): T[] {
  return [...new Map(deviations.map((deviation) => [JSON.stringify(deviation), deviation])).values()];
}

/**
 * A plan as data: each action with the commands that a person would type for it. Times are estimates, in
 * seconds.
 */
export function planJson(plan: Plan): object {
  return {
    schema: "vflag/plan/1",
    seconds: plan.seconds,
    scriptsSeconds: plan.scriptsSeconds,
    phases: phasesJson(plan.phases),
    outcomes: plan.outcomes.map(({ nic, status, left, failures }) => ({
      nic,
      status,
      left,
      failures: failures.map(({ action, code, reason }) => ({ action, code, reason })),
    })),
    remaining: withoutRepeats(plan.remaining.flatMap(({ deviations }) => deviations)),
  };
}

export function phasesJson(phases: readonly Phase[]): object[] {
  return phases.map(({ after, seconds, steps }) => ({
    after,
    seconds,
    steps: steps.map((step) => ({
      nic: step.nic,
      requirement: step.requirement,
      seconds: step.seconds,
      deviations: step.deviations.map(({ subject, expected, actual }) => ({ subject, expected, actual })),
      actions: step.actions.map((action) => ({ ...action, commands: commandsOf(action) })),
    })),
  }));
}

/**
 * What `apply` did: each action with its commands, and whether it was done (not refused, nor left out after
 * one that was).
 */
export function outcomesJson(outcomes: readonly NicOutcome[], performed: ReadonlySet<Action>): object[] {
  return outcomes.map(({ steps, ...outcome }) => ({
    ...outcome,
    steps: steps.map((step) => ({
      ...step,
      actions: step.actions.map((action) => ({
        ...action,
        commands: commandsOf(action),
        performed: performed.has(action),
      })),
    })),
  }));
}
