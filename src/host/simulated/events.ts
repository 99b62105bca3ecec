import { profileOf } from "../../drivers/registry.ts";
import { known } from "../state/observed.ts";
import type { PhysicalFunction } from "../state/state.ts";
import { detachDriver } from "./card/drivers.ts";
import { loadFirmware, offersLag } from "./card/firmware.ts";
import { disabledLag, lagWarning, reconsiderLag } from "./card/lag.ts";
import { removeRepresentors } from "./card/representors.ts";
import { makeVfsByFiles, nameByRule } from "./machine/boot-files.ts";
import { logSlave, startLog } from "./machine/kernel-log.ts";
import { ovsHearsOfBonds, startOvs } from "./machine/ovs.ts";
import { bootKernel } from "./machine/platform.ts";
import { addNetdev, cardOf, has, removeNetdev, takesRules, type World } from "./world.ts";

/** Things that happen to a host and are not vflag's doing: networking, a reboot, a guest. */

/**
 * Networking makes its bonds of the netdevs that are there by the configured names; it leaves out those that
 * are not. It returns what drivers warned of.
 */
export function network(world: World): string[] {
  world.hidden.clock += 5;
  const warnings: string[] = [];
  for (const wanted of world.hidden.networking) {
    if (world.state.bonds.some((bond) => bond.name === wanted.name)) continue;
    addNetdev(world, {
      name: wanted.name,
      altNames: [],
      mac: world.state.netdevs.find((netdev) => wanted.slaves.includes(netdev.name))?.mac ?? null,
      permanentMac: null,
      kind: "bond",
      up: true,
      carrier: true,
      mtu: 9000,
      master: null,
      device: null,
      switchId: null,
      portName: null,
      tcOffload: { on: false, fixed: true },
      channels: null,
    });
    world.state.bonds.push({
      name: wanted.name,
      mode: wanted.mode,
      xmitHashPolicy: wanted.mode === "active-backup" ? null : "layer3+4",
      up: true,
      slaves: [],
      lacp: null,
      monitoring: { miimon: 100, arpInterval: 0, updelay: 0, downdelay: 0 },
    });
    for (const slave of wanted.slaves) {
      const warning = enslave(world, wanted.name, slave);
      if (warning !== null) warnings.push(`${slave}: ${warning}`);
    }
  }
  return warnings;
}

/**
 * Puts a netdev into a bond; a netdev that does not exist is left out, as networking does. What a driver says
 * to that (extack) reaches whoever asked, and no log.
 */
export function enslave(world: World, bondName: string, name: string): string | null {
  const bond = world.state.bonds.find((candidate) => candidate.name === bondName);
  const netdev = world.state.netdevs.find((candidate) => candidate.name === name);
  if (bond === undefined || netdev === undefined || netdev.master !== null) return null;
  netdev.master = bondName;
  // Bonding gives every slave the bond's address and MTU: linux drivers/net/bonding/bond_main.c,
  // bond_enslave().
  const master = world.state.netdevs.find((candidate) => candidate.name === bondName);
  netdev.mac = master?.mac ?? netdev.mac;
  netdev.mtu = master?.mtu ?? netdev.mtu;
  netdev.up = true;
  netdev.carrier = true;
  bond.slaves.push({ netdev: name, up: true });
  logSlave(world, bondName, name, true);
  if (bond.mode === "802.3ad")
    bond.lacp = { ports: bond.slaves.length, partner: "00:1c:73:00:00:99", rate: "fast" };
  ovsHearsOfBonds(world);
  lagEvent(world);
  const port = world.state.pfs.find((pf) => pf.netdev === name);
  return port === undefined ? null : lagWarning(world, port);
}

/** Takes a netdev out of its bond. */
export function release(world: World, name: string): void {
  const netdev = world.state.netdevs.find((candidate) => candidate.name === name);
  if (netdev === undefined || netdev.master === null) return;
  for (const bond of world.state.bonds) bond.slaves = bond.slaves.filter((slave) => slave.netdev !== name);
  logSlave(world, netdev.master, name, false);
  netdev.master = null;
  netdev.mac = netdev.permanentMac ?? netdev.mac;
  leaveBlock(world, name);
  lagEvent(world);
}

