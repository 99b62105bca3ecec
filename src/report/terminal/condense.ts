import type { Deviation } from "../../requirements/requirement.ts";

/** Deviations that say the same of several subjects, as one. */
export interface Condensed {
  readonly first: Deviation;
  readonly all: readonly Deviation[];
}

/**
 * Folds equal deviations together, so that 128 representors are one line; the order of first appearance is
 * kept.
 */
export function condense(deviations: readonly Deviation[]): Condensed[] {
  const groups = new Map<string, { first: Deviation; all: Deviation[] }>();
  for (const deviation of deviations) {
    const { requirement, expected, actual, severity, remedy } = deviation;
    const text = remedy.kind === "actions" ? (remedy.refused ?? "") : remedy.text;
    const key = JSON.stringify([requirement, expected, actual, severity, remedy.kind, text]);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { first: deviation, all: [deviation] });
    else group.all.push(deviation);
  }
  return [...groups.values()];
}

/** `A`, `A and B`, `A, B and 14 more`. */
export function subjectText({ first, all }: Condensed): string {
  const second = all[1]?.subject;
  if (second === undefined) return first.subject;
  return all.length === 2
    ? `${first.subject} and ${second}`
    : `${first.subject}, ${second} and ${all.length - 2} more`;
}
