import type { Flows, Tunnel } from "../../host/ovs/flows.ts";
import { isUnknown, known } from "../../host/state/observed.ts";
import type { HostState } from "../../host/state/state.ts";

/**
 * Whose the packets of Open vSwitch's tunnels are: a NIC's own where they leave by it, and then it can
 * encapsulate them itself.
 */

/**
 * `own`: the tunnels leave by this NIC; `elsewhere`: by `netdev`, and no NIC encapsulates for another;
 * `unknown`: it was not seen, or leads to nothing that can be named.
 */
export type TunnelWay =
  | { readonly kind: "own" | "unknown" }
  | { readonly kind: "elsewhere"; readonly netdev: string };

/**
 * A NIC's ports by their netdevs, its bond, and whether the spec says that overlay networks are behind them.
 */
export interface Underlay {
  readonly names: ReadonlySet<string>;
  readonly overlay: boolean;
}

const systemDevice = /^(vxlan|genev|gre)_sys(?:_\d+)?$/;

/**
 * The kind of tunnel that a port of the datapath stands for: all of one kind and UDP port share a device.
 * Source: openvswitch lib/netdev-vport.c, netdev_vport_tunnel_register(): genev_sys, gre_sys, vxlan_sys, with
 * the UDP port.
 */
export function tunnelTypeOf(port: string): Tunnel["type"] | null {
  const name = systemDevice.exec(port)?.[1];
  return name === undefined ? null : name === "genev" ? "geneve" : name === "gre" ? "gre" : "vxlan";
}

/** By which way the tunnels of this kind leave. */
export function tunnelWay(type: Tunnel["type"], nic: Underlay, flows: Flows, state: HostState): TunnelWay {
  const found = (known(flows.tunnels) ?? []).filter((tunnel) => tunnel.type === type);
  const ways = found.map(({ via }) => wayOf(via, nic, state));
  if (ways.some(({ kind }) => kind === "own")) return { kind: "own" };
  const elsewhere = ways.find(({ kind }) => kind === "elsewhere");
  const allSeen =
    !isUnknown(flows.tunnels) && found.length > 0 && ways.every(({ kind }) => kind === "elsewhere");
  if (allSeen && elsewhere !== undefined) return elsewhere;
  return { kind: nic.overlay ? "own" : "unknown" };
}

function wayOf(via: readonly string[], { names }: Underlay, state: HostState): TunnelWay {
  const reached = new Set(via.flatMap((name) => [name, ...membersOf(name, state)]));
  if ([...reached].some((name) => names.has(name))) return { kind: "own" };
  const hardware = [...reached].find(
    (name) =>
      state.netdevs.some((netdev) => netdev.name === name && netdev.device !== null) ||
      state.bonds.some((bond) => bond.name === name),
  );
  return hardware === undefined ? { kind: "unknown" } : { kind: "elsewhere", netdev: hardware };
}

/** What is in a Linux bridge, or in the bridge of Open vSwitch that an internal port belongs to. */
function membersOf(name: string, { netdevs, ovs }: HostState): string[] {
  const bridges = (known(ovs)?.bridges ?? []).filter(({ interfaces }) =>
    interfaces.some((port) => port.name === name && port.type === "internal"),
  );
  const inBridges = bridges.flatMap(({ interfaces }) => interfaces.map((port) => port.name));
  return [...inBridges, ...netdevs.flatMap((netdev) => (netdev.master === name ? [netdev.name] : []))];
}
