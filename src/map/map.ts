import { cardsOf } from "../host/cards.ts";
import type { Guest } from "../host/state/guests.ts";
import { isUnknown, known } from "../host/state/observed.ts";
import type { HostState, Lag, PhysicalFunction, VirtualFunction } from "../host/state/state.ts";
import { type NicTraffic, noTraffic, trafficOf } from "../requirements/traffic/traffic.ts";
import type { NicSpec, Spec } from "../spec/schema.ts";
import { resolvePorts } from "../spec/selectors.ts";
import type { HostMap, MapBridgePort, MapFlows, MapNic, MapPort, MapVf } from "./schema.ts";

/**
 * Who is who: NIC, port, VF, representor, bridge port, guest, and the flows between them.
 * @param spec what is declared; null maps every SR-IOV capable card under its address
 */
export function mapOf(spec: Spec | null, state: HostState): HostMap {
  const guests = guestsByVf(known(state.guests) ?? []);
  return {
    schema: "vflag/map/1",
    hostname: state.hostname,
    kernel: state.kernel,
    observedAt: state.observedAt,
    nics: found(spec, state).map((nic) =>
      "problem" in nic ? missing(nic.nic, nic.problem) : nicOf(nic, state, guests),
    ),
    notes: notesOf(state),
  };
}

/** The same map with only the NICs of this name; null where there is none. */
export function onlyNic(map: HostMap, name: string): HostMap | null {
  const nics = map.nics.filter((nic) => nic.name === name);
  return nics.length === 0 ? null : { ...map, nics };
}

interface Found {
  readonly name: string;
  readonly declared: NicSpec | null;
  readonly pfs: readonly PhysicalFunction[];
  /** The bond that the spec speaks of, or that its ports are in. */
  readonly bond: string | null;
}

function found(
  spec: Spec | null,
  state: HostState,
): (Found | { readonly nic: NicSpec; readonly problem: string })[] {
  const bondOf = (pfs: readonly PhysicalFunction[]) => {
    const slave = (name: string | null) =>
      state.bonds.find(({ slaves }) => slaves.some(({ netdev }) => netdev === name))?.name;
    return pfs.map(({ netdev }) => slave(netdev)).find((name) => name !== undefined) ?? null;
  };
  if (spec !== null)
    return spec.nics.map((nic) => {
      const resolved = resolvePorts(nic, state);
      if ("problem" in resolved) return { nic, problem: resolved.problem };
      return { name: nic.name, declared: nic, pfs: resolved.pfs, bond: nic.bond ?? bondOf(resolved.pfs) };
    });
  const cardOf = cardsOf(state);
  const cards = Map.groupBy(
    state.pfs.toSorted((a, b) => (a.address < b.address ? -1 : 1)),
    ({ address }) => cardOf(address),
  );
  return [...cards].map(([name, pfs]) => ({ name, declared: null, pfs, bond: bondOf(pfs) }));
}

function missing(nic: NicSpec, problem: string): MapNic {
  return {
    name: nic.name,
    mode: nic.mode,
    physnet: nic.physnet ?? null,
    problem,
    lag: null,
    bond: null,
    ports: [],
  };
}

function nicOf(
  { name, declared, pfs, bond }: Found,
  state: HostState,
  guests: ReadonlyMap<string, readonly Guest[]>,
): MapNic {
  const seen = trafficOf({ bond, pfs }, state);
  const traffic = isUnknown(seen) ? null : seen;
  const lag = pfs.map((pf) => pf.lag).find((candidate) => !isUnknown(candidate)) ?? pfs[0]?.lag ?? null;
  const made = state.bonds.find((candidate) => candidate.name === bond);
  return {
    name,
    mode: declared?.mode ?? null,
    physnet: declared?.physnet ?? null,
    problem: null,
    lag: lag === null || isUnknown(lag) ? lag : { state: lag.state, type: lag.type },
    bond:
      made === undefined
        ? null
        : {
            name: made.name,
            mode: made.mode,
            up: made.up,
            slaves: made.slaves.map(({ netdev, up }) => ({ netdev, up })),
            bridgePort: bridgePortOf(made.name, state),
            flows: flowsOf(made.name, traffic),
          },
    ports: pfs.map((pf) => portOf(pf, state, guests, traffic)),
  };
}

