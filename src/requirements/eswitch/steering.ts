import { refusedOf } from "../../host/actions/refusals.ts";
import { isUnknown } from "../../host/state/observed.ts";
import { unlessDeclared } from "../reasons.ts";
import type { Finding, Requirement } from "../requirement.ts";
import { aboutPf } from "../virtual-functions.ts";
import { eswitchOf, optionFinding, refusedOption, withoutOption } from "./eswitch.ts";

/** Flow steering is as declared. */
export const steering: Requirement = {
  id: "steering",
  stage: "early",
  title: "flow steering (dmfs, smfs, hmfs) is as declared",
  why:
    "It decides how fast flows reach the hardware, and it cannot be changed once the eSwitch is in " +
    "switchdev mode.",
  observe: ["devlink dev param show pci/ADDRESS name flow_steering_mode"],
  byHand: [
    "devlink dev param set pci/ADDRESS name flow_steering_mode value smfs cmode runtime (before switchdev)",
  ],
  references: [
    "https://docs.kernel.org/networking/devlink/mlx5.html",
    "linux drivers/net/ethernet/mellanox/mlx5/core/fs_core.c (mlx5_fs_mode_validate: the capability is " +
      "asked before the mode)",
  ],
  follows: ["model", "not-in-bond", "vf-count", "vf-links"],
  gate: false,
  afterGlance: ["vf-count"],
  notAsked: ({ eswitch }) => unlessDeclared("eswitch.steering", eswitch.steering),
  check: ({ nic, pfs, state }) => {
    const wanted = nic.eswitch.steering;
    if (wanted === undefined) return [];
    return pfs.flatMap((pf): Finding[] => {
      const eswitch = eswitchOf(pf);
      if (eswitch === undefined || eswitch.steering === wanted) return [];
      if (isUnknown(eswitch.steering)) {
        const text =
          "leave the parameter alone: drop `steering` from the spec (some kernels show no value, and " +
          "crash when it is set)";
        return [
          {
            ...aboutPf(pf),
            expected: wanted,
            actual: eswitch.steering.unknown,
            severity: "unknown",
            remedy: { kind: "person", text },
          },
        ];
      }
      if (eswitch.steering === null) {
        return [withoutOption(pf, wanted, "the driver has no flow_steering_mode", "steering")];
      }
      const refused = refusedOf(pf, "steering", wanted, state);
      if (refused !== undefined)
        return [refusedOption(pf, wanted, `steering mode ${eswitch.steering}`, "steering", refused)];
      const set = { kind: "set-steering", pf: pf.address, steering: wanted } as const;
      // Every device can do dmfs.
      const question =
        wanted === "dmfs" ? [] : [{ kind: "ask-steering", pf: pf.address, steering: wanted } as const];
      return [
        optionFinding(
          pf,
          { expected: wanted, actual: `steering mode ${eswitch.steering}`, set, question },
          state,
        ),
      ];
    });
  },
};
