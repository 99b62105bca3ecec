import { refusedOf } from "../../host/actions/refusals.ts";
import { cardsOf } from "../../host/cards.ts";
import { known } from "../../host/state/observed.ts";
import type { HostState, PhysicalFunction } from "../../host/state/state.ts";
import { unlessDeclared } from "../reasons.ts";
import type { Requirement } from "../requirement.ts";
import { eswitchOf, optionFinding, refusedOption, withoutOption } from "./eswitch.ts";

/** Whether the eSwitch encapsulates in hardware is as declared. */
export const eswitchEncap: Requirement = {
  id: "eswitch-encap",
  stage: "early",
  title: "hardware encapsulation (VXLAN, Geneve) is as declared",
  why:
    "Without it tunnelled flows run in software; changing it in switchdev mode builds the flow tables " +
    "anew, so it is set before.",
  observe: ["devlink dev eswitch show pci/ADDRESS"],
  byHand: ["devlink dev eswitch set pci/ADDRESS encap-mode basic"],
  references: [
    "https://docs.kernel.org/networking/devlink/devlink-eswitch-attr.html",
    "linux drivers/net/ethernet/mellanox/mlx5/core/eswitch_offloads.c (mlx5_devlink_eswitch_encap_mode_set)",
  ],
  follows: ["model", "not-in-bond", "vf-count", "vf-links", "steering"],
  gate: false,
  afterGlance: ["vf-count"],
  notAsked: ({ eswitch }) => unlessDeclared("eswitch.encap", eswitch.encap),
  check: ({ nic, pfs, state }) => {
    const wanted = nic.eswitch.encap;
    if (wanted === undefined) return [];
    return pfs.flatMap((pf) => {
      const eswitch = eswitchOf(pf);
      if (eswitch === undefined || (eswitch.encap ?? false) === wanted) return [];
      if (eswitch.encap === null)
        return [withoutOption(pf, word(wanted), "the driver has no encap mode", "encap")];
      const refused = wanted ? refusedOf(pf, "encap", "basic", state) : undefined;
      if (refused !== undefined)
        return [refusedOption(pf, word(wanted), word(eswitch.encap), "encap", refused)];
      const set = { kind: "set-encap", pf: pf.address, encap: wanted } as const;
      // `none` is always taken. Whether a card can do the other it tells in legacy mode, or by another port
      // of it that does.
      const can = !wanted || known(state.pfs.find(onCardOf(pf, state))?.eswitch ?? null)?.encap === true;
      return [
        optionFinding(
          pf,
          {
            expected: word(wanted),
            actual: word(eswitch.encap),
            set,
            question: can ? [] : null,
          },
          state,
        ),
      ];
    });
  },
};

function onCardOf(pf: PhysicalFunction, state: HostState): (other: PhysicalFunction) => boolean {
  const cardOf = cardsOf(state);
  return (other) =>
    other !== pf && cardOf(other.address) === cardOf(pf.address) && known(other.eswitch)?.encap === true;
}

function word(encap: boolean): string {
  return encap ? "encap on" : "encap off";
}
