import type { Host } from "../../host/host.ts";
import type { HostState } from "../../host/state/state.ts";
import type { Spec } from "../../spec/schema.ts";
import { type ResolvedPorts, resolvePorts } from "../../spec/selectors.ts";
import { waitFor } from "./wait-for.ts";

/**
 * Waits until every declared port is there, as at boot, when drivers are still probing and udev is still
 * naming. It ends without an error when the time is over: the requirement `ports` then says which one is
 * missing.
 */
export function awaitPorts(host: Host, spec: Spec, seconds: number): Promise<HostState> {
  return waitFor(host, seconds, (state) => spec.nics.every((nic) => arePresent(resolvePorts(nic, state))));
}

/** A port is there when its driver has made its netdev. */
function arePresent(resolved: ResolvedPorts): boolean {
  return "pfs" in resolved && resolved.pfs.every((pf) => pf.netdev !== null);
}
