import type { History } from "../history/history.ts";
import { ahead, type Reader } from "../reading/reader.ts";
import { type HostPlan, notPlanned } from "./host-plan.ts";
import { judgedAll, notAgain } from "./judge.ts";

export interface FleetPlan {
  /** Hosts where something is to be done, or left to do. */
  readonly hosts: readonly HostPlan[];
  /** Hosts where nothing is. */
  readonly nothing: number;
  /** Hosts of which no state is known. */
  readonly unknown: readonly string[];
  readonly reboot: readonly string[];
  /**
   * One host after the other, and all at once: in seconds, without the time that a host takes to reboot and
   * networking to come up.
   */
  readonly seconds: { readonly oneByOne: number; readonly atOnce: number };
}

/** Rehearses every host. @param only hosts of these names, null for all */
export async function planFleet(
  history: History,
  reader: Reader,
  only: ReadonlySet<string> | null,
  allowed: { readonly restartOvs?: boolean },
): Promise<FleetPlan> {
  const hosts: HostPlan[] = [];
  const wanted = history.known().filter(({ host }) => only === null || only.has(host));
  const judged = await judgedAll(history, reader, wanted);
  const unknown = judged.flatMap(({ host, observation }) => (observation === null ? [host] : []));
  const observed = judged.flatMap(({ observation }) => observation ?? []);
  const toPlan = observed.filter(({ outcome }) => !outcome.clean);
  const restartOvs = allowed.restartOvs === true;
  const start = notAgain(history, "plan", async (observation) =>
    reader.run({ kind: "plan", stored: history.stored(observation), restartOvs }),
  );
  for await (const [{ host, at }, plan] of ahead(toPlan, 16, start)) {
    if (plan === null) continue;
    hosts.push("refused" in plan ? notPlanned(host, at, plan.refused) : plan);
  }
  return {
    hosts,
    nothing: observed.length - hosts.length,
    unknown,
    reboot: hosts.filter(({ reboot }) => reboot).map(({ host }) => host),
    seconds: {
      oneByOne: hosts.reduce((sum, { seconds }) => sum + seconds, 0),
      atOnce: hosts.reduce((most, { seconds }) => Math.max(most, seconds), 0),
    },
  };
}
