import type { DevlinkHandle } from "../../../netlink/index.ts";
import { type Observed, unknown } from "../../state/observed.ts";
import type { Eswitch } from "../../state/state.ts";
import type { Kernel } from "../system/kernel.ts";
import { reasonOf } from "../system/refusal.ts";

const modes = ["legacy", "switchdev"] as const;
const inlines = ["none", "link", "network", "transport"] as const;
const steerings = ["dmfs", "smfs", "hmfs"] as const;

export const STEERING = "flow_steering_mode";

/** The eSwitch of a PF; null when its device has none. Reading it needs CAP_NET_ADMIN: unknown for others. */
export function observeEswitch(
  kernel: Kernel,
  handle: Observed<DevlinkHandle | null>,
): Observed<Eswitch | null> {
  if (handle === null) return null;
  if (typeof handle !== "string") return handle;
  try {
    const found = kernel.netlink.devlink.getEswitch(handle);
    if (found === null) return null;
    const mode = modes.find((name) => name === found.mode);
    const inline = found.inline === null ? null : inlines.find((name) => name === found.inline);
    if (mode === undefined) return unknown(`the kernel shows a mode that is new to vflag: ${found.mode}`);
    if (inline === undefined)
      return unknown(`the kernel shows an inline mode that is new to vflag: ${found.inline}`);
    return {
      mode,
      inline,
      encap: found.encap === null ? null : found.encap !== "none",
      steering: observeSteering(kernel, handle),
    };
  } catch (error) {
    return unknown(reasonOf(error));
  }
}

/** Some 5.4 kernels show the parameter without its value, and must not be asked to set it. */
function observeSteering(kernel: Kernel, handle: DevlinkHandle): Eswitch["steering"] {
  try {
    const param = kernel.netlink.devlink.getParam(handle, STEERING);
    if (param === null) return null;
    const value = param.values.runtime;
    if (value === undefined) return unknown(`the kernel shows ${STEERING} without a value`);
    return (
      steerings.find((name) => name === value) ??
      unknown(`the kernel shows a ${STEERING} that is new to vflag: ${value}`)
    );
  } catch (error) {
    return unknown(reasonOf(error));
  }
}
