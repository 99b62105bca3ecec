import { driverOf, profileOf } from "../../../drivers/registry.ts";
import { cardsOf } from "../../cards.ts";
import { mayBeInUse } from "../../in-use.ts";
import { known } from "../../state/observed.ts";
import type { Bond, Lag, PhysicalFunction } from "../../state/state.ts";
import { logLagMade, logLagRefused, logLagStuck } from "../machine/kernel-log.ts";
import { cardOf, has, type World } from "../world.ts";

/**
 * What the driver does when an event makes it look at the LAG: linux
 * drivers/net/ethernet/mellanox/mlx5/core/lag/lag.c (6.1, 6.12), mlx5_do_bond(). A LAG that is active is
 * followed or given up, never made into one of another type; one that failed is not remembered, but only
 * events make it look again: a slave joining or leaving, a slave's link, an eSwitch mode being set, the first
 * VFs. Unbinding VFs is no such event.
 */
export function reconsiderLag(world: World, pf: PhysicalFunction): void {
  const ports = cardOf(world, pf);
  if (ports.some((port) => known(port.lag) == null)) return;
  const current = lagNow(ports);
  // mlx5_lag_is_multipath(), mlx5_lag_should_disable_lag(): these two are not the bond's.
  if (current === "multipath" || current === "multiport_eswitch") return;
  const bond = bondOf(world, ports);
  const wanted = bond !== null && meetsPrerequisites(ports);
  if (current !== null) {
    if (!wanted) disable(world, ports);
    else follow(ports, bond);
  } else if (wanted) activate(world, ports, bond);
}

/** Before an eSwitch changes, or is asked to, a LAG is given up: lag/lag.c, mlx5_lag_disable_change(). */
export function giveUpLag(world: World, pf: PhysicalFunction): void {
  const ports = cardOf(world, pf);
  if (lagNow(ports) !== null) disable(world, ports);
}

/** A LAG that is coming up shows as disabled until its time has come. */
export function isComingUp(world: World, pf: PhysicalFunction): boolean {
  const at = world.hidden.lagActiveAt[cardsOf(world.state)(pf.address)];
  return at !== undefined && at > world.hidden.clock;
}

/**
 * A VF got a driver, or a guest. A LAG that is still to come up is refused then: until the driver gets its
 * lock it has not asked the firmware for one. Linux lag/lag.c, mlx5_do_bond_work(): it tries again after a
 * second.
 */
export function refuseLagToCome(world: World, pf: PhysicalFunction): void {
  const ports = cardOf(world, pf);
  const [first] = ports;
  if (first === undefined || !isComingUp(world, pf) || !ports.some(isDriven)) return;
  logLagRefused(world, first, lagNow(ports) === "roce" ? "roce" : "switchdev");
  delete world.hidden.lagActiveAt[cardsOf(world.state)(first.address)];
  for (const port of ports) port.lag = disabledLag(ports.map((member) => member.address));
}

/** What debugfs shows of a LAG that is not active. */
export function disabledLag(members: Lag["members"]): Lag {
  return {
    state: "disabled",
    type: null,
    source: "debugfs",
    portSelection: null,
    sharedFdb: null,
    mapping: [],
    members,
  };
}

/** The firmware has kept the LAG: the driver has none, and is given no other until it starts again. */
export function stick(world: World, ports: readonly PhysicalFunction[]): void {
  const [first] = ports;
  if (first === undefined) return;
  logLagStuck(world, first);
  world.hidden.stuckLags.push(cardsOf(world.state)(first.address));
}

/**
 * What the driver tells the one who enslaves a port (extack; nothing is logged): lag/lag.c,
 * mlx5_handle_changeupper_event().
 */
export function lagWarning(world: World, pf: PhysicalFunction): string | null {
  const ports = cardOf(world, pf);
  if (ports.some((port) => known(port.lag) == null)) return null;
  const bond = soleBondOf(world, ports);
  if (bond === null || takes(pf, bond)) return null;
  return "mlx5_core: Can't activate LAG offload, TX type isn't supported.";
}

/** Whether a driver has brought a VF up, here or in a guest. */
export function isDriven({ vfs }: PhysicalFunction): boolean {
  return vfs.some((vf) => vf.driver !== null && (vf.driver !== "vfio-pci" || mayBeInUse(vf)));
}

function activate(world: World, ports: readonly PhysicalFunction[], bond: Bond): void {
  const [first] = ports;
  if (first === undefined) return;
  const card = cardsOf(world.state)(first.address);
  const made = newLag(world, ports, bond);
  logLagMade(world, first, made);
  // The firmware refuses CREATE_LAG while a VF is driven, and a second LAG.
  if (ports.some(isDriven) || has(world, "lag-refused") || world.hidden.stuckLags.includes(card)) {
    logLagRefused(world, first, made.type === "roce" ? "roce" : "switchdev");
    return;
  }
  world.hidden.lagActiveAt[card] = world.hidden.clock + profileOf(first).seconds.lag;
  for (const port of ports) port.lag = structuredClone(made);
}

