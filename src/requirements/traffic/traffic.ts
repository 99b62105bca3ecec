import type { Flows, FlowTally } from "../../host/ovs/flows.ts";
import { isUnknown, known, type Observed } from "../../host/state/observed.ts";
import type { HostState, PhysicalFunction } from "../../host/state/state.ts";
import { type TunnelWay, tunnelTypeOf, tunnelWay } from "./tunnels.ts";

/** Which of a NIC's flows are in hardware: evidence, from the flows that Open vSwitch's datapaths hold. */

export interface Count {
  readonly flows: number;
  readonly packets: number;
  readonly bytes: number;
}

/**
 * Flows by who carries them. `partial`: the NIC only helps. `software`: the kernel or ovs-vswitchd, though
 * the NIC could.
 * `exempt`: in software, rightly: broadcast and ARP, which are flooded; link-local protocols, which end here;
 * what ovs-vswitchd asked to see; packets that are dropped; a connection's first packets (linux mlx5
 * en/tc_ct.c: "matching on ct_state +new isn't supported"); and what comes from or goes to a port that is not
 * this NIC's, such as a bridge's own, a tap device, or a tunnel over another NIC.
 * `unknown`: it was not told, or in words that are not known.
 */
export interface Traffic {
  readonly hardware: Count;
  readonly partial: Count;
  readonly software: Count;
  readonly exempt: Count;
  readonly unknown: Count;
}

export type Carrier = keyof Traffic;

/**
 * Why flows are not in hardware. `software`: no reason is seen here; `slow-path`: ovs-vswitchd forwards each
 * packet; `elsewhere`: their tunnel leaves by another NIC than the spec says; `tunnel-unknown`: by which NIC
 * it leaves was not seen; `untold`: who carries them was not reported.
 */
export type OffenderReason = "software" | "slow-path" | "elsewhere" | "tunnel-unknown" | "untold";

export interface Offender extends FlowTally {
  readonly reason: OffenderReason;
  /** Where their tunnel leaves, for `elsewhere`. */
  readonly leaves?: string;
}

/**
 * A NIC's flows: those that come in by its bond, its ports or its tunnels, and, by representor, those of its
 * VFs.
 */
export interface NicTraffic {
  readonly uplinks: Traffic;
  readonly representors: Traffic;
  /**
   * By the netdev of the bond, port, tunnel or representor, where it has any: the flows that come in by it,
   * and those that go out of it.
   */
  readonly byPort: ReadonlyMap<string, { readonly in: Traffic; readonly out: Traffic }>;
  /**
   * Those in software that need not be, and those of which it is not known, the one with the most packets
   * first.
   */
  readonly offenders: readonly Offender[];
}

/** A NIC's ports, and the bond that they are in. `physnet` null: overlay networks are behind them. */
export interface Uplinks {
  readonly bond: string | null;
  readonly physnet?: string | null | undefined;
  readonly pfs: readonly PhysicalFunction[];
}

/** Null where there is no Open vSwitch, and so no flow. */
export function trafficOf(nic: Uplinks, state: HostState): Observed<NicTraffic | null> {
  const { flows } = state;
  if (flows === null || isUnknown(flows)) return flows;
  const { uplinks, representors } = placesOf(nic, state);
  const underlay = { names: uplinks, overlay: nic.physnet === null };
  const tunnels = new Map<string, TunnelWay>();
  for (const name of new Set(flows.tallies.flatMap(({ inPort, to }) => [inPort ?? "", ...to]))) {
    const type = tunnelTypeOf(name);
    if (type !== null) tunnels.set(name, tunnelWay(type, underlay, flows, state));
  }
  const own: Ports = {
    representors,
    tunnels,
    all: new Set([...uplinks, ...representors, ...tunnels.keys()]),
  };
  const ways = new Set([
    ...uplinks,
    ...[...tunnels].flatMap(([name, { kind }]) => (kind === "own" ? [name] : [])),
  ]);
  const byPort = new Map<string, { readonly in: Sums; readonly out: Sums }>();
  const place = (name: string) => {
    const there = byPort.get(name);
    if (there !== undefined || !(ways.has(name) || representors.has(name))) return there;
    const made = { in: emptySums(), out: emptySums() };
    byPort.set(name, made);
    return made;
  };
  const sums = { uplinks: emptySums(), representors: emptySums() };
  const offenders: Offender[] = [];
  for (const tally of flows.tallies) {
    const { carrier, ...offence } = carriedBy(tally, own, underlay.overlay);
    const inPort = tally.inPort ?? "";
    if (ways.has(inPort)) add(sums.uplinks, carrier, tally);
    if (representors.has(inPort)) add(sums.representors, carrier, tally);
    if (offence.reason !== undefined) offenders.push({ ...tally, ...offence, reason: offence.reason });
    add(place(inPort)?.in, carrier, tally);
    for (const name of tally.to) add(place(name)?.out, carrier, tally);
  }
  return { ...sums, byPort, offenders: offenders.sort((a, b) => b.packets - a.packets) };
}

