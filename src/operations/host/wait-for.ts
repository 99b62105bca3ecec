import { setTimeout as sleep } from "node:timers/promises";
import type { Host } from "../../host/host.ts";
import type { HostState } from "../../host/state/state.ts";

/** How often the host is looked at, in milliseconds. */
const interval = 250;

/** Observes the host until it is as `holds` asks, or the time is over, and returns what it saw last. */
export async function waitFor(
  host: Host,
  seconds: number,
  holds: (state: HostState) => boolean,
  seen?: HostState,
): Promise<HostState> {
  const end = performance.now() + seconds * 1000;
  for (let state = seen ?? (await host.observe()); ; state = await host.observe()) {
    const left = end - performance.now();
    if (holds(state) || left <= 0) return state;
    await sleep(Math.min(interval, left));
  }
}
