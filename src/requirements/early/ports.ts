import { cardsOf } from "../../host/cards.ts";
import { describeSelector } from "../../spec/combinations.ts";
import type { NicSpec } from "../../spec/schema.ts";
import type { Finding, NicView, Requirement } from "../requirement.ts";
import { aboutPf, pfName } from "../virtual-functions.ts";

/** The declared ports are there, have netdevs, and in mode vf-lag are the two ports of one card. */
export const ports: Requirement = {
  id: "ports",
  stage: "early",
  title: "the declared ports exist and, for vf-lag, are the two ports of one NIC",
  why:
    "VF-LAG is made by one NIC's own eSwitch: it cannot join ports of two cards, and a missing port " +
    "leaves the host without a path.",
  observe: ["ls -l /sys/class/net/*/device", "lspci -D -nn -d ::0200"],
  byHand: [
    "Correct `ports` in the spec: `vflag inspect` lists the ports of this host.",
    "For a port that is there but has no netdev: see `dmesg` for its driver.",
  ],
  references: ["https://www.stackhpc.com/vflag-kayobe.html"],
  follows: [],
  gate: true,
  check: ({ nic, pfs, state }: NicView): Finding[] => {
    const missing = pfs
      .filter((pf) => pf.netdev === null)
      .map((pf): Finding => {
        return {
          ...aboutPf(pf),
          expected: "a netdev",
          actual: pf.driver === null ? "no driver is bound" : `driver ${pf.driver} shows none`,
          severity: "error",
          remedy: { kind: "person", text: `see why ${pf.address} has no netdev: dmesg | grep ${pf.address}` },
        };
      });
    const cards = [...new Set(pfs.map(({ address }) => cardsOf(state)(address)))];
    if (nic.mode !== "vf-lag" || cards.length === 1) return missing;
    return [
      ...missing,
      {
        subject: pfs.map(pfName).join(", "),
        expected: "two ports of one NIC",
        actual: `ports of ${cards.length} NICs (${cards.join(", ")})`,
        severity: "error",
        remedy: {
          kind: "person",
          text: "name the two ports of one card in `ports`, or use mode: switchdev without a bond",
        },
      },
    ];
  },
};

/**
 * What the requirement says when the selectors do not even lead to ports: nothing else can be checked then.
 */
export function unresolvedPorts(nic: NicSpec, problem: string): Finding {
  return {
    subject: nic.ports.map(describeSelector).join(", "),
    expected: nic.mode === "vf-lag" ? "the two ports of one NIC" : "ports of this host",
    actual: problem,
    severity: "error",
    remedy: {
      kind: "person",
      text: "correct `ports` in the spec, or find the missing port: `vflag inspect`, `dmesg`",
    },
  };
}
