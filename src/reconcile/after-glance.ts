import type { Action } from "../host/actions/action.ts";
import { has } from "../host/actions/action-table.ts";
import type { HostState } from "../host/state/state.ts";
import type { PciAddress } from "../host/state/values.ts";
import type { Watched } from "./watched.ts";

/** One requirement being brought about. */
interface Step {
  readonly requirement: string;
  readonly actions: readonly Action[];
}

/**
 * What may be done after a step on the strength of a glance at its PFs (`glanced`), by requirement: what
 * needs to know nothing of the host but these PFs' VFs, and what was there before the step. For all else, and
 * for saying that nothing is left to do, the host is observed. To look at everything takes longer than some
 * of the steps: docs/benchmarks.md.
 */
const followers: ReadonlyMap<string, readonly string[]> = new Map([
  ["vf-count", ["vfs-unbound", "steering", "eswitch-inline", "eswitch-encap", "eswitch-mode"]],
  ["vf-autoprobe", ["vfs-bound"]],
]);

/** Whether `next` may be begun after `last` without observing the host. */
export function mayFollow(last: Step, next: Step): boolean {
  return followers.get(last.requirement)?.includes(next.requirement) === true;
}

/** The host after a step whose effects a glance can show; null where it has to be observed. */
export async function glanceAfter(host: Watched, before: HostState, step: Step): Promise<HostState | null> {
  if (!followers.has(step.requirement)) return null;
  const pfs = new Set<PciAddress>();
  for (const action of step.actions) {
    if (!has(action, "glance", "vfs", "pfs")) return null;
    pfs.add(action.pf);
  }
  return host.glance(
    before,
    [...pfs],
    step.actions.some((action) => has(action, "glance", "vfs")) ? "vfs" : "pfs",
  );
}
