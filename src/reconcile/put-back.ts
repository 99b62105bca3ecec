import type { Action } from "../host/actions/action.ts";
import { halfWayLine } from "../host/actions/driver-restart.ts";
import { known } from "../host/state/observed.ts";
import type { HostState } from "../host/state/state.ts";
import type { Deviation } from "../requirements/requirement.ts";
import type { Failure, Step } from "./step.ts";

/**
 * Refusals of another mode that leave the eSwitch as it was: somebody uses it, or something that is set
 * excludes it.
 */
const untouched = new Set(["EBUSY", "EOPNOTSUPP", "EPERM"]);

/**
 * What puts back what a run took apart for a change of mode that was then refused: the VFs that it unbound
 * get their driver again. The eSwitch was asked before, so this is for the case that somebody began to use it
 * in between. A change that failed half-way is another matter: the firmware refused, the VFs have no network
 * any more, and a driver would not give them one; nor where the driver itself is half-way.
 *
 * @param steps what the run did
 * @param state the host after that
 */
export function putBack(
  stoppedBy: readonly Deviation[],
  steps: readonly Pick<Step, "actions">[],
  failures: readonly Pick<Failure, "action" | "code">[],
  state: HostState,
): Action[] {
  const refused = failures.filter(
    ({ action, code }) => action.kind === "set-eswitch-mode" && untouched.has(code ?? ""),
  );
  if (refused.length === 0 || !stoppedBy.some(({ stage }) => stage === "early")) return [];
  const failed = new Set(failures.map(({ action }) => action));
  const unbound = steps
    .flatMap(({ actions }) => actions)
    .filter((action) => action.kind === "unbind-vf" && !failed.has(action));
  const actions: Action[] = [];
  const log = known(state.kernelLog)?.lines.map(({ text }) => text) ?? [];
  for (const pf of state.pfs) {
    if (halfWayLine(pf.driver, log, [pf.address]) !== null) continue;
    const own = unbound.flatMap((action) =>
      action.kind === "unbind-vf" && action.pf === pf.address ? [action] : [],
    );
    const free = own.filter(({ vf }) =>
      pf.vfs.some(({ address, driver }) => address === vf && driver === null),
    );
    if (free.length === 0) continue;
    // With autoprobe off the kernel binds none.
    if (pf.sriov?.autoprobe === false) actions.push({ kind: "set-vf-autoprobe", pf: pf.address, on: true });
    actions.push(...free.map(({ vf, driver }): Action => ({ kind: "bind-vf", pf: pf.address, vf, driver })));
  }
  return actions;
}
