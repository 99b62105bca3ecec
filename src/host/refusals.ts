import type { Action } from "./action.ts";
import { known } from "./observed.ts";
import type { RefusedSetting } from "./refused.ts";
import type { HostState } from "./state.ts";
import { slotOf } from "./values.ts";

/**
 * What a refusal says of the device for good; null where the moment may be to blame. Source: linux fs_core.c, mlx5_fs_mode_validate(), which
 * names the device; eswitch_offloads.c, mlx5_devlink_eswitch_encap_mode_set(), which says nothing where the capability lacks, and a
 * sentence for all else.
 */
export function refusedForGood(
  action: Action,
  code: string | null,
  words: string,
  { pfs, kernel }: { readonly pfs: readonly Pick<HostState["pfs"][number], "address" | "firmware">[]; readonly kernel: string },
): RefusedSetting | null {
  if (code !== "EOPNOTSUPP") return null;
  const about = (pf: string) => ({ kernel, firmware: known(pfs.find(({ address }) => address === pf)?.firmware ?? null) ?? null, words });
  if (action.kind === "set-steering" || action.kind === "ask-steering") {
    if (!/not supported by current device/i.test(words)) return null;
    return { pf: action.pf, setting: "steering", value: action.steering, ...about(action.pf) };
  }
  if (action.kind !== "set-encap" || !action.encap || /when|re-creating/i.test(words)) return null;
  return { pf: action.pf, setting: "encap", value: "basic", ...about(action.pf) };
}

/** What was refused of this PF's card, whose ports can do the same, with the kernel and firmware that it has now. */
export function refusedOf(
  pf: Pick<HostState["pfs"][number], "address" | "firmware">,
  setting: RefusedSetting["setting"],
  value: string,
  state: Pick<HostState, "refused" | "kernel">,
): RefusedSetting | undefined {
  const firmware = known(pf.firmware);
  return state.refused.find(
    (found) =>
      slotOf(found.pf) === slotOf(pf.address) &&
      found.setting === setting &&
      found.value === value &&
      found.kernel === state.kernel &&
      // A version that is not known now contradicts nothing.
      (firmware === undefined || found.firmware === firmware),
  );
}

/** The list with one more, in the place of what was said of the same before. */
export function withRefused(list: readonly RefusedSetting[], found: RefusedSetting): RefusedSetting[] {
  const others = list.filter(({ pf, setting, value }) => pf !== found.pf || setting !== found.setting || value !== found.value);
  return [...others, found];
}
