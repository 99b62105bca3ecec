import { word } from "../../host/actions/command.ts";
import type { Bond } from "../../host/state/state.ts";
import { unlessLag } from "../reasons.ts";
import type { Finding, Requirement } from "../requirement.ts";
import { lagMaster } from "./lag-master.ts";

const noPartner = "00:00:00:00:00:00";

/** In mode vf-lag the bond is up, a port of it has a link, and with LACP somebody answers. */
export const bondLinks: Requirement = {
  id: "bond-links",
  stage: "late",
  title: "the bond is up, with links, and with an LACP partner where its mode wants one",
  why:
    "Without a link under the bond no VF reaches anything, whatever the NIC's LAG says; with one link " +
    "there is nothing to fail over to.",
  observe: ["cat /proc/net/bonding/BOND", "ip -br link"],
  byHand: ["See the cables, the switch's ports, and the LACP configuration of the switch."],
  references: ["https://docs.kernel.org/networking/bonding.html"],
  follows: ["bond"],
  gate: false,
  notAsked: unlessLag,
  check: ({ nic, state }) => {
    const found = lagMaster(nic.bond, state);
    return found === undefined || found.slaves.length === 0 ? [] : linkFindings(found);
  },
};

function linkFindings(found: Bond): Finding[] {
  const see = `see the cables, the switch's ports and LACP: cat /proc/net/bonding/${word(found.name)}`;
  const finding = (
    subject: string,
    expected: string,
    actual: string,
    severity: Finding["severity"],
    text = see,
  ): Finding => {
    return { subject, expected, actual, severity, remedy: { kind: "person", text } };
  };
  if (!found.up) return [finding(found.name, "up", "down", "error", `ip link set ${word(found.name)} up`)];
  const down = found.slaves.filter((slave) => !slave.up).map((slave) => slave.netdev);
  if (down.length === found.slaves.length)
    return [finding(found.name, "a link", `no link on ${down.join(" and ")}`, "error")];
  return [
    ...(isUnanswered(found) ? [finding(found.name, "an LACP partner", "none answers", "error")] : []),
    ...(isSplit(found)
      ? [
          finding(
            found.name,
            "one aggregator of all ports with a link",
            `LACP uses ${found.lacp?.ports}`,
            "warning",
          ),
        ]
      : []),
    ...down.map((port) => finding(`${port} in ${found.name}`, "link up", "link down", "warning")),
  ];
}

/** A port has a link, and the switch does not aggregate it with the others. */
function isSplit(bond: Bond): boolean {
  const up = bond.slaves.filter((slave) => slave.up).length;
  return bond.mode === "802.3ad" && !isUnanswered(bond) && bond.lacp !== null && bond.lacp.ports < up;
}

/** The bond's mode wants an LACP partner, and none has answered. */
export function isUnanswered(bond: Bond): boolean {
  return bond.mode === "802.3ad" && (bond.lacp === null || bond.lacp.partner === noPartner);
}
