import type { Netdev, VirtualFunction } from "../host/state/state.ts";
import type { NicView } from "./requirement.ts";

/**
 * A host's netdevs by what VFs are looked up by: there are some of them for each VF, and several requirements
 * look at each.
 */
export interface Netdevs {
  readonly named: ReadonlyMap<string, Netdev>;
  /** By the address of the device under them; of several the first. */
  readonly on: ReadonlyMap<string, Netdev>;
  /** The name of a VF's representor. */
  readonly representorOf: (pf: string, vf: VirtualFunction) => string | undefined;
}

/**
 * Several requirements ask for them of one view, and a fleet has thousands of views: each is answered once.
 */
export function netdevsOf(view: NicView): Netdevs {
  const known = answers.get(view);
  if (known !== undefined) return known;
  const found = sorted(view);
  answers.set(view, found);
  return found;
}

/** A view never changes, and what is known of it goes with it. */
const answers = new WeakMap<NicView, Netdevs>();

function sorted({ state: { netdevs, representors } }: NicView): Netdevs {
  const named = new Map<string, Netdev>();
  const on = new Map<string, Netdev>();
  for (const netdev of netdevs) {
    if (!named.has(netdev.name)) named.set(netdev.name, netdev);
    if (netdev.device !== null && !on.has(netdev.device)) on.set(netdev.device, netdev);
  }
  const byPf = new Map<string, Map<number, string>>();
  for (const { pf, vf, netdev } of representors) {
    const known = byPf.get(pf);
    if (known === undefined) byPf.set(pf, new Map([[vf, netdev]]));
    else if (!known.has(vf)) known.set(vf, netdev);
  }
  return { named, on, representorOf: (pf, { index }) => byPf.get(pf)?.get(index) };
}
