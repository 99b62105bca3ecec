import { lagBondModes } from "../../drivers/registry.ts";
import { word } from "../../host/actions/command.ts";
import { known } from "../../host/state/observed.ts";
import type { Bond, HostState, PhysicalFunction } from "../../host/state/state.ts";
import { ovsLine } from "../ovs/open-vswitch.ts";
import { unlessLag } from "../reasons.ts";
import type { Finding, Requirement } from "../requirement.ts";
import { lagMaster, ovsBondOf, teamMode } from "./lag-master.ts";

/** In mode vf-lag the bond consists of exactly this NIC's two ports, in a mode that the NIC can offload. */
export const bond: Requirement = {
  id: "bond",
  stage: "late",
  title: "the bond joins exactly this NIC's two ports, in a mode that can be offloaded",
  why:
    "The NIC's LAG forms only under a bond of exactly its own two ports: one more slave disables it " +
    "without a message, another mode with one that only whoever makes the bond is shown.",
  observe: [
    "cat /proc/net/bonding/BOND (teamdctl TEAM state)",
    "ovs-appctl bond/list (Open vSwitch's own bonds, which no NIC offloads)",
  ],
  byHand: [
    "Correct the bond in the host's network configuration: its slaves are this NIC's two ports; mode " +
      "active-backup, balance-xor or 802.3ad.",
  ],
  references: [
    "linux drivers/net/ethernet/mellanox/mlx5/core/lag/lag.c " +
      "(mlx5_lag_check_prereq, mlx5_handle_changeupper_event)",
    "https://docs.kernel.org/networking/bonding.html",
  ],
  follows: ["ports"],
  gate: true,
  notAsked: unlessLag,
  check: ({ nic, pfs, state }) => {
    const name = nic.bond;
    if (name === undefined) return [];
    const ports = pfs.flatMap((pf) => (pf.netdev === null ? [] : [pf.netdev]));
    const found = lagMaster(name, state);
    if (found !== undefined) return [...bondFindings(found, ports), ...runnerFindings(found, pfs)];
    const native = ovsBondOf(ports, state);
    if (native !== null) return [ovsBondFinding(name, native, ports, state)];
    const netdev = state.netdevs.find((candidate) => candidate.name === name);
    if (netdev !== undefined) {
      const text = `make ${name} a bond, or name the right one in the spec`;
      return [
        finding(name, "a bond", `a netdev of kind ${netdev.kind ?? "ethernet"}`, { kind: "person", text }),
      ];
    }
    const elsewhere = [
      ...new Set(
        ports.flatMap((port) => state.netdevs.find((candidate) => candidate.name === port)?.master ?? []),
      ),
    ];
    if (elsewhere.length > 0) {
      const text =
        `the ports are in ${elsewhere.join(", ")}: name that one as \`bond\`, or correct the ` +
        `network configuration`;
      return [
        finding(name, `${name} with ${ports.join(" and ")}`, "it does not exist", { kind: "person", text }),
      ];
    }
    const text =
      `networking makes it (ifup ${word(name)}, netplan, networkd or NetworkManager, as this ` +
      `host does); then vflag boot late`;
    return [
      finding(name, `${name} with ${ports.join(" and ")}`, "it does not exist yet", {
        kind: "networking",
        text,
      }),
    ];
  },
};

/** With a LAG the driver has taken the team's runner; without one nothing shows which it is. */
function runnerFindings({ name, mode }: Bond, pfs: readonly PhysicalFunction[]): Finding[] {
  if (mode !== teamMode || pfs.some((pf) => known(pf.lag)?.state === "active")) return [];
  const text =
    `teamdctl ${word(name)} state shows the runner: activebackup, loadbalance and lacp can be ` +
    `offloaded, roundrobin and broadcast cannot`;
  const expected = "a runner that can be offloaded";
  return [
    {
      ...finding(name, expected, "a team, whose runner is not seen", { kind: "person", text }),
      severity: "warning",
    },
  ];
}

/**
 * Open vSwitch spreads packets over the two ports itself; the NIC, which is told of no bond, makes no LAG.
 */
function ovsBondFinding(
  name: string,
  { bridge, port }: { readonly bridge: string; readonly port: string },
  ports: readonly string[],
  state: HostState,
): Finding {
  const ovs = known(state.ovs);
  const line = (...words: string[]) => (ovs == null ? words.map(word).join(" ") : ovsLine(ovs, ...words));
  const text =
    `no NIC offloads such a bond: in a maintenance window, ${line("ovs-vsctl", "del-port", bridge, port)}; ` +
    `let the host's networking make the kernel's bond ${name} of ${ports.join(" and ")} (802.3ad, ` +
    `active-backup or balance-xor), and ${line("ovs-vsctl", "add-port", bridge, name)} with the settings ` +
    `that ${port} had`;
  const ownBond = "a bond of Open vSwitch's own, of which the kernel and the NIC know nothing";
  const actual = `${port} in ${bridge} is ${ownBond}`;
  return finding(name, `the kernel's bond of ${ports.join(" and ")}`, actual, { kind: "person", text });
}

function bondFindings(found: Bond, ports: readonly string[]): Finding[] {
  const slaves = found.slaves.map((slave) => slave.netdev);
  const missing = ports.filter((port) => !slaves.includes(port));
  const strange = slaves.filter((slave) => !ports.includes(slave));
  const findings: Finding[] = [];
  if (found.mode !== teamMode && !lagBondModes.includes(found.mode)) {
    const text =
      `set the mode of ${found.name} to 802.3ad, active-backup or balance-xor in the network ` +
      `configuration, and make the bond anew`;
    findings.push(
      finding(found.name, `mode ${lagBondModes.join(", ")}`, `mode ${found.mode}`, { kind: "person", text }),
    );
  }
  if (strange.length > 0) {
    const text =
      `take ${strange.join(", ")} out of ${found.name} in the network configuration: ip ` +
      `link set ${word(strange[0] ?? "")} nomaster`;
    findings.push(
      finding(found.name, `no slave but ${ports.join(" and ")}`, `${strange.join(", ")} is in it too`, {
        kind: "person",
        text,
      }),
    );
  }
  if (missing.length > 0) {
    const names = missing.join(", ");
    const text = `add ${names} to ${found.name} in the network configuration (was the port renamed?)`;
    findings.push(
      finding(found.name, `${ports.join(" and ")} in it`, `${names} is missing`, {
        kind: "person",
        text,
      }),
    );
  }
  return findings;
}

function finding(subject: string, expected: string, actual: string, remedy: Finding["remedy"]): Finding {
  return { subject, expected, actual, severity: "error", remedy };
}
