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
  const carried = flows.tallies.map((tally) => ({ tally, carrier: carrierOf(tally, own) }));
  const inBy = (names: ReadonlySet<string>) => carried.filter(({ tally }) => names.has(tally.inPort ?? ""));
  const byPort = [...own].map((name) => {
    const out = carried.filter(({ tally }) => tally.to.includes(name));
    return [name, { in: sum(inBy(new Set([name]))), out: sum(out) }] as const;
  });
  return {
    uplinks: sum(inBy(uplinks)),
    representors: sum(inBy(representors)),
    byPort: new Map(byPort),
    offenders: inBy(own)
      .filter(({ carrier }) => carrier === "software")
      .map(({ tally }) => tally)
      .toSorted((a, b) => b.packets - a.packets),
  };
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

function sum(carried: readonly { readonly tally: FlowTally; readonly carrier: Carrier }[]): Traffic {
  const sums: Record<Carrier, Count> = { ...noTraffic };
  for (const { tally, carrier } of carried) {
    const { flows, packets, bytes } = sums[carrier];
    sums[carrier] = { flows: flows + tally.flows, packets: packets + tally.packets, bytes: bytes + tally.bytes };
  }
  return sums;
}
