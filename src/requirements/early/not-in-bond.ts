import type { PhysicalFunction } from "../../host/state/state.ts";
import { netdevOf } from "../../spec/selectors.ts";
import { eswitchEncap } from "../eswitch/eswitch-encap.ts";
import { eswitchInline } from "../eswitch/eswitch-inline.ts";
import { eswitchMode } from "../eswitch/eswitch-mode.ts";
import { steering } from "../eswitch/steering.ts";
import { heldVfs } from "../held-vfs.ts";
import type { Finding, NicView, Requirement } from "../requirement.ts";
import { leftByThisBoot } from "../second-boot.ts";
import { aboutPf } from "../virtual-functions.ts";
import { vfCount } from "./vf-count.ts";
import { vfLinks } from "./vf-links.ts";

/** What must be done before a PF is in a bond, in the order of the early stage. */
const beforeBonding = [vfCount, vfLinks, steering, eswitchInline, eswitchEncap, eswitchMode];

/** A PF is not in a bond (or under any other master) while VFs and eSwitch are still to be set up. */
export const notInBond: Requirement = {
  id: "not-in-bond",
  stage: "early",
  title: "no port is in a bond before its VFs and eSwitch are set up",
  why:
    "Changing the eSwitch of a bonded PF takes its link down under the bond and can leave the LAG in " +
    "RoCE mode: vflag never touches such a PF.",
  observe: ["ip -d link show PF (master)", "cat /proc/net/bonding/BOND"],
  byHand: [
    "Reboot with vflag's units enabled: the early stage then runs before networking makes the bond.",
    "Where this boot's early stage was refused: put that right first, since the next boot is answered alike.",
  ],
  references: [
    "linux drivers/net/ethernet/mellanox/mlx5/core/lag/lag.c (mlx5_do_bond)",
    "https://www.stackhpc.com/vflag-kayobe.html",
  ],
  follows: ["ports", "model"],
  gate: true,
  check: (view) => {
    const bonded = view.pfs.filter((pf) => masterOf(pf, view) !== null);
    const late = bonded.length === 0 ? [] : mendedByBoot(view);
    return bonded.flatMap((pf): Finding[] => {
      const own = late.filter((finding) => finding.pf === pf.address);
      if (own.length === 0) return [];
      const master = masterOf(pf, view);
      return [
        {
          ...aboutPf(pf),
          expected: `set up before it joins ${master}`,
          actual:
            `in ${master} already, with ` +
            `${own.map(({ actual, expected }) => `${actual} instead of ${expected}`).join("; ")}`,
          severity: "error",
          remedy: {
            kind: "reboot",
            text:
              "a bonded PF is never touched; at boot the early stage runs before networking" +
              drain(pf, view),
          },
        },
      ];
    });
  },
};

function masterOf(pf: PhysicalFunction, { state }: NicView): string | null {
  return netdevOf(pf, state)?.master ?? null;
}

function drain(pf: PhysicalFunction, { state }: NicView): string {
  const held = heldVfs(pf, state);
  return held.length === 0 ? "" : `. Move or stop the guests first: ${held.join("; ")}`;
}

/**
 * What the early stage of the next boot would put right. At a gate that a boot does not open (too few VFs in
 * the firmware, what this boot's stage was refused) it stops, and what comes after it is not mended either:
 * such a gate speaks for itself.
 */
function mendedByBoot(view: NicView): Finding[] {
  const atBoot = { ...view, pfs: view.pfs.map(withoutUsers) };
  const mended: Finding[] = [];
  for (const requirement of beforeBonding) {
    const found = requirement
      .check(atBoot)
      .filter(({ severity, lasting }) => severity === "error" && lasting !== true);
    const left = found.filter((finding) => !isMended(requirement.id, finding, view));
    if (requirement.gate && left.length > 0) break;
    // Links come by themselves.
    if (requirement !== vfLinks) mended.push(...found.filter((finding) => !left.includes(finding)));
  }
  return mended;
}

/** When the host has booted, no guest runs. */
function withoutUsers(pf: PhysicalFunction): PhysicalFunction {
  return { ...pf, vfs: pf.vfs.map((vf) => ({ ...vf, holders: [] })) };
}

function isMended(requirement: string, finding: Finding, view: NicView): boolean {
  const left = leftByThisBoot(requirement, finding, view);
  if (requirement === vfLinks.id) return left === undefined;
  return (left?.refused ?? null) === null && finding.remedy.kind !== "person";
}
