import type { FlowTally } from "../../ovs/flows.ts";
import type { Ovs } from "../../ovs/ovs.ts";
import type { Guest } from "../../state/guests.ts";
import { isUnknown, known } from "../../state/observed.ts";
import type { HostState, PhysicalFunction, VirtualFunction } from "../../state/state.ts";
import { detachDriver } from "../card/drivers.ts";
import { refuseLagToCome } from "../card/lag.ts";
import { has, type World } from "../world.ts";

/** Virtual machines on a simulated host, and what Open vSwitch carries for them. */

/**
 * Nova starts a virtual machine on the first free VF of each port: libvirt gives it the VF by vfio-pci,
 * os-vif puts the representor into br-int, and it talks to the world from then on.
 */
export function startGuests(world: World): string[] {
  const started: string[] = [];
  for (const pf of world.state.pfs) {
    const vf = pf.vfs.find(
      ({ driver, holders }) => driver !== null && !isUnknown(holders) && holders.length === 0,
    );
    if (vf === undefined) continue;
    started.push(giveToGuest(world, pf, vf).name);
    plugRepresentor(world, pf, vf);
  }
  if (started.length > 0) world.hidden.traffic = true;
  return started;
}

/** A new virtual machine has this VF. */
export function giveToGuest(
  world: World,
  pf: PhysicalFunction,
  vf: VirtualFunction,
): Extract<Guest, { kind: "domain" }> {
  detachDriver(world, vf);
  const guests = (known(world.state.guests) ?? []).filter(({ vfs }) => !vfs.includes(vf.address));
  const number = guests.filter(({ kind }) => kind === "domain").length;
  const hex = (number + 1).toString(16);
  const guest = {
    kind: "domain",
    name: `instance-${hex.padStart(8, "0")}`,
    uuid: `6d2a0c1e-52b1-4f0a-9c5d-${hex.padStart(12, "0")}`,
    title: `web-${number + 1}`,
    running: true,
    pid: 4711 + number,
    vfs: [vf.address],
  } as const;
  vf.driver = "vfio-pci";
  vf.driverOverride = "vfio-pci";
  vf.holders = [{ kind: "process", pid: guest.pid, command: "qemu-system-x86" }];
  refuseLagToCome(world, pf);
  world.state.guests = [...guests, { ...guest, vfs: [...guest.vfs] }];
  return { ...guest, vfs: [...guest.vfs] };
}

function plugRepresentor(world: World, pf: PhysicalFunction, vf: VirtualFunction): void {
  const name = world.state.representors.find(
    (candidate) => candidate.pf === pf.address && candidate.vf === vf.index,
  )?.netdev;
  const bridge = known(world.state.ovs)?.bridges.find((candidate) => candidate.name === "br-int");
  const netdev = world.state.netdevs.find((candidate) => candidate.name === name);
  if (
    name === undefined ||
    bridge === undefined ||
    netdev === undefined ||
    bridge.interfaces.some((port) => port.name === name)
  )
    return;
  const ofport =
    1 +
    Math.max(
      0,
      ...bridge.interfaces.flatMap(({ ofport: taken }) => (taken === null || taken > 60000 ? [] : [taken])),
    );
  const ifaceId = `0f2c4a5e-7d31-4b8e-8a60-${String(ofport).padStart(12, "0")}`;
  bridge.interfaces.push({ name, port: name, type: "", ofport, error: null, ifaceId });
  netdev.up = true;
  netdev.carrier = true;
  if (known(world.state.ovs)?.offloadInEffect === true)
    known(world.state.ingressQdiscs)?.push({ netdev: name, kind: "ingress", block: null });
}

/** A guest has the VFs that it holds; one that holds none is gone. */
export function followGuests(state: HostState): void {
  const guests = known(state.guests);
  if (guests === undefined) return;
  const held = new Set<string>(
    state.pfs.flatMap(({ vfs }) =>
      vfs.filter(({ holders }) => isUnknown(holders) || holders.length > 0).map(({ address }) => address),
    ),
  );
  state.guests = guests
    .map((guest) =>
      guest.kind === "domain" && !guest.running
        ? guest
        : { ...guest, vfs: guest.vfs.filter((vf) => held.has(vf)) },
    )
    .filter(({ vfs }) => vfs.length > 0);
}

