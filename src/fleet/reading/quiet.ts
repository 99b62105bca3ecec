import { isUnknown, known } from "../../host/state/observed.ts";
import type { HostState, Netdev, VirtualFunction } from "../../host/state/state.ts";

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
  return quiet(state, asObjects);
}

/**
 * The same for who only asks whether it is the same: there are many VFs and representors, and their values
 * alone are half as much to write and to read.
 */
export function valuesWithoutGuests(state: Omit<HostState, "observedAt">): QuietState {
  return quiet(state, asValues);
}

/** What is left of VFs and of representors' netdevs. */
interface Form {
  readonly vf: (vf: VirtualFunction) => object;
  readonly representor: (netdev: Netdev) => object;
}

/** That a VF has no driver at all is news, and not whether it is a guest's. */
const asObjects: Form = {
  vf: (vf) => ({
    ...vf,
    driver: vf.driver === null ? null : "bound",
    driverOverride: null,
    holders: null,
    settings: null,
  }),
  representor: (netdev) => ({ ...netdev, index: null, up: null, carrier: null, master: null }),
};

const asValues: Form = {
  vf: ({ index, address, vendor, product, driver, iommuGroup }) => {
    return [index, address, vendor, product, driver === null, iommuGroup];
  },
  representor: (netdev) => {
    const { name, altNames, mac, permanentMac, kind, mtu } = netdev;
    const { device, switchId, portName, tcOffload, channels, infiniband } = netdev;
    return [
      name,
      altNames,
      mac,
      permanentMac,
      kind,
      mtu,
      device,
      switchId,
      portName,
      tcOffload,
      channels,
      infiniband,
    ];
  },
};

function quiet(state: Omit<HostState, "observedAt">, form: Form): QuietState {
  const vfs = new Set<string>();
  for (const pf of state.pfs) for (const { address } of pf.vfs) vfs.add(address);
  const representors = new Set<string>();
  for (const { netdev } of state.representors) representors.add(netdev);
  const netdevs: object[] = [];
  for (const netdev of state.netdevs)
    if (representors.has(netdev.name)) netdevs.push(form.representor(netdev));
    else if (netdev.device === null || !vfs.has(netdev.device)) netdevs.push(netdev);
  const ovs = known(state.ovs);
  return {
    ...withoutCounters(state),
    guests: null,
    pfs: state.pfs.map((pf) => ({ ...pf, vfs: pf.vfs.map(form.vf) })),
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
}
