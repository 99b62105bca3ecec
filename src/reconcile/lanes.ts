import { driverOf } from "../drivers/registry.ts";
import type { Action } from "../host/actions/action.ts";
import { has, traitsOf } from "../host/actions/action-table.ts";
import { type CardOf, cardsOf } from "../host/cards.ts";
import type { HostState } from "../host/state/state.ts";
import type { PciAddress } from "../host/state/values.ts";

/** Actions that must follow one another. Different lanes run at the same time. */
export interface Lane {
  /**
   * The actions of a group are under way at the same time, and once more one by one if all are refused; the
   * groups follow one another.
   */
  readonly groups: readonly (readonly Action[])[];
  /**
   * Which failures make the rest of the lane pointless: all, those of questions, or none, where each action
   * stands for itself.
   */
  readonly stopsAt: "failures" | "questions" | "nothing";
  /** The card that nobody else may act on meanwhile, also not for another NIC of the spec. */
  readonly card: string | null;
}

/** What lanes depend on: which PFs are ports of one card, and what their driver takes. */
export type LaneState = Pick<HostState, "kernel" | "pfs" | "netdevs">;

/**
 * Sorts one requirement's actions on one NIC into lanes.
 * What is done to a card's ports is done one after the other, except that they change modes together where
 * the driver bears it. VFs are bound at the same time: each is a device of its own, as for guests that start
 * together, and a probe takes long. The rest holds one kernel lock (RTNL) anyway.
 */
export function lanesOf(actions: readonly Action[], state: LaneState): Lane[] {
  const cardOf = cardsOf(state);
  const cards = new Set(
    actions.flatMap((action) => (has(action, "lane", "card") ? [cardOf(action.pf)] : [])),
  );
  const lanes = new Map<string, { groups: Action[][]; stopsAt: Lane["stopsAt"]; card: string | null }>();
  for (const action of actions) {
    const { key, ...rest } = laneOf(action, cards, cardOf);
    const lane = lanes.get(key) ?? { groups: [], ...rest };
    const last = lane.groups.at(-1);
    if (last?.every((other) => mayGoTogether(other, action, state)) === true) last.push(action);
    else lane.groups.push([action]);
    lanes.set(key, lane);
  }
  // Whether VFs are to be unbound hangs on the answer; whether one of them can be, on nothing but itself.
  return [...lanes.values()].map((lane) =>
    lane.card !== null && lane.groups.flat().every(preparesOnly) ? { ...lane, stopsAt: "questions" } : lane,
  );
}

function preparesOnly(action: Action): boolean {
  return has(action, "lane", "prepares") || traitsOf(action).isQuestion === true;
}

/** Two ports' ways into the same mode. */
function mayGoTogether(one: Action, other: Action, state: LaneState): boolean {
  if (one.kind !== "set-eswitch-mode" || other.kind !== "set-eswitch-mode") return false;
  return (
    one.pf !== other.pf &&
    one.mode === other.mode &&
    [one.pf, other.pf].every((pf) => changesModesAtOnce(pf, state))
  );
}

/** Of a driver of which nobody says that it bears it, one port follows the other. */
function changesModesAtOnce(pf: PciAddress, { kernel, pfs }: LaneState): boolean {
  return pfs.some(({ address, driver }) => address === pf && driverOf(driver).changesModesAtOnce(kernel));
}

/**
 * @param cards the cards that are acted on as a whole: an unbinding on one of them prepares that, and belongs
 * before it
 */
function laneOf(
  action: Action,
  cards: ReadonlySet<string>,
  cardOf: CardOf,
): { key: string; stopsAt: Lane["stopsAt"]; card: string | null } {
  const alone = { stopsAt: "nothing", card: null } as const;
  if (has(action, "lane", "vf")) return { key: `bind ${action.vf}`, ...alone };
  // Files and units build on one another: a unit is enabled when its file is there.
  if (has(action, "lane", "host")) return { key: "host", stopsAt: "failures", card: null };
  if (has(action, "lane", "netdevs")) return { key: "netdevs", ...alone };
  const card = cardOf(action.pf);
  if (has(action, "lane", "card") || cards.has(card))
    return { key: `card ${card}`, stopsAt: "failures", card };
  return { key: `unbind on ${action.pf}`, ...alone };
}