function disable(world: World, ports: readonly PhysicalFunction[]): void {
  const [first] = ports;
  if (first === undefined) return;
  delete world.hidden.lagActiveAt[cardsOf(world.state)(first.address)];
  // DESTROY_LAG too is refused while a VF is driven; the driver forgets its LAG all the same:
  // mlx5_deactivate_lag().
  if (lagNow(ports) === "switchdev" && ports.some(isDriven) && !has(world, "firmware-frees-lag"))
    stick(world, ports);
  for (const port of ports) port.lag = disabledLag(ports.map((member) => member.address));
}

/** The bond's links changed: mlx5_modify_lag(). */
function follow(ports: readonly PhysicalFunction[], bond: Bond): void {
  for (const port of ports) {
    const lag = known(port.lag);
    if (lag != null) lag.mapping = mappingOf(ports, bond, lag.portSelection === "hash");
  }
}

/** The card's own two ports, both in one bond, and nothing else in it, whatever its mode. */
function soleBondOf(world: World, ports: readonly PhysicalFunction[]): Bond | null {
  const names = ports.flatMap((port) => (port.netdev === null ? [] : [port.netdev]));
  if (ports.length !== 2 || names.length !== 2) return null;
  const bond = world.state.bonds.find((candidate) =>
    candidate.slaves.some((slave) => slave.netdev === names[0]),
  );
  if (bond === undefined) return null;
  return bond.slaves.length === 2 && bond.slaves.every((slave) => names.includes(slave.netdev)) ? bond : null;
}

function bondOf(world: World, ports: readonly PhysicalFunction[]): Bond | null {
  const bond = soleBondOf(world, ports);
  const [first] = ports;
  return bond !== null && first !== undefined && takes(first, bond) ? bond : null;
}

function takes(pf: PhysicalFunction, { mode }: Bond): boolean {
  return driverOf(pf.driver).lag?.bondModes.includes(mode) === true;
}

/** lag/lag.c, mlx5_lag_check_prereq(): eSwitches in the same mode, and no VFs in legacy mode. */
function meetsPrerequisites(ports: readonly PhysicalFunction[]): boolean {
  const modes = new Set(ports.map((port) => known(port.eswitch)?.mode));
  return modes.size === 1 && (modes.has("switchdev") || !ports.some(hasVfs));
}

function hasVfs({ sriov }: PhysicalFunction): boolean {
  return (sriov?.count ?? 0) > 0;
}

function lagNow(ports: readonly PhysicalFunction[]): Lag["type"] | "unnamed" {
  const lag = known(ports[0]?.lag ?? null);
  return lag?.state === "active" ? (lag.type ?? "unnamed") : null;
}

/**
 * Source: lag/lag.c, mlx5_lag_is_roce_lag(), mlx5_shared_fdb_supported() (paired by en_tc.c alone),
 * mlx5_lag_set_flags().
 */
function newLag(world: World, ports: readonly PhysicalFunction[], bond: Bond): Lag {
  const switchdev = known(ports[0]?.eswitch ?? null)?.mode === "switchdev";
  const [first] = ports;
  const byTable =
    first !== undefined && profileOf(first).lagByHash && (!switchdev || bond.mode !== "active-backup");
  return {
    state: "active",
    type: switchdev ? "switchdev" : "roce",
    source: "debugfs",
    portSelection: byTable ? "hash" : "queue_affinity",
    sharedFdb: switchdev && !has(world, "kernel-without-tc-offload"),
    mapping: mappingOf(ports, bond, byTable),
    members: ports.map((port) => port.address),
  };
}

/**
 * Where each port's packets leave: all of them by the ports that bonding sends by, in active-backup one
 * alone; as `1:2`, and where a hash selects the port, those that are in use. Source: lag/lag.c,
 * mlx5_infer_tx_affinity_mapping(); lag/debugfs.c, mapping_show().
 */
function mappingOf(ports: readonly PhysicalFunction[], bond: Bond, byHash: boolean): string[] {
  const up = ports.map((port) => bond.slaves.some((slave) => slave.netdev === port.netdev && slave.up));
  const sending =
    bond.mode === "active-backup" ? up.map((is, index) => is && index === up.indexOf(true)) : up;
  const used = sending.includes(true) ? sending : sending.map(() => true);
  const first = used.indexOf(true) + 1;
  if (byHash) return used.flatMap((is, index) => (is ? [`${index + 1}`] : []));
  return used.map((is, index) => `${index + 1}:${is ? index + 1 : first}`);
}
