import { driverOf } from "../../drivers/registry.ts";
import { known } from "../state/observed.ts";
import type { RefusedSetting } from "../state/refused.ts";
import type { HostState } from "../state/state.ts";
import { slotOf } from "../state/values.ts";
import type { Action } from "./action.ts";

/** What a refusal says of the device for good; null where the moment may be to blame. */
export function refusedForGood(
  action: Action,
  code: string | null,
  words: string,
  {
    pfs,
    kernel,
  }: {
    readonly pfs: readonly Pick<HostState["pfs"][number], "address" | "driver" | "firmware">[];
    readonly kernel: string;
  },
): RefusedSetting | null {
  if (code !== "EOPNOTSUPP" || !("pf" in action)) return null;
  const pf = pfs.find(({ address }) => address === action.pf);
  const refused = pf === undefined ? null : driverOf(pf.driver).refusedForGood(action, words);
  return refused === null
    ? null
    : { pf: action.pf, ...refused, kernel, firmware: known(pf?.firmware ?? null) ?? null, words };
}

/**
 * What was refused of this PF's card, whose ports can do the same, with the kernel and firmware that it has
 * now.
 */
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
  const others = list.filter(
    ({ pf, setting, value }) => pf !== found.pf || setting !== found.setting || value !== found.value,
  );
  return [...others, found];
}
