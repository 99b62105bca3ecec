import { setTimeout as sleep } from "node:timers/promises";
import type { DevlinkHandle, EswitchChange, Eswitch as FoundEswitch } from "../../../netlink/index.ts";
import type { Inline, Steering } from "../../actions/action.ts";
import type { Eswitch } from "../../state/state.ts";
import type { PciAddress } from "../../state/values.ts";
import { awaitRepresentors } from "../links/representors-wait.ts";
import { findPf } from "../pci/pci.ts";
import type { Kernel } from "../system/kernel.ts";
import { errnoName, isBusy, Refusal } from "../system/refusal.ts";
import { until } from "../system/wait.ts";
import { findEswitch } from "./devlink.ts";
import { STEERING } from "./eswitch.ts";

/** How long a change may take to be read back, in ms. */
const READ_BACK_LIMIT = 5000;
/** How often, and how many ms apart, a change is asked for while the eSwitch's lock is held. */
const LOCK_TRIES = 20;
const LOCK_PAUSE = 1000;

/**
 * Sets the mode of a PF's eSwitch, and waits until it reads back and, in switchdev mode, all VFs have
 * representors. The mode that it has already is never set: mlx5 would tear down the LAG for it. Throws
 * Refusal and NetlinkError, with the driver's sentence.
 */
export async function setMode(kernel: Kernel, address: PciAddress, mode: Eswitch["mode"]): Promise<void> {
  const { handle, eswitch } = eswitchAt(kernel, address);
  if (eswitch.mode === mode) return;
  const vfs = findPf(kernel.sysRoot, address)?.vfs ?? [];
  await change(kernel, handle, { mode }, (now) => now.mode === mode);
  if (mode === "switchdev") await awaitRepresentors(kernel, address, vfs.length);
}

/**
 * Makes the driver look at the LAG again, by setting the mode that the eSwitch has. A LAG that is active
 * would be taken down for it: the caller sees to that. Rules in hardware make the driver refuse, and look at
 * the LAG all the same. Source: linux eswitch_offloads.c, mlx5_devlink_eswitch_mode_set(), which goes to
 * enable_lag also where mlx5_esw_try_lock() fails.
 */
export async function setModeAgain(kernel: Kernel, address: PciAddress): Promise<void> {
  const { handle, eswitch } = eswitchAt(kernel, address);
  if (eswitch.mode !== "switchdev") return;
  try {
    await kernel.request({ kind: "setEswitch", handle, change: { mode: "switchdev" } });
  } catch (error) {
    if (!isBusy(error)) throw error;
  }
}

/**
 * Sets the inline mode. Some kernels say yes and change nothing, so it is read back: linux 6.12,
 * eswitch_offloads.c.
 */
export async function setInline(kernel: Kernel, address: PciAddress, inline: Inline): Promise<void> {
  const { handle, eswitch } = eswitchAt(kernel, address);
  if (eswitch.inline === inline) return;
  await change(kernel, handle, { inline }, (now) => now.inline === inline);
}

/** Switches encapsulation in hardware on or off. */
export async function setEncap(kernel: Kernel, address: PciAddress, on: boolean): Promise<void> {
  const { handle, eswitch } = eswitchAt(kernel, address);
  const encap = on ? "basic" : "none";
  if (eswitch.encap === encap) return;
  await change(kernel, handle, { encap }, (now) => now.encap === encap);
}

/** Sets the flow steering. What it is already is never set: in switchdev mode mlx5 refuses even that. */
export async function setSteering(kernel: Kernel, address: PciAddress, steering: Steering): Promise<void> {
  const { handle } = eswitchAt(kernel, address);
  const read = () => kernel.netlink.devlink.getParam(handle, STEERING)?.values.runtime;
  const value = read();
  if (value === steering) return;
  if (value === undefined)
    throw new Refusal(
      "EOPNOTSUPP",
      `set ${STEERING} of ${handle} to ${steering}: the device has no such parameter, or the kernel shows ` +
        `no value for it`,
    );
  await kernel.request({ kind: "setParam", handle, name: STEERING, value: steering, mode: "runtime" });
  if (!(await until(() => read() === steering, { limit: READ_BACK_LIMIT }))) {
    throw new Refusal(
      null,
      `set ${STEERING} of ${handle} to ${steering}: the kernel took it, and it still is ${read()}`,
    );
  }
}

/** The mode of a PF's eSwitch; null when it has none, or it cannot be told. */
export function modeOf(kernel: Kernel, address: PciAddress): string | null {
  try {
    return eswitchAt(kernel, address).eswitch.mode;
  } catch {
    return null;
  }
}

/** The devlink handle of a PF and its eSwitch. Throws Refusal where there is none. */
export function eswitchAt(
  kernel: Kernel,
  address: PciAddress,
): { handle: DevlinkHandle; eswitch: FoundEswitch } {
  const found = findEswitch(kernel, address);
  if (found === null)
    throw new Refusal(
      "ENODEV",
      `devlink has no device for ${address}: it has no driver, or one without devlink`,
    );
  const { handle, eswitch } = found;
  if (eswitch === null) throw new Refusal("EOPNOTSUPP", `${handle} has no eSwitch`);
  return { handle, eswitch };
}

/**
 * Carries a change out, and again where the eSwitch's lock is only held for a moment: mlx5_esw_try_lock() in
 * eswitch.c answers EINVAL then, and EBUSY where somebody uses the eSwitch. The vendor's own script asks
 * sixty times, a second apart.
 */
async function requestChange(kernel: Kernel, handle: DevlinkHandle, wanted: EswitchChange): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      return await kernel.request({ kind: "setEswitch", handle, change: wanted });
    } catch (error) {
      if (tries >= LOCK_TRIES || !isBusy(error) || errnoName(error) !== "EINVAL") throw error;
      await sleep(LOCK_PAUSE);
    }
  }
}

async function change(
  kernel: Kernel,
  handle: DevlinkHandle,
  wanted: EswitchChange,
  isDone: (now: FoundEswitch) => boolean,
): Promise<void> {
  await requestChange(kernel, handle, wanted);
  const read = () => kernel.netlink.devlink.getEswitch(handle);
  const done = () => {
    const now = read();
    return now !== null && isDone(now);
  };
  if (await until(done, { limit: READ_BACK_LIMIT })) return;
  const words = Object.entries(wanted).map(([name, value]) => `${name} ${value}`);
  throw new Refusal(
    null,
    `set eSwitch of ${handle} to ${words.join(" ")}: the kernel took it, and it reads back as ` +
      `${JSON.stringify(read())}`,
  );
}
