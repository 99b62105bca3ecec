import type { HostState } from "../../host/state/state.ts";
import { FleetError } from "../error.ts";
import type { History } from "../history/history.ts";

/** The last state of each of these hosts that the database has. */
export function lastStates(
  history: History,
  hosts: ReadonlySet<string>,
): Map<string, HostState | { readonly problem: string }> {
  const found = new Map<string, HostState | { readonly problem: string }>();
  for (const { host, observation } of history.known())
    if (observation !== null && hosts.has(host))
      found.set(
        host,
        attempt(() => history.state(observation)),
      );
  return found;
}

function attempt<T>(read: () => T): T | { readonly problem: string } {
  try {
    return read();
  } catch (error) {
    if (error instanceof FleetError) return { problem: error.message };
    throw error;
  }
}
