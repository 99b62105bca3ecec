import type { History, Known, Observation } from "../history/history.ts";
import { notJudged } from "../reading/prepare.ts";
import { ahead, type Reader, type Refused } from "../reading/reader.ts";

/** Verdicts of another version of vflag, made again by this one. @param all those of this version too */
export async function judgedAll(
  history: History,
  reader: Reader,
  known: readonly Known[],
  all = false,
): Promise<Known[]> {
  const judged = new Map<number, Observation>();
  const old = known.flatMap(({ observation }) =>
    observation !== null && (all || !history.judges(observation)) ? [observation] : [],
  );
  const start = async (observation: Observation) => {
    const stored = history.stored(observation);
    const result = await reader.run({ kind: "judge", stored });
    return "refused" in result ? notJudged(result.refused, stored.text) : result;
  };
  for await (const [observation, result] of ahead(old, 32, start))
    judged.set(observation.id, history.judge(observation, result));
  return known.map((each) => ({
    ...each,
    observation: each.observation && (judged.get(each.observation.id) ?? each.observation),
  }));
}

/**
 * What took more time or memory than a host may is put aside with its reason, and not tried again for that
 * observation by this version of vflag.
 */
export function notAgain<R>(
  history: History,
  job: "plan" | "map" | "changes",
  start: (observation: Observation) => Promise<R | Refused>,
): (observation: Observation) => Promise<R | Refused> {
  return async (observation) => {
    const before = history.aside(observation, job);
    if (before !== null) return { refused: before };
    const result = await start(observation);
    if (typeof result === "object" && result !== null && "refused" in result)
      history.putAside(observation, job, result.refused);
    return result;
  };
}
