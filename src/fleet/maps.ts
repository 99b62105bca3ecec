import { mapOf } from "../report/map.ts";
import type { HostMap } from "../report/map-schema.ts";
import type { History, Known } from "./history.ts";

/** The map of every host whose state is known, one at a time: all of them together are too much to hold. */
export function* fleetMaps(history: History, known: readonly Known[]): Generator<{ readonly host: string; readonly map: HostMap }> {
  for (const { host, observation } of known) {
    if (observation === null) continue;
    const spec = history.spec(observation);
    yield { host, map: mapOf("problem" in spec ? null : spec, history.state(observation)) };
  }
}