/**
 * A slave that leaves its bond loses the block that it shared: openvswitch lib/netdev-linux.c,
 * netdev_linux_update_lag().
 */
function leaveBlock(world: World, name: string): void {
  const qdiscs = known(world.state.ingressQdiscs);
  if (qdiscs !== undefined) world.state.ingressQdiscs = qdiscs.filter(({ netdev }) => netdev !== name);
}

/** Something in a bond changed: every card's driver looks at its LAG. */
export function lagEvent(world: World): void {
  const seen = new Set<PhysicalFunction>();
  for (const pf of world.state.pfs) {
    const first = cardOf(world, pf)[0] ?? pf;
    if (!seen.has(first)) reconsiderLag(world, first);
    seen.add(first);
  }
}

/** A reboot: what the kernel kept is gone; what the firmware and the network configuration say remains. */
export function reboot(world: World): void {
  for (const bond of world.state.bonds) removeNetdev(world, bond.name);
  world.state.bonds = [];
  world.hidden.lagActiveAt = {};
  world.hidden.stuckLags = [];
  world.hidden.withoutFdb = [];
  world.hidden.halfWay = [];
  for (const netdev of world.state.netdevs) {
    netdev.master = null;
    netdev.mac = netdev.permanentMac ?? netdev.mac;
  }
  if (known(world.state.attempts) !== undefined) world.state.attempts = null;
  loadFirmware(world);
  startLog(world);
  bootKernel(world);
  for (const pf of world.state.pfs) powerOn(world, pf);
  if (known(world.state.ingressQdiscs) !== undefined) world.state.ingressQdiscs = [];
  startOvs(world);
  world.hidden.clock += 180;
}

function powerOn(world: World, pf: PhysicalFunction): void {
  for (const vf of pf.vfs) detachDriver(world, vf);
  removeRepresentors(world, pf);
  pf.vfs = [];
  // Networking gives the host's own addresses and VLANs back later.
  if (known(pf.users) !== undefined) pf.users = [];
  if (pf.sriov !== null)
    pf.sriov = { ...pf.sriov, count: 0, autoprobe: pf.sriov.autoprobe === null ? null : true };
  const eswitch = known(pf.eswitch);
  const profile = profileOf(pf);
  if (eswitch != null) {
    pf.eswitch = {
      mode: "legacy",
      inline: eswitch.inline === null ? null : profile.inline === "none" ? "none" : "link",
      encap: eswitch.encap === null ? null : !has(world, "no-encap"),
      steering:
        profile.steering.includes("smfs") && !has(world, "no-smfs") ? "smfs" : (profile.steering[0] ?? null),
    };
  }
  const card = cardOf(world, pf);
  const first = card[0] ?? pf;
  // A LAG's object comes and goes with the firmware's capability: lag/lag.c, mlx5_lag_add_mdev().
  if (pf.lag === null || known(pf.lag) !== undefined)
    pf.lag =
      offersLag(world, first) && profile.vfLag && card.length === 2
        ? disabledLag(card.map(({ address }) => address))
        : null;
  comeHome(world, pf);
  makeVfsByFiles(world, pf);
}

/** The port's netdev appears anew: with the name and the channels that it has at power-on. */
function comeHome(world: World, pf: PhysicalFunction): void {
  const home = world.hidden.home[pf.address];
  const netdev = world.state.netdevs.find((candidate) => candidate.name === pf.netdev);
  if (home === undefined || netdev === undefined) return;
  const name = nameByRule(world, pf) ?? home.netdev;
  for (const port of known(world.state.devlinkPorts) ?? [])
    if (port.netdev === netdev.name) port.netdev = name;
  netdev.name = name;
  pf.netdev = name;
  const channels = known(netdev.channels);
  if (channels != null) netdev.channels = { combined: home.channels, max: channels.max };
  netdev.tcOffload = { on: false, fixed: !takesRules(world, pf) };
}
