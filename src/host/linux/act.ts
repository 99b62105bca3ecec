import type { LinkReference } from "../../netlink/index.ts";
import type { Action } from "../actions/action.ts";
import { forbidden, notDone } from "../actions/safety.ts";
import type { PhysicalFunction } from "../state/state.ts";
import { isNetdevName, type PciAddress } from "../state/values.ts";
import { changeByGrubby, updateGrub } from "./boot/boot-loader.ts";
import { removeOwnFile, setUnitEnabled, writeOwnFile } from "./boot/installation.ts";
import { setEncap, setInline, setMode, setSteering } from "./eswitch/eswitch-actions.ts";
import { askMode, askSteering } from "./eswitch/eswitch-questions.ts";
import { setFirmware } from "./firmware/firmware.ts";
import { activateLag } from "./lag/activate-lag.ts";
import { setChannels, setTcOffload, setVfSettings } from "./links/netdev-actions.ts";
import { lookBefore } from "./look.ts";
import { changeOvs, restartOvs } from "./ovs/ovs.ts";
import { bindVf, unbindVf } from "./pci/drivers.ts";
import { setAutoprobe, setVfCount } from "./pci/sriov.ts";
import type { Kernel } from "./system/kernel.ts";
import { Refusal } from "./system/refusal.ts";

/** The LAG of a PF's card as it is now. */
type LagOf = (pf: PciAddress) => PhysicalFunction["lag"];

/**
 * Carries out one action on this machine, unless it would do harm. What it throws, refusalOf() puts into
 * words.
 */
export async function act(kernel: Kernel, action: Action, lagOf: LagOf): Promise<void> {
  const look = lookBefore(kernel, action);
  // A look that is there is not awaited: whoever observes from now on has to find the request under way.
  const reason = forbidden(action, look instanceof Promise ? await look : look);
  if (reason !== null) throw new Refusal("EBUSY", `${notDone}${reason}`);
  return carryOut(kernel, action, lagOf);
}

async function carryOut(kernel: Kernel, action: Action, lagOf: LagOf): Promise<void> {
  switch (action.kind) {
    case "set-vf-autoprobe":
      return setAutoprobe(kernel, action.pf, action.on);
    case "set-vf-count":
      return setVfCount(kernel, action.pf, action.count);
    case "unbind-vf":
      return unbindVf(kernel, action.pf, action.vf, action.driver);
    case "bind-vf":
      return bindVf(kernel, action.pf, action.vf, action.driver);
    case "set-steering":
      return setSteering(kernel, action.pf, action.steering);
    case "ask-steering":
      return askSteering(kernel, action.pf, action.steering);
    case "set-inline":
      return setInline(kernel, action.pf, action.inline);
    case "set-encap":
      return setEncap(kernel, action.pf, action.encap);
    case "set-eswitch-mode":
      return setMode(kernel, action.pf, action.mode);
    case "ask-eswitch-mode":
      return askMode(kernel, action.pf, action.mode);
    case "set-tc-offload":
      return setTcOffload(kernel, linkOf(action), action.on);
    case "set-channels":
      return setChannels(kernel, linkOf(action), action.combined);
    case "set-vf-settings":
      return setVfSettings(kernel, linkOf(action), action.vf, action.settings);
    case "activate-lag":
      return activateLag(kernel, () => lagOf(action.pf), action.pf, action.seconds);
    case "set-firmware":
      return setFirmware(kernel, action.pf, action.tool, action.settings);
    case "write-file":
      return writeOwnFile(kernel, action.path, action.text, action.reload);
    case "remove-file":
      return removeOwnFile(kernel, action.path, action.reload);
    case "enable-unit":
    case "disable-unit":
      return setUnitEnabled(kernel, action);
    case "set-ovs":
    case "del-ovs-port":
      return changeOvs(kernel, action);
    case "restart-ovs":
      return restartOvs(kernel, action.source);
    case "update-boot-loader":
      return updateGrub(kernel);
    case "set-kernel-arguments":
      return changeByGrubby(kernel, action.add, action.remove);
    default:
      return action satisfies never;
  }
}

/** A netdev by the index that it had when the action was asked for, else by its name. */
function linkOf({ netdev, index }: { readonly netdev: string; readonly index?: number }): LinkReference {
  if (!isNetdevName(netdev)) throw new Refusal("EINVAL", `${JSON.stringify(netdev)} is no netdev's name`);
  return index ?? netdev;
}