/** Whether flows come in by a NIC's bond, its ports, its tunnels or its VFs: what `trafficOf` counts. */
export function seesFlows(nic: Uplinks, flows: Flows, state: HostState): boolean {
  const uplinks = uplinksOf(nic);
  const underlay = { names: uplinks, overlay: nic.physnet === null };
  const isRepresentor = (name: string) =>
    state.representors.some(({ netdev, pf }) => netdev === name && isOf(nic, pf));
  return flows.tallies.some(({ inPort }) => {
    if (inPort === null) return false;
    if (uplinks.has(inPort) || isRepresentor(inPort)) return true;
    const tunnel = tunnelTypeOf(inPort);
    return tunnel !== null && tunnelWay(tunnel, underlay, flows, state).kind === "own";
  });
}

/** The datapath's ports that stand for tunnels which leave by this NIC. */
export function tunnelsOf(nic: Uplinks, state: HostState): string[] {
  const names = known(trafficOf(nic, state))?.byPort.keys() ?? [];
  return [...names].filter((name) => tunnelTypeOf(name) !== null);
}

interface Ports {
  readonly representors: ReadonlySet<string>;
  readonly tunnels: ReadonlyMap<string, TunnelWay>;
  /** These, and the NIC's ports and bond. */
  readonly all: ReadonlySet<string>;
}

/** The netdevs by which packets come in. */
function placesOf(
  nic: Uplinks,
  state: HostState,
): { readonly uplinks: ReadonlySet<string>; readonly representors: ReadonlySet<string> } {
  const representors = new Set<string>();
  for (const { netdev, pf } of state.representors) if (isOf(nic, pf)) representors.add(netdev);
  return { uplinks: uplinksOf(nic), representors };
}

function uplinksOf({ bond, pfs }: Uplinks): ReadonlySet<string> {
  return new Set([...(bond === null ? [] : [bond]), ...pfs.flatMap(({ netdev }) => netdev ?? [])]);
}

function isOf({ pfs }: Uplinks, address: string): boolean {
  return pfs.some((pf) => pf.address === address);
}

/**
 * Who carries these flows. Source: openvswitch lib/dpctl.c, format_dpif_flow(): `offloaded:yes` for hardware,
 * `partial` where the datapath carries on with what the NIC has prepared, nothing for software.
 */
function carriedBy(
  tally: FlowTally,
  own: Ports,
  overlay: boolean,
): { readonly carrier: Carrier; readonly reason?: OffenderReason; readonly leaves?: string } {
  if (tally.offloaded === "yes") return { carrier: "hardware" };
  if (tally.offloaded === "partial") return { carrier: "partial" };
  const slow = isSlowPath(tally);
  const places = [tally.inPort ?? "", ...tally.to];
  const mine = (tally.kind === "traffic" || slow) && places.every((name) => own.all.has(name));
  if (tally.offloaded !== "no")
    return mine && !slow ? { carrier: "unknown", reason: "untold" } : { carrier: "unknown" };
  const exempt = { carrier: "exempt" } as const;
  if (!mine) return exempt;
  if (slow) return { carrier: "software", reason: "slow-path" };
  const ways = places.flatMap((name) => own.tunnels.get(name) ?? []);
  const elsewhere = ways.find((way) => way.kind === "elsewhere");
  // From a tunnel to a tunnel, or between the NIC's ports: no guest's on a VF.
  if (ways.length > 0 && !places.some((name) => own.representors.has(name))) return exempt;
  if (elsewhere !== undefined)
    return overlay ? { carrier: "software", reason: "elsewhere", leaves: elsewhere.netdev } : exempt;
  return {
    carrier: "software",
    reason: ways.some(({ kind }) => kind === "unknown") ? "tunnel-unknown" : "software",
  };
}

/** Older versions saved these as `userspace`; the example shows it unless it was cut off. */
function isSlowPath({ kind, example }: FlowTally): boolean {
  return kind === "slow-path" || (kind === "userspace" && /\bslow_path\((?:action|match)\b/.test(example));
}

const nothing: Count = { flows: 0, packets: 0, bytes: 0 };

/** No flow at all. */
export const noTraffic: Traffic = {
  hardware: nothing,
  partial: nothing,
  software: nothing,
  exempt: nothing,
  unknown: nothing,
};

type Sums = Record<Carrier, Count>;

function emptySums(): Sums {
  return { ...noTraffic };
}

function add(sums: Sums | undefined, carrier: Carrier, { flows, packets, bytes }: Count): void {
  if (sums === undefined) return;
  const so = sums[carrier];
  sums[carrier] = { flows: so.flows + flows, packets: so.packets + packets, bytes: so.bytes + bytes };
}
