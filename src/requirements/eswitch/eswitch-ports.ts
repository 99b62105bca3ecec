import type { Netdev, Representor } from "../../host/state/state.ts";
import { netdevOf } from "../../spec/selectors.ts";
import { netdevsOf } from "../netdevs.ts";
import type { NicView } from "../requirement.ts";
import { aboutPf, type Subject } from "../virtual-functions.ts";
import { eswitchOf } from "./eswitch.ts";

/** A netdev on a NIC's eSwitch: a PF (the uplink representor) or the representor of a VF. */
export interface EswitchPort {
  readonly netdev: Netdev;
  readonly role: "pf" | "representor";
  /**
   * As messages name it: `ens3f0 (0000:37:00.0)` or `representor ens3f0npf0vf3 (VF 3 of 0000:37:00.0)`. Made
   * when it is asked for.
   */
  readonly about: Subject;
}

class RepresentorPort implements EswitchPort {
  readonly role = "representor";
  readonly netdev: Netdev;
  readonly #representor: Representor;

  constructor(netdev: Netdev, representor: Representor) {
    this.netdev = netdev;
    this.#representor = representor;
  }

  get about(): Subject {
    const { netdev, vf, pf } = this.#representor;
    return { subject: `representor ${netdev} (VF ${vf} of ${pf})`, pf };
  }
}

/**
 * The netdevs that carry a NIC's offloaded traffic, PFs first; empty in mode sriov, and for PFs that are not
 * in switchdev mode. Several requirements ask for them of one view, and a fleet has thousands of views: each
 * is answered once.
 */
export function eswitchPorts(view: NicView): readonly EswitchPort[] {
  const known = answers.get(view);
  if (known !== undefined) return known;
  const found = portsOf(view);
  answers.set(view, found);
  return found;
}

/** A view never changes, and what is known of it goes with it. */
const answers = new WeakMap<NicView, readonly EswitchPort[]>();

function portsOf(view: NicView): EswitchPort[] {
  const { nic, pfs, state } = view;
  if (nic.mode === "sriov") return [];
  const { named } = netdevsOf(view);
  const ready = pfs.filter((pf) => eswitchOf(pf)?.mode === "switchdev");
  const uplinks = ready.flatMap((pf): EswitchPort[] => {
    const netdev = netdevOf(pf, state);
    return netdev === undefined ? [] : [{ netdev, role: "pf", about: aboutPf(pf) }];
  });
  const representors = ready.flatMap((pf) => {
    return state.representors
      .filter((representor) => representor.pf === pf.address)
      .flatMap((representor): EswitchPort[] => {
        const netdev = named.get(representor.netdev);
        return netdev === undefined ? [] : [new RepresentorPort(netdev, representor)];
      });
  });
  return [...uplinks, ...representors];
}
