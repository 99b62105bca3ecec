import { inPlainText } from "../../host/plain-text.ts";
import type { Applied } from "../../operations/host/apply.ts";
import type { afterReboot } from "../../reconcile/plan.ts";
import type { NicOutcome } from "../../reconcile/step.ts";
import type { Deviation } from "../../requirements/requirement.ts";
import { requirementById } from "../../requirements/stages.ts";
import { waitsForNetworking } from "../../verdict/verdict.ts";
import { condense, subjectText } from "../terminal/condense.ts";
import { count, duration, type Style, table } from "../terminal/style.ts";
import { failureLines } from "./failure-lines.ts";
import { deviationLines } from "./verdict-text.ts";

/** What `apply` or a boot stage did, for the eye. */
export function appliedText(
  applied: Pick<Applied, "outcomes" | "verdicts" | "seconds">,
  style: Style,
): string {
  const { outcomes, seconds } = inPlainText({ outcomes: applied.outcomes, seconds: applied.seconds });
  const waiting = new Set(applied.verdicts.filter(waitsForNetworking).map(({ nic }) => nic));
  const lines = outcomes.flatMap((outcome) => outcomeLines(outcome, waiting.has(outcome.nic), style));
  const done = outcomes.reduce(
    (sum, outcome) => sum + outcome.steps.reduce((actions, step) => actions + step.actions.length, 0),
    0,
  );
  const failed = outcomes.reduce((sum, outcome) => sum + outcome.failures.length, 0);
  const stopped = outcomes.some((outcome) => outcome.status === "stopped");
  const but = failed === 0 ? "" : `, ${failed} of them failed`;
  const did =
    done === 0
      ? stopped
        ? "Nothing was done."
        : "Nothing was to be done."
      : `${count(done, "action")}${but}, in ${duration(seconds)}.`;
  return `${[...lines, did].join("\n")}\n`;
}

/**
 * Why the host has to reboot, and what vflag's units do then: the same steps as of a plan, without their
 * commands.
 */
export function rebootText(
  reboot: NonNullable<Awaited<ReturnType<typeof afterReboot>>>,
  style: Style,
): string {
  const { because, phases } = inPlainText(reboot);
  const reasons = condense(because).map(
    (same) => `  ${same.first.nic}: ${subjectText(same)}: ${same.first.actual}`,
  );
  const steps = phases.flatMap((phase) => {
    if (phase.steps.length === 0) return [];
    const title =
      phase.after === "networking"
        ? "after networking has made the bond (vflag-late.service)"
        : "before networking (vflag-early.service)";
    const rows = phase.steps.map(({ nic, requirement, actions }) => [
      nic,
      requirementById(requirement)?.title ?? requirement,
      count(actions.length, "action"),
    ]);
    return [`  ${title}:`, ...table(rows, "    ")];
  });
  const then =
    steps.length === 0
      ? ["Nothing is left to vflag at the next boot."]
      : ["At the next boot then follow:", ...steps];
  const lines = [
    style.strong("Reboot needed (vflag does not do it):"),
    ...reasons,
    ...then,
    "After it, `vflag verify` shows whether all holds.",
  ];
  return `\n${lines.join("\n")}\n`;
}

function outcomeLines({ nic, status, left, failures }: NicOutcome, waiting: boolean, style: Style): string[] {
  const complete = left.every((deviation) => deviation.severity === "warning");
  // What stands before the late stage is no failure.
  const waits = waiting && failures.length === 0;
  const title =
    status === "stopped"
      ? waits
        ? style.doubtful("waits for networking")
        : style.bad("stopped")
      : complete
        ? style.good("settled")
        : style.bad("incomplete");
  // What to do when an action does not help is advice for those that were tried.
  const tried = new Set(failures.map(({ action }) => JSON.stringify(action)));
  const told = left.map((deviation): Deviation => {
    const { remedy } = deviation;
    if (remedy.kind !== "actions" || remedy.actions.some((action) => tried.has(JSON.stringify(action))))
      return deviation;
    return { ...deviation, remedy: { ...remedy, otherwise: "vflag apply, when what is above is put right" } };
  });
  return [`${style.strong(nic)}  ${title}`, ...failureLines(failures, style), ...deviationLines(told, style)];
}
