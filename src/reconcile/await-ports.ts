import type { Host } from "../host/host.ts";
import type { Spec } from "../spec/schema.ts";
import { type ResolvedPorts, resolvePorts } from "../spec/selectors.ts";

/** How often the host is looked at, in milliseconds. */
const interval = 250;

/**
 * Waits until every declared port is there, as at boot, when drivers are still probing and udev is still naming.
 * It ends without an error when the time is over: the requirement `ports` then says which one is missing.
 */
export async function awaitPorts(host: Host, spec: Spec, seconds: number): Promise<void> {
  const end = performance.now() + seconds * 1000;
  while (performance.now() < end) {
    const state = await host.observe();
    if (spec.nics.every((nic) => arePresent(resolvePorts(nic, state)))) return;
    await new Promise((resolve) => setTimeout(resolve, interval));
  }
}

/** A port is there when its driver has made its netdev. */
function arePresent(resolved: ResolvedPorts): boolean {
  return "pfs" in resolved && resolved.pfs.every((pf) => pf.netdev !== null);
}
