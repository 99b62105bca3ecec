import type { HostState, Netdev, PhysicalFunction } from "../host/state/state.ts";
import { describeSelector } from "./combinations.ts";
import type { NicSpec, PortSelector } from "./schema.ts";

/** A NIC's ports as found on a host, in the order of their PCI functions; or why they could not be told. */
export type ResolvedPorts = { readonly pfs: readonly PhysicalFunction[] } | { readonly problem: string };

/** What of a host's state tells its ports. */
type Ports = Pick<HostState, "pfs" | "netdevs">;

/** Finds the PFs that a NIC's selectors mean. The message of a failure says what was seen instead. */
export function resolvePorts(nic: NicSpec, state: Ports): ResolvedPorts {
  const found = new Map<string, PhysicalFunction>();
  for (const selector of nic.ports) {
    const matches = portsBy(selector, state);
    if (matches.length === 0) {
      return {
        problem: `${describeSelector(selector)} matches no port; this host has ${describePorts(state.pfs)}`,
      };
    }
    for (const pf of matches) found.set(pf.address, pf);
  }
  const pfs = [...found.values()].sort((a, b) => (a.address < b.address ? -1 : 1));
  if (nic.mode === "vf-lag" && pfs.length !== 2) {
    const selectors = nic.ports.map(describeSelector).join(", ");
    return {
      problem: `vf-lag needs two ports, and ${selectors} matches ${pfs.length}: ${describePorts(pfs)}`,
    };
  }
  return { pfs };
}

/** By PF: the name by which the spec means it, for ports that it names. */
export function declaredNames(nic: NicSpec, state: Ports): ReadonlyMap<string, string> {
  const names = nic.ports.flatMap((selector) => (typeof selector === "string" ? [selector] : []));
  return new Map(names.flatMap((name) => portsBy(name, state).map((pf) => [pf.address, name])));
}

/** The netdev of a PF (its uplink representor in switchdev mode), if the host has one. */
export function netdevOf(pf: PhysicalFunction, state: Ports): Netdev | undefined {
  return pf.netdev === null ? undefined : state.netdevs.find((netdev) => netdev.name === pf.netdev);
}

/** A port that has the name now goes before one that had it before its eSwitch went to switchdev. */
function portsBy(selector: PortSelector, state: Ports): PhysicalFunction[] {
  const matches = state.pfs.filter((pf) => selects(selector, pf, state));
  if (typeof selector !== "string" || matches.length < 2) return matches;
  return matches.filter((pf) => pf.netdev === selector || netdevOf(pf, state)?.altNames.includes(selector));
}

function selects(selector: PortSelector, pf: PhysicalFunction, state: Ports): boolean {
  const netdev = netdevOf(pf, state);
  if (typeof selector === "string") return netdev !== undefined && namesNetdev(selector, netdev);
  if ("address" in selector) return matchesParts(selector.address.toLowerCase(), pf.address);
  if ("mac" in selector) {
    // Bonding gives all slaves one address: a port is known by the one that it was made with.
    const mac = netdev?.permanentMac ?? netdev?.mac;
    return mac != null && matchesMac(selector.mac.toLowerCase(), mac);
  }
  const product = selector.product?.toLowerCase() ?? pf.product;
  return selector.vendor.toLowerCase() === pf.vendor && product === pf.product;
}

/**
 * A PF's netdev can be renamed when its eSwitch goes to switchdev, because then it has a port name: systemd's
 * udev appends `n<phys_port_name>` (systemd.net-naming-scheme(7)). The declared name goes on to mean the same
 * port.
 */
function namesNetdev(name: string, netdev: Netdev): boolean {
  if (netdev.name === name || netdev.altNames.includes(name)) return true;
  return netdev.portName !== null && netdev.name === `${name}n${netdev.portName}`;
}

function matchesParts(pattern: string, address: string): boolean {
  const wanted = pattern.split(/[:.]/);
  return address.split(/[:.]/).every((part, index) => wanted[index] === "*" || wanted[index] === part);
}

function matchesMac(pattern: string, mac: string): boolean {
  return pattern.endsWith("*") ? mac.startsWith(pattern.slice(0, -1)) : mac === pattern;
}

function describePorts(pfs: readonly PhysicalFunction[]): string {
  if (pfs.length === 0) return "no SR-IOV capable port";
  return pfs
    .map((pf) => `${pf.netdev ?? "(no netdev)"} (${pf.address}, ${pf.model ?? `${pf.vendor}:${pf.product}`})`)
    .join(", ");
}
