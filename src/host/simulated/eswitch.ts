import { vfDriverOf } from "../models.ts";
import { known } from "../observed.ts";
import type { Eswitch, PhysicalFunction } from "../state.ts";
import { nameByRule } from "./boot-files.ts";
import { baseName } from "./drivers.ts";
import { logEswitch, logOutOfMemory, logTooEarly } from "./kernel-log.ts";
import { reconsiderLag } from "./lag.ts";
import { profileOf } from "./profiles.ts";
import { addRepresentors, removeRepresentors } from "./representors.ts";
import { noteIfBonded, noteIfHeld } from "./sriov.ts";
import { cardOf, has, pfAt, Refusal, type World } from "./world.ts";

/**
 * Sets the eSwitch mode as mlx5 does: linux drivers/net/ethernet/mellanox/mlx5/core/eswitch_offloads.c,
 * mlx5_devlink_eswitch_mode_set(). The driver does not look at bound VFs; firmware may, which is a fault here.
 * Setting the mode that is there changes nothing but makes the driver look at the LAG anew.
 */
export function setMode(world: World, address: string, mode: Eswitch["mode"]): void {
  const pf = pfAt(world, address);
  const eswitch = eswitchOf(pf);
  if (eswitch.mode === mode) {
    reconsiderLag(world, pf);
    return;
  }
  const bound = pf.vfs.some((vf) => vf.driver === vfDriverOf(pf.driver ?? ""));
  if (bound && has(world, "refuses-mode-change-with-bound-vfs")) throw new Refusal("EBUSY", "Can't change mode, E-Switch is busy");
  if (has(world, "mode-change-fails")) throw new Refusal("EINVAL", failure(mode));
  if (has(world, "mode-change-out-of-memory")) {
    logOutOfMemory(world, pf);
    throw new Refusal("ENOMEM", failure(mode));
  }
  if (mode === "switchdev" && pf.vfs.length < (pf.sriov?.count ?? 0)) {
    logTooEarly(world, pf);
    throw new Refusal("EINVAL", `${failure(mode)}: CREATE_FLOW_TABLE failed, syndrome (0x98afbb)`);
  }
  noteIfBonded(world, pf, "eSwitch mode changed");
  noteIfHeld(world, pf.vfs, "eSwitch mode changed");
  logEswitch(world, pf, eswitch.mode, false);
  eswitch.mode = mode;
  logEswitch(world, pf, mode, true);
  if (mode === "switchdev") enterSwitchdev(world, pf);
  else leaveSwitchdev(world, pf);
  reconsiderLag(world, pf);
}

/** Sets `flow_steering_mode`: linux fs_core.c, mlx5_fs_mode_validate(). */
export function setSteering(world: World, address: string, steering: "dmfs" | "smfs" | "hmfs"): void {
  const pf = pfAt(world, address);
  const eswitch = eswitchOf(pf);
  const offered = profileOf(pf).steering;
  noteIfBonded(world, pf, "steering changed");
  if (!offered.includes(steering)) {
    if (steering === "smfs") throw new Refusal("EOPNOTSUPP", "Software managed steering is not supported by current device");
    throw new Refusal("EINVAL", `Bad parameter: supported values are [${offered.map((value) => `"${value}"`).join(", ")}]`);
  }
  if (eswitch.mode === "switchdev" && steering !== "dmfs") {
    throw new Refusal("EOPNOTSUPP", "Software managed steering is not supported when eswitch offloads enabled.");
  }
  eswitch.steering = steering;
}

/** Sets the inline mode: linux eswitch_offloads.c, mlx5_devlink_eswitch_inline_mode_set(). */
export function setInline(world: World, address: string, inline: NonNullable<Eswitch["inline"]>): void {
  const pf = pfAt(world, address);
  const eswitch = eswitchOf(pf);
  noteIfBonded(world, pf, "inline mode changed");
  if (eswitch.inline === null) throw new Refusal("EOPNOTSUPP", "the driver has no inline mode");
  if (profileOf(pf).inline === "none" && inline !== "none") throw new Refusal("EOPNOTSUPP", "Inline mode can't be set");
  eswitch.inline = inline;
}

/** Sets the encap mode; in legacy mode it is stored for the next change to switchdev. */
export function setEncap(world: World, address: string, encap: boolean): void {
  const pf = pfAt(world, address);
  const eswitch = eswitchOf(pf);
  noteIfBonded(world, pf, "encap mode changed");
  if (eswitch.encap === null) throw new Refusal("EOPNOTSUPP", "the driver has no encap mode");
  eswitch.encap = encap;
}

function enterSwitchdev(world: World, pf: PhysicalFunction): void {
  const port = cardOf(world, pf).indexOf(pf);
  const netdev = world.state.netdevs.find((candidate) => candidate.name === pf.netdev);
  if (netdev !== undefined) {
    // linux en_rep.c: the uplink gets one channel (MLX5E_REP_PARAMS_DEF_NUM_CHANNELS) and hw-tc-offload on.
    if (known(netdev.channels) != null) netdev.channels = { combined: 1, max: known(netdev.channels)?.max ?? 1 };
    if (profileOf(pf).tcOffload) netdev.tcOffload = { on: true, fixed: false };
    if (has(world, "renames-ports") && nameByRule(world, pf) === null) rename(world, pf, `${baseName(pf)}np${port}`);
  }
  for (const vf of pf.vfs) {
    const settings = known(vf.settings);
    if (settings === undefined) continue;
    settings.linkState = "disable";
    if (has(world, "forgets-vf-macs")) settings.mac = "00:00:00:00:00:00";
  }
  addRepresentors(world, pf);
}

function leaveSwitchdev(world: World, pf: PhysicalFunction): void {
  removeRepresentors(world, pf);
  const home = world.hidden.home[pf.address];
  const netdev = world.state.netdevs.find((candidate) => candidate.name === pf.netdev);
  if (netdev === undefined || home === undefined) return;
  netdev.tcOffload = profileOf(pf).tcOffload ? { on: false, fixed: false } : { on: false, fixed: true };
  if (known(netdev.channels) != null) netdev.channels = { combined: home.channels, max: known(netdev.channels)?.max ?? home.channels };
  rename(world, pf, home.netdev);
}

function rename(world: World, pf: PhysicalFunction, name: string): void {
  const netdev = world.state.netdevs.find((candidate) => candidate.name === pf.netdev);
  if (netdev === undefined || netdev.name === name || world.state.netdevs.some((other) => other.name === name)) return;
  for (const bond of world.state.bonds) {
    for (const slave of bond.slaves) if (slave.netdev === netdev.name) slave.netdev = name;
  }
  for (const port of known(world.state.devlinkPorts) ?? []) if (port.netdev === netdev.name) port.netdev = name;
  netdev.name = name;
  pf.netdev = name;
}

function eswitchOf(pf: PhysicalFunction): Eswitch {
  const eswitch = known(pf.eswitch);
  if (eswitch == null) throw new Refusal("EOPNOTSUPP", "the device has no eSwitch");
  return eswitch;
}

function failure(mode: Eswitch["mode"]): string {
  return mode === "switchdev" ? "Failed setting eswitch to offloads" : "Failed setting eswitch to legacy";
}
