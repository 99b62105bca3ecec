import { profileOf } from "../../../drivers/registry.ts";
import type { Steering } from "../../actions/action.ts";
import { isKernelSince } from "../../kernel-release.ts";
import { known } from "../../state/observed.ts";
import type { Eswitch, PhysicalFunction } from "../../state/state.ts";
import { nameByRule } from "../machine/boot-files.ts";
import { followFlows } from "../machine/guests.ts";
import { logEncapRefused, logEswitch, logOutOfMemory } from "../machine/kernel-log.ts";
import { cardOf, has, pfAt, Refusal, takesRules, type World } from "../world.ts";
import { baseName } from "./drivers.ts";
import { giveUpLag, isDriven, reconsiderLag } from "./lag.ts";
import { addRepresentors, removeRepresentors } from "./representors.ts";
import { noteIfBonded, noteIfHeld } from "./sriov.ts";

/**
 * Sets the eSwitch mode as mlx5 does: linux drivers/net/ethernet/mellanox/mlx5/core/eswitch_offloads.c (6.1,
 * 6.12), mlx5_devlink_eswitch_mode_set(). Whatever comes of it, even where nothing is to be done or the
 * eSwitch is busy, the LAG is given up before and looked at again afterwards. Kernels before 5.15 leave the
 * LAG alone where the mode is there already.
 */
export function setMode(world: World, address: string, mode: Eswitch["mode"]): void {
  const pf = pfAt(world, address);
  const eswitch = eswitchOf(pf);
  if (eswitch.mode === mode && isBefore515(world)) return;
  giveUpLag(world, pf);
  try {
    // mlx5_esw_try_lock() in eswitch.c: rules in hardware are users of the eSwitch, also where its mode is to
    // stay.
    if (hasRules(world, pf)) throw new Refusal("EBUSY", "mlx5_core: Can't change mode, E-Switch is busy.");
    if (eswitch.mode !== mode) changeMode(world, pf, eswitch, mode);
  } finally {
    reconsiderLag(world, pf);
  }
}

/** Sets the mode that is there, to see whether the eSwitch is busy. */
export function askMode(world: World, address: string, mode: Eswitch["mode"]): void {
  setMode(world, address, mode);
}

function changeMode(world: World, pf: PhysicalFunction, eswitch: Eswitch, mode: Eswitch["mode"]): void {
  noteIfBonded(world, pf, "eSwitch mode changed");
  noteIfHeld(world, pf.vfs, "eSwitch mode changed");
  if (world.hidden.halfWay.includes(pf.address)) {
    // linux commit 4dadc4077e3f: an oops, in kernels without it.
    world.hidden.harm.push(
      `eSwitch mode of ${pf.address} changed again after a change that could not be rolled back`,
    );
    throw new Refusal("EIO", failure(mode));
  }
  logEswitch(world, pf, eswitch.mode, false);
  if (mode === "switchdev") startSwitchdev(world, pf, eswitch);
  else stopSwitchdev(world, pf, eswitch);
  logEswitch(world, pf, mode, true);
}

/**
 * eswitch_offloads.c, esw_offloads_start(): what fails leaves the port in legacy mode without a table, and
 * its VFs dead. Before Linux 6.5 it then asked for the vports' inline modes, which nobody answers without a
 * table: the inline mode is `link` until the driver starts again, and the sentence is another one.
 */
function startSwitchdev(world: World, pf: PhysicalFunction, eswitch: Eswitch): void {
  const fail = (code: string, text = failure("switchdev")): never => {
    // 5.10 went back to legacy mode with its table.
    if (!has(world, "lag-in-log-only") && pf.vfs.length > 0)
      world.hidden.withoutFdb = [...new Set([...world.hidden.withoutFdb, pf.address])];
    if (eswitch.inline !== "none" || !asksForInline(world)) throw new Refusal(code, text);
    eswitch.inline = "link";
    throw new Refusal(code, "mlx5_core: Inline mode is different between vports.");
  };
  if (has(world, "mode-change-out-of-memory")) {
    logOutOfMemory(world, pf);
    world.hidden.halfWay.push(pf.address);
    fail("ENOMEM");
  }
  if (has(world, "mode-change-fails")) fail("EINVAL");
  if (eswitch.encap === true && isDriven(pf) && !has(world, "firmware-takes-encap")) {
    logEncapRefused(world, pf);
    fail("EINVAL");
  }
  hasTable(world, pf);
  eswitch.mode = "switchdev";
  enterSwitchdev(world, pf);
}

