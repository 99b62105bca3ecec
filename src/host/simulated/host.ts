import type { Action } from "../actions/action.ts";
import { refusedForGood, withRefused } from "../actions/refusals.ts";
import { forbidden, isThere, lookAt, notDone } from "../actions/safety.ts";
import { cardsOf } from "../cards.ts";
import { glanced } from "../glance.ts";
import { ActionError, type Host } from "../host.ts";
import { type Attempt, withAttempt } from "../state/attempts.ts";
import { known } from "../state/observed.ts";
import type { HostState } from "../state/state.ts";
import type { PciAddress } from "../state/values.ts";
import { bindVf, unbindVf } from "./card/drivers.ts";
import { askMode, askSteering, setEncap, setInline, setMode, setSteering } from "./card/eswitch.ts";
import { setFirmware } from "./card/firmware.ts";
import { disabledLag, isComingUp } from "./card/lag.ts";
import { setAutoprobe, setVfCount } from "./card/sriov.ts";
import { durationOf } from "./durations.ts";
import { setChannels, setTcOffload, setVfSettings } from "./machine/ethtool.ts";
import { followFlows, followGuests } from "./machine/guests.ts";
import { removeFile, setEnabled, writeFile } from "./machine/installation.ts";
import { hideLags } from "./machine/kernel-log.ts";
import { deletePort, followNetdevs, restartOvs, setOvs } from "./machine/ovs.ts";
import { setKernelArguments, updateBootLoader } from "./machine/platform.ts";
import { pfAt, Refusal, type World } from "./world.ts";

/**
 * A host that exists only as data and enforces the kernel's and the NIC's rules.
 * Its clock is virtual: `perform` returns at once, and the world's clock says how long it took.
 */
export class SimulatedHost implements Host {
  readonly world: World;

  constructor(world: World) {
    this.world = world;
  }

  async observe(): Promise<HostState> {
    return observeWorld(this.world);
  }

  async glance(before: HostState, pfs: readonly PciAddress[]): Promise<HostState | null> {
    const seen = observeWorld(this.world).pfs.filter(({ address }) => pfs.includes(address));
    return seen.length < pfs.length ? null : glanced(before, seen);
  }

  async perform(action: Action): Promise<void> {
    const look = lookAt(action, this.world.state);
    const reason = forbidden(action, look);
    if (reason !== null) throw new ActionError(action, "EBUSY", `${notDone}${reason}`);
    const seconds = durationOf(this.world, action);
    try {
      if (!isThere(action, look)) act(this.world, action);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const { state } = this.world;
      const refused = refusedForGood(action, error.code, error.message, state);
      if (refused !== null) state.refused = withRefused(state.refused, refused);
      throw new ActionError(action, error.code, error.message, { cause: error });
    } finally {
      this.world.hidden.clock += seconds;
    }
  }

  async keepAttempt(attempt: Attempt): Promise<void> {
    this.world.state.attempts = withAttempt(known(this.world.state.attempts) ?? null, attempt);
  }
}

/** What can be seen of a world: a copy, so that a snapshot stays what it was. */
export function observeWorld(world: World): HostState {
  const state = structuredClone(world.state);
  followNetdevs(state);
  followGuests(state);
  followFlows(world, state);
  hideLags(world, state);
  for (const pf of state.pfs) {
    // The driver has not asked the firmware yet, and has said nothing.
    if (isComingUp(world, pf))
      pf.lag = { ...disabledLag(known(pf.lag)?.members ?? []), source: known(pf.lag)?.source ?? "debugfs" };
  }
  return state;
}

function act(world: World, action: Action): void {
  switch (action.kind) {
    case "set-vf-autoprobe":
      return setAutoprobe(world, action.pf, action.on);
    case "set-vf-count":
      return setVfCount(world, action.pf, action.count);
    case "unbind-vf":
      return unbindVf(world, action.pf, action.vf);
    case "bind-vf":
      return bindVf(world, action.pf, action.vf, action.driver);
    case "set-steering":
      return setSteering(world, action.pf, action.steering);
    case "ask-steering":
      return askSteering(world, action.pf, action.steering);
    case "set-inline":
      return setInline(world, action.pf, action.inline);
    case "set-encap":
      return setEncap(world, action.pf, action.encap);
    case "set-eswitch-mode":
      return setMode(world, action.pf, action.mode);
    case "ask-eswitch-mode":
      return askMode(world, action.pf, action.mode);
    case "set-tc-offload":
      return setTcOffload(world, action.netdev, action.on);
    case "set-channels":
      return setChannels(world, action.netdev, action.combined);
    case "set-vf-settings":
      return setVfSettings(world, action.netdev, action.vf, action.settings);
    case "activate-lag":
      return activateLag(world, action.pf, action.seconds);
    case "set-firmware":
      return setFirmware(world, action.pf, action.settings);
    case "write-file":
      return writeFile(world, action.path, action.text);
    case "remove-file":
      return removeFile(world, action.path);
    case "enable-unit":
      return setEnabled(world, action.unit, true);
    case "disable-unit":
      return setEnabled(world, action.unit, false);
    case "set-ovs":
      return setOvs(world, action.key, action.value);
    case "restart-ovs":
      return restartOvs(world);
    case "del-ovs-port":
      return deletePort(world, action.bridge, action.port);
    case "update-boot-loader":
      return updateBootLoader(world);
    case "set-kernel-arguments":
      return setKernelArguments(world, action.add, action.remove);
    default:
      return action satisfies never;
  }
}

/** A busy eSwitch refuses, and the driver looks at the LAG all the same. */
function askAgain(world: World, address: string): void {
  try {
    setMode(world, address, "switchdev");
  } catch (error) {
    if (!(error instanceof Refusal) || error.code !== "EBUSY") throw error;
  }
}

/** Waits for the LAG, asking the driver once more by setting the eSwitch mode that it has. */
function activateLag(world: World, address: string, seconds: number): void {
  const pf = pfAt(world, address);
  if (known(pf.lag)?.state !== "active" && known(pf.eswitch)?.mode === "switchdev") askAgain(world, address);
  const lag = known(pf.lag);
  if (lag?.state === "active" && lag.type === "switchdev") {
    world.hidden.clock = Math.max(
      world.hidden.clock,
      world.hidden.lagActiveAt[cardsOf(world.state)(pf.address)] ?? 0,
    );
    return;
  }
  world.hidden.clock += seconds;
  throw new Refusal("ETIMEDOUT", `the LAG is not active after ${seconds} s`);
}
