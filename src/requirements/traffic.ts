import type { FlowTally } from "../host/flows.ts";
import { isUnknown, type Observed } from "../host/observed.ts";
import type { HostState, PhysicalFunction } from "../host/state.ts";

/** Which of a NIC's flows are in hardware: evidence, from the flows that Open vSwitch's datapaths hold. */

export interface Count {
  readonly flows: number;
  readonly packets: number;
  readonly bytes: number;
}

/**
 * Flows by who carries them. `partial`: the NIC only helps. `software`: the kernel or ovs-vswitchd, though the NIC could.
 * `exempt`: in software, rightly: see `isExempt`. `unknown`: it was not told, or in words that are not known.
 */
export interface Traffic {
  readonly hardware: Count;
  readonly partial: Count;
  readonly software: Count;
  readonly exempt: Count;
  readonly unknown: Count;
}

export type Carrier = keyof Traffic;

/** A NIC's flows: those that come in by its bond or its ports, and, by representor, those of its VFs. */
export interface NicTraffic {
  readonly uplinks: Traffic;
  readonly representors: Traffic;
  /** By the netdev of the bond, port or representor: the flows that come in by it, and those that go out of it. */
  readonly byPort: ReadonlyMap<string, { readonly in: Traffic; readonly out: Traffic }>;
  /** Those in software that need not be, the one with the most packets first. */
  readonly offenders: readonly FlowTally[];
}

/** A NIC's ports, and the bond that they are in. */
export interface Uplinks {
  readonly bond: string | null;
  readonly pfs: readonly PhysicalFunction[];
}

/** Null where there is no Open vSwitch, and so no flow. */
export function trafficOf(nic: Uplinks, state: HostState): Observed<NicTraffic | null> {
  const { flows } = state;
  if (flows === null || isUnknown(flows)) return flows;
  const { uplinks, representors } = placesOf(nic, state);
  const own = new Set([...uplinks, ...representors]);
  const byPort = new Map([...own].map((name) => [name, { in: emptySums(), out: emptySums() }]));
  const sums = { uplinks: emptySums(), representors: emptySums() };
  const offenders: FlowTally[] = [];
  for (const tally of flows.tallies) {
    const carrier = carrierOf(tally, own);
    const inPort = tally.inPort ?? "";
    if (uplinks.has(inPort)) add(sums.uplinks, carrier, tally);
    if (representors.has(inPort)) add(sums.representors, carrier, tally);
    if (carrier === "software") offenders.push(tally);
    add(byPort.get(inPort)?.in, carrier, tally);
    for (const name of tally.to) add(byPort.get(name)?.out, carrier, tally);
  }
  return { ...sums, byPort, offenders: offenders.sort((a, b) => b.packets - a.packets) };
}

/** The netdevs by which packets come in. */
function placesOf(
  { bond, pfs }: Uplinks,
  state: HostState,
): { readonly uplinks: ReadonlySet<string>; readonly representors: ReadonlySet<string> } {
  const addresses = new Set<string>(pfs.map(({ address }) => address));
  const representors = state.representors.filter(({ pf }) => addresses.has(pf)).map(({ netdev }) => netdev);
  const uplinks = [...(bond === null ? [] : [bond]), ...pfs.flatMap(({ netdev }) => netdev ?? [])];
  return { uplinks: new Set(uplinks), representors: new Set(representors) };
}

/**
 * Who carries these flows. Source: openvswitch lib/dpctl.c, format_dpif_flow(): `offloaded:yes` for hardware, `partial` where the
 * datapath carries on with what the NIC has prepared, nothing for software.
 */
function carrierOf(tally: FlowTally, own: ReadonlySet<string>): Carrier {
  if (tally.offloaded === "yes") return "hardware";
  if (tally.offloaded === "partial") return "partial";
  if (tally.offloaded !== "no") return "unknown";
  return isExempt(tally, own) ? "exempt" : "software";
}

/**
 * Software is where these belong: broadcast and ARP, which are flooded; link-local protocols, which end here; what ovs-vswitchd asked to
 * see; packets that are dropped; a connection's first packets (linux mlx5 en/tc_ct.c: "matching on ct_state +new isn't supported"); and
 * what comes from or goes to a port that is not this NIC's, such as a bridge's own, a tap device or a tunnel.
 */
function isExempt({ kind, inPort, to }: FlowTally, own: ReadonlySet<string>): boolean {
  return kind !== "traffic" || inPort === null || ![inPort, ...to].every((name) => own.has(name));
}

const nothing: Count = { flows: 0, packets: 0, bytes: 0 };

/** No flow at all. */
export const noTraffic: Traffic = { hardware: nothing, partial: nothing, software: nothing, exempt: nothing, unknown: nothing };

type Sums = Record<Carrier, Count>;

function emptySums(): Sums {
  return { ...noTraffic };
}

function add(sums: Sums | undefined, carrier: Carrier, { flows, packets, bytes }: Count): void {
  if (sums === undefined) return;
  const so = sums[carrier];
  sums[carrier] = { flows: so.flows + flows, packets: so.packets + packets, bytes: so.bytes + bytes };
}
