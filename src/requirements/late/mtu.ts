import { word } from "../../host/actions/command.ts";
import { known } from "../../host/state/observed.ts";
import type { Netdev, PhysicalFunction, VirtualFunction } from "../../host/state/state.ts";
import { netdevOf } from "../../spec/selectors.ts";
import { netdevsOf } from "../netdevs.ts";
import type { Finding, NicView, Requirement } from "../requirement.ts";
import { aboutPf, aboutVf, type Subject } from "../virtual-functions.ts";
import { lagMaster } from "./lag-master.ts";

/**
 * What a VXLAN or Geneve header over IPv4 adds to a guest's packet, without options: RFC 7348, 5; RFC 8926,
 * 3.
 */
const tunnelBytes = 50;

/** The MTUs of bond, ports, representors and VFs fit each other. */
export const mtu: Requirement = {
  id: "mtu",
  stage: "late",
  title: "the MTUs of bond, ports, representors and VFs fit each other",
  why:
    "Small packets pass, and larger ones are dropped without a message: connections open, and hang " +
    "with the first data.",
  observe: ["ip -br link; ip link show DEV (mtu)"],
  byHand: [
    "Set one MTU on bond and ports in the host's network configuration; Neutron's networks then at most " +
      "that, 50 less for tunnels.",
  ],
  references: [
    "https://docs.openstack.org/neutron/latest/admin/config-mtu.html",
    "linux drivers/net/bonding/bond_main.c, bond_change_mtu()",
  ],
  follows: ["ports", "eswitch-mode", "representors", "bond"],
  gate: false,
  check: (view) => [...portFindings(view), ...view.pfs.flatMap((pf) => vfFindings(pf, view))],
};

function portFindings({ nic, pfs, state }: NicView): Finding[] {
  const master = lagMaster(nic.bond, state);
  const bond = state.netdevs.find(({ name }) => name === master?.name);
  if (bond === undefined) return [];
  return pfs.flatMap((pf) => {
    const port = netdevOf(pf, state);
    if (port === undefined || port.master !== bond.name || port.mtu >= bond.mtu) return [];
    return [warning(aboutPf(pf), port, `MTU ${bond.mtu}, as ${bond.name}`, bond.mtu)];
  });
}

function vfFindings(pf: PhysicalFunction, view: NicView): Finding[] {
  const { nic, pfs, state } = view;
  const { named, on, representorOf } = netdevsOf(view);
  const port = netdevOf(pf, state);
  const uplink = named.get(nic.bond ?? "") ?? (pfs.length === 1 ? port : undefined);
  // Only what Open vSwitch has as a port carries packets of a guest.
  const plugged = new Set(
    known(state.ovs)?.bridges.flatMap(({ interfaces }) => interfaces.map(({ name }) => name)),
  );
  const findings: Finding[] = [];
  const compare = (vf: VirtualFunction, netdev?: Netdev, other?: Netdev, room = 0) => {
    if (netdev !== undefined && other !== undefined && netdev.mtu > other.mtu - room)
      findings.push(tooLarge(aboutVf(pf, vf), netdev, other, room));
  };
  for (const vf of pf.vfs) {
    const own = on.get(vf.address);
    const name = nic.mode === "sriov" ? undefined : representorOf(pf.address, vf);
    const representor = name !== undefined && plugged.has(name) ? named.get(name) : undefined;
    compare(vf, representor, uplink, nic.physnet === null ? tunnelBytes : 0);
    compare(vf, own, representor);
    compare(vf, own, port);
  }
  return findings;
}

function tooLarge(about: Subject, netdev: Netdev, other: Netdev, room: number): Finding {
  return warning(
    about,
    netdev,
    `MTU ${other.mtu - room} at most, for ${other.name}${forTunnel(room)}`,
    other.mtu - room,
  );
}

function forTunnel(room: number): string {
  return room === 0 ? "" : `, which needs ${room} bytes for the tunnel`;
}

function warning(about: Subject, netdev: Netdev, expected: string, wanted: number): Finding {
  const text =
    `ip link set ${word(netdev.name)} mtu ${wanted}, and the same in the network configuration ` +
    `(or the Neutron network) that sets it`;
  return {
    ...about,
    expected,
    actual: `${netdev.name} has MTU ${netdev.mtu}`,
    severity: "warning",
    remedy: { kind: "person", text },
  };
}
