import { cardsOf } from "../cards.ts";
import { mayBeInUse } from "../in-use.ts";
import { known } from "../observed.ts";
import type { Lag, PhysicalFunction } from "../state.ts";
import { logLagMade, logLagRefused, logLagStuck } from "./kernel-log.ts";
import { profileOf } from "./profiles.ts";
import { cardOf, has, type World } from "./world.ts";

const offloadable = ["active-backup", "balance-xor", "802.3ad"];

/**
 * What the driver does when an event makes it look at the LAG: linux drivers/net/ethernet/mellanox/mlx5/core/lag/lag.c,
 * mlx5_do_bond() and mlx5_lag_check_prereq(). It remembers no failure, but only events make it look again:
 * a slave joining or leaving, a slave's link, an eSwitch mode being set (even to the same value), the first VFs.
 * Unbinding VFs is no such event.
 */
export function reconsiderLag(world: World, pf: PhysicalFunction): void {
  const ports = cardOf(world, pf);
  const card = cardsOf(world.state)(pf.address);
  if (ports.some((port) => known(port.lag) == null)) return;
  const wanted = isBonded(world, ports) ? wantedType(ports) : null;
  const current = lagNow(ports);
  if (wanted === null) {
    disable(world, ports, card);
    return;
  }
  if (current === wanted) return;
  if (current !== null) disable(world, ports, card);
  const first = ports[0] ?? pf;
  logLagMade(world, first, wanted === "switchdev");
  // CREATE_LAG is refused by the firmware while a VF is driven.
  if ((wanted === "switchdev" && isDriven(ports)) || has(world, "lag-refused") || world.hidden.stuckLags.includes(card)) {
    logLagRefused(world, first, wanted);
    return;
  }
  world.hidden.lagActiveAt[card] = world.hidden.clock + profileOf(pf).seconds.lag;
  for (const port of ports) port.lag = { ...activeLag(wanted), members: ports.map((member) => member.address) };
}

/** A LAG that is coming up shows as disabled until its time has come. */
export function isComingUp(world: World, pf: PhysicalFunction): boolean {
  const at = world.hidden.lagActiveAt[cardsOf(world.state)(pf.address)];
  return at !== undefined && at > world.hidden.clock;
}

/** What debugfs shows of a LAG that is not active. */
export function disabledLag(members: Lag["members"]): Lag {
  return { state: "disabled", type: null, source: "debugfs", portSelection: null, sharedFdb: null, mapping: [], members };
}

function isDriven(ports: readonly PhysicalFunction[]): boolean {
  return ports.some((port) => port.vfs.some((vf) => vf.driver !== null && (vf.driver !== "vfio-pci" || mayBeInUse(vf))));
}

function isBonded(world: World, ports: readonly PhysicalFunction[]): boolean {
  const names = ports.flatMap((port) => (port.netdev === null ? [] : [port.netdev]));
  if (ports.length !== 2 || names.length !== 2) return false;
  const bond = world.state.bonds.find((candidate) => candidate.slaves.some((slave) => slave.netdev === names[0]));
  if (bond === undefined || !offloadable.includes(bond.mode)) return false;
  return bond.slaves.length === 2 && bond.slaves.every((slave) => names.includes(slave.netdev));
}

/** The kind of LAG that the eSwitches allow; none when they differ, or have VFs in legacy mode. */
function wantedType(ports: readonly PhysicalFunction[]): "roce" | "switchdev" | null {
  const modes = new Set(ports.map((port) => known(port.eswitch)?.mode));
  if (modes.size !== 1) return null;
  if (modes.has("switchdev")) return "switchdev";
  return ports.every((port) => (port.sriov?.count ?? 0) === 0) ? "roce" : null;
}

function lagNow(ports: readonly PhysicalFunction[]): Lag["type"] {
  const first = ports[0];
  const lag = first === undefined ? null : known(first.lag);
  return lag?.state === "active" ? lag.type : null;
}

function disable(world: World, ports: readonly PhysicalFunction[], card: string): void {
  delete world.hidden.lagActiveAt[card];
  const first = ports[0];
  if (first !== undefined && lagNow(ports) === "switchdev" && isDriven(ports) && has(world, "lag-stuck")) {
    logLagStuck(world, first);
    world.hidden.stuckLags.push(card);
  }
  for (const port of ports) port.lag = disabledLag(ports.map((member) => member.address));
}

function activeLag(type: "roce" | "switchdev"): Omit<Lag, "members"> {
  return {
    state: "active",
    type,
    source: "debugfs",
    portSelection: "queue_affinity",
    sharedFdb: type === "switchdev",
    mapping: ["1:1", "2:2"],
  };
}