/**
 * eswitch_offloads.c, esw_offloads_stop(): the mode is legacy whether or not its table could be made; without
 * VFs there is none to make.
 */
function stopSwitchdev(world: World, pf: PhysicalFunction, eswitch: Eswitch): void {
  eswitch.mode = "legacy";
  leaveSwitchdev(world, pf);
  if (pf.vfs.length === 0) return;
  if (has(world, "mode-change-out-of-memory")) {
    logOutOfMemory(world, pf);
    world.hidden.halfWay.push(pf.address);
  } else if (!has(world, "mode-change-fails")) return;
  world.hidden.withoutFdb.push(pf.address);
  throw new Refusal(has(world, "mode-change-fails") ? "EINVAL" : "ENOMEM", failure("legacy"));
}

/** The port's eSwitch has a table again. */
export function hasTable(world: World, pf: PhysicalFunction): void {
  world.hidden.withoutFdb = world.hidden.withoutFdb.filter((address) => address !== pf.address);
}

/**
 * Sets `flow_steering_mode`: linux fs_core.c, mlx5_fs_mode_validate() (6.1, 6.12). dmfs is taken always; of
 * smfs the capability is asked before the mode, so that the two refusals tell in switchdev mode which one it
 * is.
 */
export function setSteering(world: World, address: string, steering: Steering): void {
  const pf = pfAt(world, address);
  const eswitch = eswitchOf(pf);
  noteIfBonded(world, pf, "steering changed");
  refuseSteering(world, pf, steering);
  if (steering !== "dmfs" && eswitch.mode === "switchdev")
    throw new Refusal(
      "EOPNOTSUPP",
      "mlx5_core: Software managed steering is not supported when eswitch offloads enabled.",
    );
  eswitch.steering = steering;
}

/**
 * Whether the device can do this steering; in legacy mode the question would be the deed, and is not asked.
 */
export function askSteering(world: World, address: string, steering: Steering): void {
  const pf = pfAt(world, address);
  if (eswitchOf(pf).mode === "switchdev") refuseSteering(world, pf, steering);
}

/** What the driver says to this steering wherever its mode would allow it. */
function refuseSteering(world: World, pf: PhysicalFunction, steering: Steering): void {
  const offered = profileOf(pf).steering;
  if (steering === "hmfs" && !offered.includes("hmfs"))
    throw new Refusal("EINVAL", 'mlx5_core: Bad parameter: supported values are ["dmfs", "smfs"].');
  if (steering === "smfs" && (!offered.includes("smfs") || has(world, "no-smfs")))
    throw new Refusal(
      "EOPNOTSUPP",
      "mlx5_core: Software managed steering is not supported by current device.",
    );
}

/** Sets the inline mode: linux eswitch_offloads.c, mlx5_devlink_eswitch_inline_mode_set(). */
export function setInline(world: World, address: string, inline: NonNullable<Eswitch["inline"]>): void {
  const pf = pfAt(world, address);
  const eswitch = eswitchOf(pf);
  noteIfBonded(world, pf, "inline mode changed");
  if (eswitch.inline === null) throw new Refusal("EOPNOTSUPP", "the driver has no inline mode");
  if (profileOf(pf).inline === "none") {
    if (inline !== "none") throw new Refusal("EOPNOTSUPP", "mlx5_core: Inline mode can't be set.");
    return;
  }
  if (hasRules(world, pf))
    throw new Refusal("EOPNOTSUPP", "mlx5_core: Can't set inline mode when flows are configured.");
  eswitch.inline = inline;
}

/**
 * Sets the encap mode: linux eswitch_offloads.c, mlx5_devlink_eswitch_encap_mode_set(). In legacy mode it is
 * stored for the next change to switchdev; in switchdev mode the tables are made anew at once.
 */
export function setEncap(world: World, address: string, encap: boolean): void {
  const pf = pfAt(world, address);
  const eswitch = eswitchOf(pf);
  noteIfBonded(world, pf, "encap mode changed");
  if (eswitch.encap === null || (encap && has(world, "no-encap")))
    throw new Refusal("EOPNOTSUPP", "Operation not supported");
  if (eswitch.encap === encap) return;
  if (eswitch.mode === "switchdev") {
    if (hasRules(world, pf))
      throw new Refusal("EOPNOTSUPP", "mlx5_core: Can't set encapsulation when flows are configured.");
    if (encap && isDriven(pf) && !has(world, "firmware-takes-encap")) {
      logEncapRefused(world, pf);
      throw new Refusal("EINVAL", "mlx5_core: Failed re-creating fast FDB table.");
    }
  }
  eswitch.encap = encap;
}

