import type { Deviation } from "../requirements/requirement.ts";

/** Deviations that say the same of several subjects, as one. */
export interface Condensed {
  readonly first: Deviation;
  readonly subjects: readonly string[];
}

/** Folds equal deviations together, so that 128 representors are one line; the order of first appearance is kept. */
export function condense(deviations: readonly Deviation[]): Condensed[] {
  const groups = new Map<string, { first: Deviation; subjects: string[] }>();
  for (const deviation of deviations) {
    const { requirement, expected, actual, severity, remedy } = deviation;
    const text = remedy.kind === "actions" ? "" : remedy.text;
    const key = JSON.stringify([requirement, expected, actual, severity, remedy.kind, text]);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { first: deviation, subjects: [deviation.subject] });
    else group.subjects.push(deviation.subject);
  }
  return [...groups.values()];
}

/** `A`, `A and B`, `A, B and 14 more`. */
export function subjectText(subjects: readonly string[]): string {
  const [first = "", second] = subjects;
  if (subjects.length === 1) return first;
  if (subjects.length === 2) return `${first} and ${second}`;
  return `${first}, ${second} and ${subjects.length - 2} more`;
}
