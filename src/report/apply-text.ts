import type { Applied } from "../reconcile/apply.ts";
import type { NicOutcome } from "../reconcile/reconcile.ts";
import { failureLines } from "./failure-lines.ts";
import { count, duration, type Style } from "./style.ts";
import { deviationLines } from "./verdict-text.ts";

/** What `apply` or a boot stage did, for the eye. */
export function appliedText({ outcomes, seconds }: Applied, style: Style): string {
  const lines = outcomes.flatMap((outcome) => outcomeLines(outcome, style));
  const done = outcomes.reduce((sum, outcome) => sum + outcome.steps.reduce((actions, step) => actions + step.actions.length, 0), 0);
  const failed = outcomes.reduce((sum, outcome) => sum + outcome.failures.length, 0);
  const stopped = outcomes.some((outcome) => outcome.status === "stopped");
  const did =
    done === 0
      ? stopped
        ? "Nothing was done."
        : "Nothing was to be done."
      : `${count(done, "action")}${failed === 0 ? "" : `, ${failed} of them failed`}, in ${duration(seconds)}.`;
  return `${[...lines, did].join("\n")}\n`;
}

function outcomeLines({ nic, status, left, failures }: NicOutcome, style: Style): string[] {
  const complete = left.every((deviation) => deviation.severity === "warning");
  const title = status === "stopped" ? style.bad("stopped") : complete ? style.good("settled") : style.bad("incomplete");
  return [`${style.strong(nic)}  ${title}`, ...failureLines(failures, style), ...deviationLines(left, style)];
}