function portOf(
  pf: PhysicalFunction,
  state: HostState,
  guests: ReadonlyMap<string, readonly Guest[]>,
  traffic: NicTraffic | null,
): MapPort {
  const netdev = state.netdevs.find(({ name }) => name === pf.netdev);
  return {
    address: pf.address,
    netdev: pf.netdev,
    model: pf.model,
    up: netdev?.up ?? false,
    carrier: netdev?.carrier ?? false,
    eswitch: isUnknown(pf.eswitch) ? pf.eswitch : (pf.eswitch?.mode ?? null),
    lag: lagPortOf(pf, known(pf.lag) ?? null),
    bridgePort: pf.netdev === null ? null : bridgePortOf(pf.netdev, state),
    flows: pf.netdev === null ? null : flowsOf(pf.netdev, traffic),
    vfs: pf.vfs.map((vf) => vfOf(pf, vf, state, guests.get(vf.address) ?? [], traffic)),
  };
}

function vfOf(
  pf: PhysicalFunction,
  vf: VirtualFunction,
  state: HostState,
  guests: readonly Guest[],
  traffic: NicTraffic | null,
): MapVf {
  const name = state.representors.find(
    (candidate) => candidate.pf === pf.address && candidate.vf === vf.index,
  )?.netdev;
  const netdev = state.netdevs.find((candidate) => candidate.name === name);
  return {
    index: vf.index,
    address: vf.address,
    driver: vf.driver,
    netdev: state.netdevs.find((candidate) => candidate.device === vf.address)?.name ?? null,
    mac: known(vf.settings)?.mac ?? null,
    representor:
      name === undefined
        ? null
        : {
            netdev: name,
            up: netdev?.up ?? false,
            bridgePort: bridgePortOf(name, state),
            flows: flowsOf(name, traffic),
          },
    guests: [...guests],
    holders: vf.holders,
  };
}

/**
 * A port's number in the LAG, and by which numbers its VFs' packets leave. `mapping` is `1:1`, `2:2` where
 * each port has its way, and the active ports' numbers where a hash decides. Source: linux mlx5
 * core/lag/debugfs.c, mapping_show().
 */
function lagPortOf({ address }: PhysicalFunction, lag: Lag | null): MapPort["lag"] {
  const at = lag?.members.indexOf(address) ?? -1;
  if (lag?.state !== "active" || at < 0) return null;
  const leavesBy = lag.mapping.flatMap((line) => {
    const [, from, to] = /^(?:(\d+):)?([1-9]\d*)$/.exec(line) ?? [];
    return to !== undefined && (from === undefined || Number(from) === at + 1) ? [Number(to)] : [];
  });
  return { port: at + 1, leavesBy };
}

function bridgePortOf(name: string, { ovs }: HostState): MapBridgePort | null {
  for (const { name: bridge, interfaces } of known(ovs)?.bridges ?? []) {
    const place = interfaces.find((candidate) => candidate.name === name);
    if (place !== undefined) {
      const { port, ofport, ifaceId, error } = place;
      return { bridge, port, ofport, ifaceId, error };
    }
  }
  return null;
}

function flowsOf(name: string, traffic: NicTraffic | null): MapFlows | null {
  if (traffic === null) return null;
  return traffic.byPort.get(name) ?? { in: noTraffic, out: noTraffic };
}

function guestsByVf(guests: readonly Guest[]): ReadonlyMap<string, readonly Guest[]> {
  const found = new Map<string, Guest[]>();
  for (const guest of guests) for (const vf of guest.vfs) found.set(vf, [...(found.get(vf) ?? []), guest]);
  return found;
}

/** What the map does not show, because it could not be seen. */
function notesOf({ guests, flows, ovs }: HostState): string[] {
  return [
    ...(isUnknown(guests) ? [`guests: ${guests.unknown}`] : []),
    ...(isUnknown(ovs) ? [`Open vSwitch: ${ovs.unknown}`] : []),
    // Without Open vSwitch there is nobody to tell of flows.
    ...(isUnknown(flows) && !isUnknown(ovs) ? [`flows: ${flows.unknown}`] : []),
    ...(flows !== null && !isUnknown(flows) && flows.cut !== null
      ? [`flows: not all of them: ${flows.cut}`]
      : []),
    ...(flows !== null && !isUnknown(flows) && flows.notUnderstood > 0
      ? [`flows: ${flows.notUnderstood} lines of Open vSwitch's list are not understood`]
      : []),
  ];
}
