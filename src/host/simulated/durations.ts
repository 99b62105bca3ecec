import { profileOf } from "../../drivers/registry.ts";
import type { Action } from "../actions/action.ts";
import { type ActionOf, has, type KindsWith, traitsOf } from "../actions/action-table.ts";
import { known } from "../state/observed.ts";
import type { World } from "./world.ts";

/** How long an action takes on this host as it is now, in seconds of virtual time. */
export function durationOf(world: World, action: Action): number {
  // systemd runs all its generators when it is told of a unit.
  if ("reload" in action && action.reload === true) return 0.5;
  const { seconds } = traitsOf(action);
  if (seconds !== "by NIC") return seconds;
  return has(action, "seconds", "by NIC") ? onNic(world, action) : 0;
}

function onNic(world: World, action: ActionOf<KindsWith<"seconds", "by NIC">>): number {
  const pf = world.state.pfs.find((candidate) => candidate.address === action.pf);
  if (pf === undefined) return 0;
  const { seconds } = profileOf(pf);
  switch (action.kind) {
    case "set-vf-autoprobe":
    case "set-steering":
    case "ask-steering":
    case "ask-eswitch-mode":
    case "set-inline":
    case "set-encap":
      return seconds.request;
    case "set-vf-count": {
      const count = pf.sriov?.count ?? 0;
      if (count === action.count) return seconds.request;
      if (action.count === 0)
        return count * (seconds.destroyVf + (pf.vfs.some((vf) => vf.driver !== null) ? seconds.unbindVf : 0));
      return action.count * (seconds.createVf + (pf.sriov?.autoprobe === false ? 0 : seconds.probeVf));
    }
    case "unbind-vf":
      return seconds.unbindVf;
    case "bind-vf":
      return seconds.probeVf;
    case "set-eswitch-mode":
      return known(pf.eswitch)?.mode === action.mode
        ? seconds.request
        : seconds.modeChange + pf.vfs.length * seconds.modeChangePerVf;
  }
}
