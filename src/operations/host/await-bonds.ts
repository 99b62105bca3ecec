import type { Host } from "../../host/host.ts";
import type { HostState } from "../../host/state/state.ts";
import { isUnanswered } from "../../requirements/late/bond-links.ts";
import { lagMaster } from "../../requirements/late/lag-master.ts";
import type { NicSpec, Spec } from "../../spec/schema.ts";
import { resolvePorts } from "../../spec/selectors.ts";
import { waitFor } from "./wait-for.ts";

/**
 * Waits until every declared bond has its ports, a link, and with LACP a partner: network-online.target can
 * be reached seconds before. What does not come by itself (another mode, a port too many) is not waited for.
 * It ends without an error when the time is over: the requirements `bond` and `bond-links` then say what is
 * missing.
 */
export function awaitBonds(host: Host, spec: Spec, seconds: number, seen?: HostState): Promise<HostState> {
  return waitFor(
    host,
    seconds,
    (state) => spec.nics.every((nic) => nic.mode !== "vf-lag" || isReady(nic, state)),
    seen,
  );
}

function isReady(nic: NicSpec, state: HostState): boolean {
  const resolved = resolvePorts(nic, state);
  // Without its ports there is no bond to wait for; `awaitPorts` has waited for them.
  if ("problem" in resolved) return true;
  const bond = lagMaster(nic.bond, state);
  if (bond === undefined || isUnanswered(bond)) return false;
  return (
    resolved.pfs.every((pf) => bond.slaves.some(({ netdev }) => netdev === pf.netdev)) &&
    bond.slaves.some(({ up }) => up)
  );
}
