import type { Steering } from "../../actions/action.ts";
import type { Eswitch } from "../../state/state.ts";
import type { PciAddress } from "../../state/values.ts";
import type { Kernel } from "../system/kernel.ts";
import { reasonOf } from "../system/refusal.ts";
import { STEERING } from "./eswitch.ts";
import { eswitchAt } from "./eswitch-actions.ts";

/**
 * What is asked of a driver before something is taken apart for it: the question changes nothing, and the
 * answer says whether it can be.
 */

/**
 * Returns when the device can do this steering. In switchdev mode the driver refuses either way, and asks the
 * capability before the mode, so that its sentence says which of the two it is: linux fs_core.c,
 * mlx5_fs_mode_validate(). Throws the driver's refusal.
 */
export async function askSteering(kernel: Kernel, address: PciAddress, steering: Steering): Promise<void> {
  const { handle, eswitch } = eswitchAt(kernel, address);
  // dmfs is what every device can do; in legacy mode the question would be the deed.
  if (steering === "dmfs" || eswitch.mode !== "switchdev") return;
  try {
    await kernel.request({ kind: "setParam", handle, name: STEERING, value: steering, mode: "runtime" });
  } catch (error) {
    if (reasonOf(error).includes("not supported when eswitch offloads enabled")) return;
    throw error;
  }
}

/**
 * Returns when the eSwitch is not busy, so that it would change its mode. To set the mode that is there takes
 * the same lock, and a LAG down: the port must be in no bond. Kernels before 5.15 always say yes. Throws the
 * driver's refusal.
 */
export async function askMode(kernel: Kernel, address: PciAddress, mode: Eswitch["mode"]): Promise<void> {
  const { handle } = eswitchAt(kernel, address);
  await kernel.request({ kind: "setEswitch", handle, change: { mode } });
}
