import type { FleetAnswer } from "../fleet/answers/status.ts";
import type { FailureKind } from "../fleet/history/history.ts";

/** Words that all of the fleet's screens use. */

export const answerWords: Readonly<Record<FleetAnswer, string>> = {
  works: "works",
  broken: "does not work",
  unknown: "cannot tell",
  none: "no verdict",
};

export const failureWords: Readonly<Record<FailureKind, string>> = {
  unreachable: "unreachable",
  failed: "vflag failed there",
  invalid: "what it told was not understood",
  "no-answer": "no answer",
};

/** How old something is: `40 s`, `12 min`, `5 h`, `3 d`. */
export function ageText(seconds: number): string {
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} d`;
}

/** `hv1, hv2, hv3 and 38 more`. @param most how many are named */
export function someOf(names: readonly string[], most = 6): string {
  if (names.length <= most) return names.join(", ");
  return `${names.slice(0, most).join(", ")} and ${names.length - most} more`;
}

/** @param seconds by which a clock is ahead */
export function clockText(seconds: number): string {
  return `its clock is ${ageText(Math.abs(seconds))} ${seconds > 0 ? "ahead" : "behind"}`;
}
