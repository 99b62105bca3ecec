import type { Host } from "../host/host.ts";
import type { HostState } from "../host/state.ts";

/** How often the host is looked at, in milliseconds. */
const interval = 250;

/** Observes the host until it is as `holds` asks. Ends without an error when the time is over. */
export async function waitFor(host: Host, seconds: number, holds: (state: HostState) => boolean): Promise<void> {
  const end = performance.now() + seconds * 1000;
  while (performance.now() < end) {
    if (holds(await host.observe())) return;
    await new Promise((resolve) => setTimeout(resolve, interval));
  }
}
