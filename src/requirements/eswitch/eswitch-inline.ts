import { modelOf } from "../../drivers/registry.ts";
import type { Eswitch, PhysicalFunction } from "../../host/state/state.ts";
import { unlessDeclared } from "../reasons.ts";
import type { Finding, Requirement } from "../requirement.ts";
import { aboutPf } from "../virtual-functions.ts";
import { eswitchOf, withoutOption } from "./eswitch.ts";

/**
 * The inline mode is as declared; without a declaration it is the driver's affair, save where the driver is
 * known to have it from a change of mode that failed.
 */
export const eswitchInline: Requirement = {
  id: "eswitch-inline",
  stage: "early",
  title: "the eSwitch's inline mode is as declared",
  why:
    "ConnectX-4 and ConnectX-4 Lx read packet headers from the descriptor and need `transport` to " +
    "match on them; later cards take only `none`.",
  observe: ["devlink dev eswitch show pci/ADDRESS"],
  byHand: ["devlink dev eswitch set pci/ADDRESS inline-mode transport"],
  references: [
    "https://docs.kernel.org/networking/devlink/devlink-eswitch-attr.html",
    "linux drivers/net/ethernet/mellanox/mlx5/core/eswitch_offloads.c (mlx5_devlink_eswitch_inline_mode_set)",
  ],
  follows: ["model", "not-in-bond", "vf-count", "vf-links", "steering"],
  gate: false,
  afterGlance: ["vf-count"],
  notAsked: ({ eswitch }) => unlessDeclared("eswitch.inline", eswitch.inline),
  check: ({ nic, pfs }) => {
    const wanted = nic.eswitch.inline;
    return pfs.flatMap((pf): Finding[] => {
      const eswitch = eswitchOf(pf);
      if (nic.mode !== "sriov" && eswitch !== undefined && isLeftByFailure(pf, eswitch))
        return [leftByFailure(pf)];
      if (wanted === undefined) return [];
      if (eswitch === undefined || (eswitch.inline ?? "none") === wanted) return [];
      if (eswitch.inline === null)
        return [withoutOption(pf, wanted, "the driver has no inline mode", "inline")];
      const set = { kind: "set-inline", pf: pf.address, inline: wanted } as const;
      const remedy = { kind: "actions", actions: [set] } as const;
      return [
        {
          ...aboutPf(pf),
          expected: wanted,
          actual: `inline mode ${eswitch.inline}`,
          severity: "error",
          remedy,
        },
      ];
    });
  },
};

/**
 * Whether it reads `link` on a card whose driver takes only `none`. Source: linux eswitch_offloads.c,
 * esw_offloads_start(), before 6.5: after a change that failed it cannot read the mode of vports, takes
 * `link`, and never asks again.
 */
function isLeftByFailure({ vendor, product }: PhysicalFunction, { inline }: Eswitch): boolean {
  return inline === "link" && modelOf(vendor, product)?.vfLag === true;
}

/** To set `none` is taken and changes nothing: mlx5_devlink_eswitch_inline_mode_set(). */
function leftByFailure(pf: PhysicalFunction): Finding {
  return {
    ...aboutPf(pf),
    expected: "none",
    actual: "inline mode link, which a change to switchdev that failed has left",
    severity: "error",
    remedy: { kind: "reboot", text: "the driver takes `none` again only when it starts" },
    why:
      "With `link` the driver keeps flows of VFs that match on IP or on ports out of the hardware " +
      "(before Linux 6.5; en_tc.c, parse_cls_flower).",
  };
}
