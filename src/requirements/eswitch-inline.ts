import { eswitchOf, withoutOption } from "./eswitch.ts";
import type { Finding, Requirement } from "./requirement.ts";
import { aboutPf } from "./virtual-functions.ts";

/** The inline mode is as declared; without a declaration it is the driver's affair. */
export const eswitchInline: Requirement = {
  id: "eswitch-inline",
  stage: "early",
  title: "the eSwitch's inline mode is as declared",
  why: "ConnectX-4 and ConnectX-4 Lx read packet headers from the descriptor and need `transport` to match on them; later cards take only `none`.",
  observe: ["devlink dev eswitch show pci/ADDRESS"],
  byHand: ["devlink dev eswitch set pci/ADDRESS inline-mode transport"],
  references: [
    "https://docs.kernel.org/networking/devlink/devlink-eswitch-attr.html",
    "linux drivers/net/ethernet/mellanox/mlx5/core/eswitch_offloads.c (mlx5_devlink_eswitch_inline_mode_set)",
  ],
  follows: ["model", "not-in-bond", "vf-count", "vf-links", "steering"],
  gate: false,
  check: ({ nic, pfs }) => {
    const wanted = nic.eswitch.inline;
    if (wanted === undefined) return [];
    return pfs.flatMap((pf): Finding[] => {
      const eswitch = eswitchOf(pf);
      if (eswitch === undefined || (eswitch.inline ?? "none") === wanted) return [];
      if (eswitch.inline === null) return [withoutOption(pf, wanted, "the driver has no inline mode", "inline")];
      const set = { kind: "set-inline", pf: pf.address, inline: wanted } as const;
      const remedy = { kind: "actions", actions: [set] } as const;
      return [{ ...aboutPf(pf), expected: wanted, actual: eswitch.inline, severity: "error", remedy }];
    });
  },
};
