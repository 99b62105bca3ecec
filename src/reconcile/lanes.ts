import type { Action } from "../host/action.ts";
import { slotOf } from "../host/values.ts";

/** Actions that must follow one another. Different lanes run at the same time. */
export interface Lane {
  readonly actions: readonly Action[];
  /** True where a failure makes the rest of the lane pointless; false where each action stands for itself. */
  readonly stopsAtFailure: boolean;
  /** The card that nobody else may act on meanwhile, also not for another NIC of the spec. */
  readonly card: string | null;
}

/**
 * Sorts one requirement's actions on one NIC into lanes.
 * VF numbers and eSwitch modes of a card's ports are changed one after the other: old drivers crash otherwise.
 * VFs are bound at the same time: each is a device of its own, as for guests that start together, and a probe takes long.
 * The rest holds one kernel lock (RTNL) anyway.
 */
export function lanesOf(actions: readonly Action[]): Lane[] {
  const lanes = new Map<string, { actions: Action[]; stopsAtFailure: boolean; card: string | null }>();
  for (const action of actions) {
    const { key, stopsAtFailure, card = null } = laneOf(action);
    const lane = lanes.get(key) ?? { actions: [], stopsAtFailure, card };
    lane.actions.push(action);
    lane.stopsAtFailure ||= stopsAtFailure;
    lanes.set(key, lane);
  }
  // An unbinding that prepares a mode change belongs before it, in the same lane.
  const nic = lanes.get("nic");
  if (nic === undefined || lanes.size === 1) return [...lanes.values()];
  return [{ ...nic, actions }];
}

function laneOf(action: Action): { key: string; stopsAtFailure: boolean; card?: string } {
  switch (action.kind) {
    case "set-vf-autoprobe":
    case "set-vf-count":
    case "set-steering":
    case "set-inline":
    case "set-encap":
    case "set-eswitch-mode":
    case "activate-lag":
      return { key: "nic", stopsAtFailure: true, card: slotOf(action.pf) };
    case "bind-vf":
      return { key: `bind ${action.vf}`, stopsAtFailure: false };
    case "unbind-vf":
      return { key: `vfs of ${action.pf}`, stopsAtFailure: false };
    case "set-tc-offload":
    case "set-channels":
    case "set-vf-settings":
      return { key: "netdevs", stopsAtFailure: false };
  }
}
