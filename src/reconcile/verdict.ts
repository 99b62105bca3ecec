import type { HostState } from "../host/state.ts";
import { evaluate, evaluateHost } from "../requirements/evaluate.ts";
import type { Deviation, Stage } from "../requirements/requirement.ts";
import { stages as allStages } from "../requirements/stages.ts";
import type { Spec } from "../spec/schema.ts";

/** The answer for one NIC. `unknown`: nothing seen is wrong, but not everything could be seen. */
export type Answer = "works" | "broken" | "unknown";

export interface Verdict {
  readonly nic: string;
  readonly answer: Answer;
  /** The earliest thing that is wrong: the rest may follow from it. */
  readonly reason: Deviation | null;
  /** Its own, and those of the host that concern it, in the order of the stages. */
  readonly deviations: readonly Deviation[];
}

/** One verdict per NIC. A NIC works when every requirement was seen to hold; warnings do not count against it. */
export function verdicts(spec: Spec, state: HostState, stages: readonly Stage[] = allStages): Verdict[] {
  const host = evaluateHost(spec, state, stages);
  return evaluate(spec, state, stages).map(({ nic, deviations: own }) => {
    const around = host.filter((deviation) => deviation.nics?.includes(nic.name) ?? true);
    const deviations = stages.flatMap((stage) => [...around, ...own].filter((deviation) => deviation.stage === stage));
    const wrong = deviations.find((deviation) => deviation.severity === "error");
    const unseen = deviations.find((deviation) => deviation.severity === "unknown");
    const answer = wrong !== undefined ? "broken" : unseen !== undefined ? "unknown" : "works";
    return { nic: nic.name, answer, reason: wrong ?? unseen ?? null, deviations };
  });
}
