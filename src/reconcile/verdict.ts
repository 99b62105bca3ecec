import type { NicDeviations } from "../requirements/evaluate.ts";
import type { Deviation } from "../requirements/requirement.ts";

/** The answer for one NIC. `unknown`: nothing seen is wrong, but not everything could be seen. */
export type Answer = "works" | "broken" | "unknown";

export interface Verdict {
  readonly nic: string;
  readonly answer: Answer;
  /** The earliest thing that is wrong: the rest may follow from it. */
  readonly reason: Deviation | null;
  readonly deviations: readonly Deviation[];
}

/** One verdict per NIC. A NIC works when every requirement was seen to hold; warnings do not count against it. */
export function verdicts(evaluated: readonly NicDeviations[]): Verdict[] {
  return evaluated.map(({ nic, deviations }) => {
    const wrong = deviations.find((deviation) => deviation.severity === "error");
    const unseen = deviations.find((deviation) => deviation.severity === "unknown");
    const answer = wrong !== undefined ? "broken" : unseen !== undefined ? "unknown" : "works";
    return { nic: nic.name, answer, reason: wrong ?? unseen ?? null, deviations };
  });
}
