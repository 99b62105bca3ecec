import type { Action } from "../host/actions/action.ts";
import { traitsOf } from "../host/actions/action-table.ts";
import type { Deviation } from "../requirements/requirement.ts";
import { requirementById } from "../requirements/stages.ts";
import type { Step } from "./step.ts";

/** A requirement that comes back this often, each time differently, is not going to settle. */
const attemptsPerRequirement = 5;

type Next =
  | { kind: "step"; step: Step }
  | { kind: "settled" | "stopped"; stoppedBy: Deviation[]; left: Deviation[] };

/**
 * What to do next on a NIC. `attempts`: by requirement, the deviations that its actions were meant to put
 * right.
 */
export function nextStep(
  nic: string,
  deviations: readonly Deviation[],
  attempts: ReadonlyMap<string, readonly string[]>,
  steps: readonly Step[],
): Next {
  const interrupted = steps.some((step) => step.actions.some(interrupts));
  const left: Deviation[] = [];
  for (const group of byRequirement(deviations)) {
    const first = group[0];
    left.push(...group);
    if (first === undefined) continue;
    // A warning stops nothing, but what vflag can do about it is done.
    const serious = group.filter((deviation) => deviation.severity !== "warning");
    const gate = serious.length > 0 && (requirementById(first.requirement)?.gate ?? true);
    const blocked = serious.some((deviation) => deviation.remedy.kind !== "actions");
    const actions = group.flatMap((deviation) =>
      deviation.remedy.kind === "actions" ? deviation.remedy.actions : [],
    );
    const actionable = group.filter((deviation) => deviation.remedy.kind === "actions");
    const tried = attempts.get(first.requirement) ?? [];
    const stuck =
      tried.includes(fingerprint(actionable)) ||
      tried.length >= attemptsPerRequirement ||
      (interrupted && actions.some(interrupts));
    if (gate && (blocked || stuck)) return { kind: "stopped", stoppedBy: group, left };
    if (actions.length > 0 && !stuck) {
      return {
        kind: "step",
        step: {
          nic,
          requirement: first.requirement,
          deviations: actionable,
          actions: withoutRepeats(actions),
        },
      };
    }
  }
  return { kind: "settled", stoppedBy: [], left };
}

function interrupts(action: Action): boolean {
  return traitsOf(action).interrupts === true;
}

/** Deviations of one requirement together, in the order of the requirements. */
function byRequirement(deviations: readonly Deviation[]): Deviation[][] {
  const groups = new Map<string, Deviation[]>();
  for (const deviation of deviations)
    groups.set(deviation.requirement, [...(groups.get(deviation.requirement) ?? []), deviation]);
  return [...groups.values()];
}

/** What is off, so that the same can be recognized when it comes back. */
export function fingerprint(deviations: readonly Deviation[]): string {
  return deviations.map(({ subject, expected, actual }) => `${subject}|${expected}|${actual}`).join("\n");
}

function withoutRepeats(actions: readonly Action[]): Action[] {
  const seen = new Set<string>();
  return actions.filter((action) => {
    const key = JSON.stringify(action);
    return seen.has(key) ? false : seen.add(key);
  });
}
