import { word } from "../../host/actions/command.ts";
import type { Bond } from "../../host/state/state.ts";
import { unlessLag } from "../reasons.ts";
import type { Finding, Requirement } from "../requirement.ts";
import { lagMaster } from "./lag-master.ts";

/**
 * In mode vf-lag the bond notices a dead link, and soon: the NIC moves VFs to the other port when the bond
 * does.
 */
export const bondFailover: Requirement = {
  id: "bond-failover",
  stage: "late",
  title: "the bond notices a dead link, without delay",
  why:
    "The NIC's LAG follows the bond: while the bond takes a dead port for a live one, the VFs' packets " +
    "go there and are lost.",
  observe: ["cat /proc/net/bonding/BOND (MII Polling Interval, Up Delay, Down Delay, LACP rate)"],
  byHand: [
    "ip link set BOND type bond miimon 100, also in the host's network configuration",
    "lacp_rate fast where the switch takes it",
  ],
  references: [
    "https://docs.kernel.org/networking/bonding.html (miimon, arp_interval, updelay, downdelay, lacp_rate)",
    "linux drivers/net/ethernet/mellanox/mlx5/core/lag/lag.c (mlx5_handle_changelowerstate_event)",
    "linux drivers/net/bonding/bond_3ad.c (__ad_timer_to_ticks: 3 s or 90 s, by the own rate)",
  ],
  follows: ["bond"],
  gate: false,
  notAsked: unlessLag,
  check: ({ nic, state }) => {
    const found = lagMaster(nic.bond, state);
    return found === undefined ? [] : [...monitoringFindings(found), ...lacpFindings(found)];
  },
};

/** The late stage waits so long for the LAG: see `lag`. */
const longestUpdelay = 10_000;

function monitoringFindings(bond: Bond): Finding[] {
  const { name, monitoring } = bond;
  // Older versions did not look; of a team, its runner decides.
  if (monitoring === undefined) return [];
  const { miimon, arpInterval, updelay, downdelay } = monitoring;
  const set = (option: string) =>
    `${option} in the network configuration of ${name}; now: ip link set ${word(name)} type bond ${option}`;
  if (miimon === 0 && arpInterval === 0) {
    const actual = "no miimon and no arp_interval: it never fails over";
    return [{ ...warning(name, "miimon 100", actual, set("miimon 100")), bites: "at the next link failure" }];
  }
  const findings: Finding[] = [];
  if (downdelay > 0) {
    const actual = `downdelay ${downdelay} ms: so long VFs send into a dead port`;
    findings.push(warning(name, "downdelay 0", actual, set("downdelay 0")));
  }
  if (updelay >= longestUpdelay) {
    const actual = `updelay ${updelay} ms: at boot the LAG comes later than the late stage waits for it`;
    findings.push(warning(name, `updelay below ${longestUpdelay}`, actual, set("updelay 0")));
  }
  return findings;
}

function lacpFindings({ name, mode, lacp }: Bond): Finding[] {
  if (mode !== "802.3ad" || lacp?.rate !== "slow") return [];
  const actual = "LACP rate slow: a switch that dies with its links up is noticed after 90 s";
  return [
    warning(
      name,
      "LACP rate fast, noticed after 3 s",
      actual,
      `lacp_rate fast in the network configuration of ${name}, and on the switch`,
    ),
  ];
}

function warning(subject: string, expected: string, actual: string, text: string): Finding {
  return { subject, expected, actual, severity: "warning", remedy: { kind: "person", text } };
}