/** The flows that Open vSwitch has for the guests' traffic, in hardware where all that it takes is there. */
export function followFlows(world: World, state: HostState): void {
  const ovs = known(state.ovs);
  if (ovs == null) {
    state.flows = isUnknown(state.ovs) ? state.ovs : null;
    return;
  }
  if (!ovs.running) {
    state.flows = { unknown: "ovs-vswitchd does not answer" };
    return;
  }
  if (world.hidden.traffic) {
    const tallies = guestFlows(world, state, ovs);
    state.flows = {
      tallies,
      listed: tallies.reduce((sum, { flows }) => sum + flows, 0),
      notUnderstood: 0,
      cut: null,
      tunnels: [],
    };
    return;
  }
  const flows = known(state.flows);
  const names = new Set([
    ...state.netdevs.map(({ name }) => name),
    ...ovs.bridges.flatMap(({ interfaces }) => interfaces.map(({ name }) => name)),
  ]);
  if (flows != null)
    state.flows = {
      ...flows,
      tallies: flows.tallies.filter(({ inPort }) => inPort === null || names.has(inPort)),
    };
}

function guestFlows(world: World, state: HostState, ovs: Ovs): FlowTally[] {
  const ports = new Set(
    ovs.bridges.flatMap(({ interfaces }) =>
      interfaces.filter(({ error }) => error === null).map(({ name }) => name),
    ),
  );
  const talking = state.pfs.flatMap((pf) =>
    pf.vfs.flatMap((vf) => {
      const representor = state.representors.find(
        (candidate) => candidate.pf === pf.address && candidate.vf === vf.index,
      )?.netdev;
      const bond = state.bonds.find(({ slaves }) => slaves.some(({ netdev }) => netdev === pf.netdev))?.name;
      const uplink = bond ?? pf.netdev;
      const held = isUnknown(vf.holders) || vf.holders.length > 0;
      if (
        !held ||
        representor === undefined ||
        uplink === null ||
        !ports.has(representor) ||
        !ports.has(uplink)
      )
        return [];
      return [{ pf, vf, representor, uplink }];
    }),
  );
  return [
    ...talking.flatMap(({ pf, vf, representor, uplink }) => {
      const place = inHardware(world, state, ovs, pf)
        ? { layer: "tc", offloaded: "yes" }
        : { layer: "ovs", offloaded: "no" };
      const packets = 448_444 + 1000 * vf.index;
      const octets = [pf.address.slice(-1), vf.index.toString(16)].map((octet) => octet.padStart(2, "0"));
      const mac = `fa:16:3e:44:${octets.join(":")}`;
      const both = { ...place, kind: "traffic", flows: 1, packets, idle: 0.52 } as const;
      return [
        flow(
          { ...both, inPort: uplink, to: [representor], bytes: packets * 1400 },
          `src=${gateway},dst=${mac}`,
          `pop_vlan,${representor}`,
        ),
        flow(
          { ...both, inPort: representor, to: [uplink], bytes: packets * 66 },
          `src=${mac},dst=${gateway}`,
          `push_vlan(vid=540,pcp=0),${uplink}`,
        ),
      ];
    }),
    ...[...new Set(talking.map(({ uplink }) => uplink))].map((uplink) => {
      const arp = {
        layer: "ovs",
        offloaded: "no",
        kind: "arp",
        flows: 1,
        packets: 7,
        bytes: 420,
        idle: 4.1,
      } as const;
      return flow(
        { ...arp, inPort: uplink, to: [] },
        `src=${gateway},dst=ff:ff:ff:ff:ff:ff`,
        talking.map(({ representor }) => representor).join(),
      );
    }),
  ];
}

const gateway = "00:1c:73:00:00:99";

function flow(tally: Omit<FlowTally, "example">, addresses: string, actions: string): FlowTally {
  const { inPort, kind, packets, bytes, idle, layer, offloaded } = tally;
  const type = kind === "arp" ? "0x0806" : "0x0800";
  const mark = offloaded === "yes" ? ", offloaded:yes" : "";
  const key = `in_port(${inPort}),eth(${addresses}),eth_type(${type})`;
  const counters = `packets:${packets}, bytes:${bytes}, used:${idle?.toFixed(3)}s`;
  return { ...tally, example: `${key}, ${counters}${mark}, dp:${layer}, actions:${actions}` };
}

/**
 * Whether the NIC takes a flow: Open vSwitch offloads, the port takes rules, and over a bond the NIC's LAG is
 * active and the bond shares its block with the port.
 */
function inHardware(world: World, state: HostState, ovs: Ovs, pf: PhysicalFunction): boolean {
  if (ovs.offloadInEffect !== true || ovs.tcPolicy === "skip_hw" || has(world, "flows-in-software"))
    return false;
  const netdev = state.netdevs.find(({ name }) => name === pf.netdev);
  if (netdev === undefined || known(netdev.tcOffload)?.on !== true) return false;
  if (netdev.master === null) return true;
  const block = (name: string | null) =>
    known(state.ingressQdiscs)?.find((qdisc) => qdisc.netdev === name)?.block ?? null;
  const lag = known(pf.lag);
  return (
    lag?.state === "active" &&
    lag.type === "switchdev" &&
    block(pf.netdev) !== null &&
    block(pf.netdev) === block(netdev.master)
  );
}
