import { isUnknown, known } from "../../host/state/observed.ts";
import type { HostState, VirtualFunction } from "../../host/state/state.ts";

/** A state without what always moves. `null` stands where it was. */
export type QuietState = Readonly<Record<string, unknown>>;

/**
 * A state without what changes while nothing happens: its time, counters of flows, lines of logs. What these
 * mean is in the verdict.
 */
export function withoutCounters(state: Omit<HostState, "observedAt">): QuietState {
  return { ...state, observedAt: null, flows: null, kernelLog: null, ovsLog: null };
}

/**
 * The same without the guests, who come and go all day: who has a VF, what was set on it for him, the VF's
 * netdev, which vanishes with that, the representor's link and its place in a bridge.
 */
export function withoutGuests(state: Omit<HostState, "observedAt">): QuietState {
  const vfs = new Set<string>();
  for (const pf of state.pfs) for (const { address } of pf.vfs) vfs.add(address);
  const representors = new Set<string>();
  for (const { netdev } of state.representors) representors.add(netdev);
  const netdevs: object[] = [];
  for (const netdev of state.netdevs)
    if (representors.has(netdev.name))
      netdevs.push({ ...netdev, index: null, up: null, carrier: null, master: null });
    else if (netdev.device === null || !vfs.has(netdev.device)) netdevs.push(netdev);
  const ovs = known(state.ovs);
  const quiet = {
    guests: null,
    pfs: state.pfs.map((pf) => ({ ...pf, vfs: pf.vfs.map(quietVf) })),
    netdevs,
    ovs:
      ovs == null
        ? state.ovs
        : {
            ...ovs,
            bridges: ovs.bridges.map((bridge) => ({
              ...bridge,
              interfaces: bridge.interfaces.filter(({ name }) => !representors.has(name)),
            })),
          },
    ingressQdiscs: isUnknown(state.ingressQdiscs)
      ? state.ingressQdiscs
      : state.ingressQdiscs.filter(({ netdev }) => !representors.has(netdev)),
  };
  return { ...withoutCounters(state), ...quiet };
}

/** That a VF has no driver at all is news, and not whether it is a guest's. */
function quietVf(vf: VirtualFunction): object {
  return {
    ...vf,
    driver: vf.driver === null ? null : "bound",
    driverOverride: null,
    holders: null,
    settings: null,
  };
}
