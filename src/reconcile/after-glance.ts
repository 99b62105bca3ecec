import { has } from "../host/actions/action-table.ts";
import type { HostState } from "../host/state/state.ts";
import type { PciAddress } from "../host/state/values.ts";
import { requirements } from "../requirements/stages.ts";
import type { Step } from "./step.ts";
import type { Watched } from "./watched.ts";

type Done = Pick<Step, "requirement" | "actions">;

/** Whether `next` may be begun after `last` without observing the host. */
export function mayFollow(last: Done, next: Done): boolean {
  return followsGlance(next.requirement, last.requirement);
}

/** The host after a step whose effects a glance can show; null where it has to be observed. */
export async function glanceAfter(host: Watched, before: HostState, step: Done): Promise<HostState | null> {
  if (!requirements.some(({ id }) => followsGlance(id, step.requirement))) return null;
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

function followsGlance(next: string, last: string): boolean {
  return requirements.find(({ id }) => id === next)?.afterGlance?.includes(last) === true;
}