/**
 * Whether rules that somebody offloaded use this port's eSwitch: en_tc.c, mlx5e_configure_flower(), which
 * takes mlx5_esw_get().
 */
export function hasRules(world: World, pf: PhysicalFunction): boolean {
  if (has(world, "eswitch-busy") && cardOf(world, pf)[0] === pf) return true;
  const state = structuredClone(world.state);
  followFlows(world, state);
  const master = state.netdevs.find(({ name }) => name === pf.netdev)?.master ?? null;
  const own = new Set([
    pf.netdev,
    master,
    ...state.representors.filter((found) => found.pf === pf.address).map(({ netdev }) => netdev),
  ]);
  return (known(state.flows)?.tallies ?? []).some(
    ({ inPort, offloaded, to }) =>
      offloaded === "yes" && [inPort, ...to].some((port) => port !== null && own.has(port)),
  );
}

function enterSwitchdev(world: World, pf: PhysicalFunction): void {
  const port = cardOf(world, pf).indexOf(pf);
  const netdev = world.state.netdevs.find((candidate) => candidate.name === pf.netdev);
  if (netdev !== undefined) {
    // linux en_rep.c: the uplink gets one channel (MLX5E_REP_PARAMS_DEF_NUM_CHANNELS), and wants
    // hw-tc-offload, whether or not the kernel was built with it: mlx5e_uplink_rep_enable(). Without, it
    // reads on and fixed, and every rule is refused.
    if (known(netdev.channels) != null)
      netdev.channels = { combined: 1, max: known(netdev.channels)?.max ?? 1 };
    if (profileOf(pf).tcOffload) netdev.tcOffload = { on: true, fixed: !takesRules(world, pf) };
    if (has(world, "renames-ports") && nameByRule(world, pf) === null)
      rename(world, pf, `${baseName(pf)}np${port}`);
  }
  for (const vf of pf.vfs) {
    const settings = known(vf.settings);
    if (settings === undefined) continue;
    // eswitch_offloads.c, esw_offloads_enable(): the representor rules the link.
    settings.linkState = "disable";
    if (has(world, "forgets-vf-macs")) settings.mac = "00:00:00:00:00:00";
  }
  addRepresentors(world, pf);
}

function leaveSwitchdev(world: World, pf: PhysicalFunction): void {
  removeRepresentors(world, pf);
  for (const vf of pf.vfs) {
    // esw/legacy.c, esw_legacy_enable()
    const settings = known(vf.settings);
    if (settings !== undefined) settings.linkState = "auto";
  }
  const home = world.hidden.home[pf.address];
  const netdev = world.state.netdevs.find((candidate) => candidate.name === pf.netdev);
  if (netdev === undefined || home === undefined) return;
  // What was wanted in switchdev mode stays wanted: hw-tc-offload is not turned off.
  if (known(netdev.channels) != null)
    netdev.channels = { combined: home.channels, max: known(netdev.channels)?.max ?? home.channels };
  rename(world, pf, home.netdev);
}

function rename(world: World, pf: PhysicalFunction, name: string): void {
  const netdev = world.state.netdevs.find((candidate) => candidate.name === pf.netdev);
  if (
    netdev === undefined ||
    netdev.name === name ||
    world.state.netdevs.some((other) => other.name === name)
  )
    return;
  for (const bond of world.state.bonds) {
    for (const slave of bond.slaves) if (slave.netdev === netdev.name) slave.netdev = name;
  }
  for (const port of known(world.state.devlinkPorts) ?? [])
    if (port.netdev === netdev.name) port.netdev = name;
  netdev.name = name;
  pf.netdev = name;
}

/**
 * Whether the driver asks for the inline mode also after a change that failed: 5.10 had a table again by
 * then.
 */
function asksForInline(world: World): boolean {
  return !isBefore515(world) && !isKernelSince(world.state.kernel, [6, 5]);
}

/** Such a kernel is simulated by the behaviour that has its log in the LAG's place: 5.10. */
function isBefore515(world: World): boolean {
  return has(world, "lag-in-log-only");
}

function eswitchOf(pf: PhysicalFunction): Eswitch {
  const eswitch = known(pf.eswitch);
  if (eswitch == null) throw new Refusal("EOPNOTSUPP", "the device has no eSwitch");
  return eswitch;
}

function failure(mode: Eswitch["mode"]): string {
  return `mlx5_core: Failed setting eswitch to ${mode === "switchdev" ? "offloads" : "legacy"}.`;
}
