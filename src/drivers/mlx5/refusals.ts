import type { Action } from "../../host/actions/action.ts";
import type { RefusedOption } from "../driver.ts";

/**
 * What an EOPNOTSUPP says of the device for good. Source: linux fs_core.c, mlx5_fs_mode_validate(), which
 * names the device; eswitch_offloads.c, mlx5_devlink_eswitch_encap_mode_set(), which says nothing where the
 * capability lacks, and a sentence for all else.
 */
export function refusedForGood(action: Action, words: string): RefusedOption | null {
  if (action.kind === "set-steering" || action.kind === "ask-steering") {
    return /not supported by current device/i.test(words)
      ? { setting: "steering", value: action.steering }
      : null;
  }
  if (action.kind !== "set-encap" || !action.encap || /when|re-creating/i.test(words)) return null;
  return { setting: "encap", value: "basic" };
}
