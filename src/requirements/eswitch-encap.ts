import { eswitchOf, optionFinding, withoutOption } from "./eswitch.ts";
import type { Requirement } from "./requirement.ts";

/** Whether the eSwitch encapsulates in hardware is as declared. */
export const eswitchEncap: Requirement = {
  id: "eswitch-encap",
  stage: "early",
  title: "hardware encapsulation (VXLAN, Geneve) is as declared",
  why: "Without it tunnelled flows run in software; changing it in switchdev mode builds the flow tables anew, so it is set before.",
  observe: ["devlink dev eswitch show pci/ADDRESS"],
  byHand: ["devlink dev eswitch set pci/ADDRESS encap-mode basic"],
  references: ["https://docs.kernel.org/networking/devlink/devlink-eswitch-attr.html"],
  follows: ["model", "not-in-bond", "vf-count", "vf-links", "steering"],
  gate: false,
  check: ({ nic, pfs }) => {
    const wanted = nic.eswitch.encap;
    if (wanted === undefined) return [];
    return pfs.flatMap((pf) => {
      const eswitch = eswitchOf(pf);
      if (eswitch === undefined || (eswitch.encap ?? false) === wanted) return [];
      if (eswitch.encap === null) return [withoutOption(pf, word(wanted), "the driver has no encap mode", "encap")];
      return [optionFinding(pf, word(wanted), word(eswitch.encap), { kind: "set-encap", pf: pf.address, encap: wanted }, true)];
    });
  },
};

function word(encap: boolean): string {
  return encap ? "encap on" : "encap off";
}
