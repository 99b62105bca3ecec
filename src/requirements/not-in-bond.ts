import type { PhysicalFunction } from "../host/state.ts";
import { netdevOf } from "../spec/selectors.ts";
import { eswitchEncap } from "./eswitch-encap.ts";
import { eswitchInline } from "./eswitch-inline.ts";
import { eswitchMode } from "./eswitch-mode.ts";
import type { Finding, NicView, Requirement } from "./requirement.ts";
import { steering } from "./steering.ts";
import { vfCount } from "./vf-count.ts";
import { aboutPf, heldVfs } from "./virtual-functions.ts";

/** What must be done before a PF is in a bond. */
const beforeBonding = [vfCount, steering, eswitchInline, eswitchEncap, eswitchMode];

/** A PF is not in a bond (or under any other master) while VFs and eSwitch are still to be set up. */
export const notInBond: Requirement = {
  id: "not-in-bond",
  stage: "early",
  title: "no port is in a bond before its VFs and eSwitch are set up",
  why: "Changing the eSwitch of a bonded PF takes its link down under the bond and can leave the LAG in RoCE mode: vflag never touches such a PF.",
  observe: ["ip -d link show PF (master)", "cat /proc/net/bonding/BOND"],
  byHand: ["Reboot with vflag's units enabled: the early stage then runs before networking makes the bond."],
  references: ["linux drivers/net/ethernet/mellanox/mlx5/core/lag/lag.c (mlx5_do_bond)", "https://www.stackhpc.com/vflag-kayobe.html"],
  follows: ["ports", "model"],
  gate: true,
  check: (view) => {
    return view.pfs.flatMap((pf): Finding[] => {
      const master = netdevOf(pf, view.state)?.master ?? null;
      if (master === null) return [];
      const late = pending({ ...view, pfs: [pf] });
      if (late.length === 0) return [];
      return [
        {
          ...aboutPf(pf),
          expected: `set up before it joins ${master}`,
          actual: `in ${master} already, with ${late.join("; ")}`,
          severity: "error",
          remedy: { kind: "reboot", text: `a bonded PF is never touched; at boot the early stage runs before networking${drain(pf)}` },
        },
      ];
    });
  },
};

function drain(pf: PhysicalFunction): string {
  const held = heldVfs(pf);
  return held.length === 0 ? "" : `. Move or stop the guests first: ${held.join("; ")}`;
}

function pending(view: NicView): string[] {
  return beforeBonding.flatMap((requirement) => {
    return requirement
      .check(view)
      .filter(({ severity, lasting }) => severity === "error" && lasting !== true)
      .map((finding) => `${finding.actual} instead of ${finding.expected}`);
  });
}
