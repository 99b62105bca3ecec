import { commandsOf } from "../../host/actions/command.ts";
import { inPlainText } from "../../host/plain-text.ts";
import { isEmpty, type Phase, type Plan, type PlannedStep } from "../../reconcile/plan.ts";
import type { NicOutcome } from "../../reconcile/step.ts";
import { requirementById } from "../../requirements/stages.ts";
import { condense, subjectText } from "../terminal/condense.ts";
import { count, duration, type Style } from "../terminal/style.ts";
import { failureLines } from "./failure-lines.ts";
import { deviationLines } from "./verdict-text.ts";

/** Commands shown of one step before the rest is only counted. */
const commandsShown = 4;

/** Lines of what is off, likewise. */
const deviationsShown = 4;

export interface PlanTextOptions {
  /** Every command, however many. */
  readonly full: boolean;
}

/**
 * A plan for the eye: what will happen, in the order in which it will happen, as the commands that a person
 * would type.
 */
export function planText(rehearsed: Plan, style: Style, { full }: PlanTextOptions): string {
  const plan = inPlainText(rehearsed);
  const lines: string[] = [];
  let number = 0;
  for (const phase of plan.phases) {
    if (phase.after !== "reboot" && phase.steps.length + phase.because.length === 0) continue;
    lines.push(style.strong(phaseTitle(phase)), ...reasonLines(phase), "");
    for (const step of phase.steps) lines.push(...stepLines(step, ++number, style, full), "");
  }
  for (const outcome of plan.outcomes) lines.push(...outcomeLines(outcome, style));
  return `${[...lines, closing(plan, number, style)].join("\n")}\n`;
}

function phaseTitle(phase: Phase): string {
  switch (phase.after) {
    case "now":
      return "Now:";
    case "networking":
      return "Then networking makes the bond (not vflag's doing), and after it:";
    case "reboot":
      return "A reboot is needed (vflag does not do it). Then, at boot before networking:";
  }
}

function reasonLines({ after, because }: Phase): string[] {
  if (after !== "reboot") return [];
  return condense(because).map((same) => `  ${same.first.nic}: ${subjectText(same)}: ${same.first.actual}`);
}

function stepLines(step: PlannedStep, number: number, style: Style, full: boolean): string[] {
  const title = requirementById(step.requirement)?.title ?? step.requirement;
  const head = `${String(number).padStart(3)}  ${style.strong(step.nic)}  ${step.requirement}: ${title}`;
  const off = condense(step.deviations).map(
    (same) =>
      `     ${style.faint(`${subjectText(same)}: ${same.first.actual}, wanted ${same.first.expected}`)}`,
  );
  const deviations =
    full || off.length <= deviationsShown
      ? off
      : [...off.slice(0, deviationsShown - 1), `     ... and ${off.length - deviationsShown + 1} more`];
  const commands = step.actions.flatMap(commandsOf);
  const all = full || commands.length <= commandsShown + 1;
  const shown = all ? commands : commands.slice(0, commandsShown - 1);
  const rest = commands.length - commandsShown;
  return [
    `${head}  ${style.faint(duration(step.seconds))}`,
    ...deviations,
    ...shown.map((command) => `       ${command}`),
    ...(all
      ? []
      : [`       ${style.faint(`... and ${rest} more (--full shows them)`)}`, `       ${commands.at(-1)}`]),
  ];
}

function outcomeLines(outcome: NicOutcome, style: Style): string[] {
  if (outcome.left.length === 0 && outcome.failures.length === 0) return [];
  const title =
    outcome.status === "stopped"
      ? `${style.strong(outcome.nic)} cannot be completed by vflag alone:`
      : `${style.strong(outcome.nic)} will be left with:`;
  return [title, ...failureLines(outcome.failures, style), ...deviationLines(outcome.left, style), ""];
}

function closing(plan: Plan, steps: number, style: Style): string {
  const serious = plan.outcomes.some((outcome) =>
    outcome.left.some((deviation) => deviation.severity !== "warning"),
  );
  if (isEmpty(plan)) {
    return !serious
      ? style.good("Nothing to do.")
      : style.bad("There is nothing that vflag can do: see above.");
  }
  const actions = plan.phases
    .flatMap((phase) => phase.steps)
    .reduce((sum, step) => sum + step.actions.length, 0);
  const scripts =
    plan.scriptsSeconds === null ? "" : `; the usual scripts take about ${duration(plan.scriptsSeconds)}`;
  const estimate = `about ${duration(plan.seconds)} (estimated${scripts})`;
  const sum = `${style.strong("Plan:")} ${count(steps, "step")}, ${count(actions, "action")}, ${estimate}.`;
  return `${sum} Nothing was changed. \`vflag apply\` does it.`;
}
