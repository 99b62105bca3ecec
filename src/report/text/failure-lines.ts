import { commandsOf } from "../../host/actions/command.ts";
import type { Failure } from "../../reconcile/step.ts";
import { symptomIn } from "../../symptoms/catalogue.ts";
import type { Style } from "../terminal/style.ts";

/** Refusals for the same reason are one: the first action stands for the others. */
export function failureLines(failures: readonly Failure[], style: Style): string[] {
  const groups = new Map<string, Failure[]>();
  for (const failure of failures) {
    const key = JSON.stringify([
      failure.step.requirement,
      failure.code,
      failure.action.kind,
      withoutPlaces(failure.reason),
    ]);
    groups.set(key, [...(groups.get(key) ?? []), failure]);
  }
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const { step, action, code, reason } = first;
    const others = group.length === 1 ? "" : ` (and ${group.length - 1} more like it)`;
    const symptom = symptomIn(reason);
    return [
      `  ${style.bad("failed")}  ${step.requirement}: ${commandsOf(action).join("; ")}${others}`,
      `            ${code === null ? "" : `${code}: `}${reason}`,
      ...(symptom === undefined
        ? []
        : [`            means ${symptom.cause} ${style.faint(`(vflag explain ${symptom.id})`)}`]),
    ];
  });
}

/** A reason without the addresses, numbers and names that tell only where it happened. */
function withoutPlaces(reason: string): string {
  return reason.includes("in use")
    ? reason
    : reason.replace(/[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.\d/g, "").replace(/\d+/g, "");
}
