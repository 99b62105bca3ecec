import { word } from "../../host/actions/command.ts";
import { isUnknown } from "../../host/state/observed.ts";
import { netdevOf } from "../../spec/selectors.ts";
import { type EswitchPort, eswitchPorts } from "../eswitch/eswitch-ports.ts";
import { unlessDeclared } from "../reasons.ts";
import type { Finding, NicView, Requirement } from "../requirement.ts";
import { aboutPf } from "../virtual-functions.ts";

/** Ports and representors have the declared number of channels, or as many as the device offers. */
export const channels: Requirement = {
  id: "channels",
  stage: "early",
  title: "ports and representors have the declared channels",
  why:
    "Switchdev mode resets them (to 1 on mlx5): one channel is one CPU core for all packets that are " +
    "not offloaded.",
  observe: ["ethtool -l NETDEV"],
  byHand: ["ethtool -L NETDEV combined N (before the PF is in a bond: its carrier drops for a moment)"],
  references: [
    "ethtool(8)",
    "linux drivers/net/ethernet/mellanox/mlx5/core/en_rep.c (mlx5e_build_rep_params)",
  ],
  follows: ["ports", "eswitch-mode"],
  gate: false,
  notAsked: ({ channels }) => unlessDeclared("channels", channels.pf ?? channels.representor),
  check: (view) => {
    return portsOf(view).flatMap((port) => {
      const declared = port.role === "pf" ? view.nic.channels.pf : view.nic.channels.representor;
      return declared === undefined ? [] : channelFindings(port, declared);
    });
  },
};

/** In mode sriov there is no eSwitch to wait for: the PFs themselves are tuned. */
function portsOf(view: NicView): readonly EswitchPort[] {
  if (view.nic.mode !== "sriov") return eswitchPorts(view);
  return view.pfs.flatMap((pf): EswitchPort[] => {
    const netdev = netdevOf(pf, view.state);
    return netdev === undefined ? [] : [{ netdev, role: "pf", about: aboutPf(pf) }];
  });
}

function channelFindings(port: EswitchPort, declared: number): Finding[] {
  const { netdev } = port;
  const finding = (actual: string, severity: Finding["severity"], remedy: Finding["remedy"]): Finding => {
    return { ...port.about, expected: `${declared} combined`, actual, severity, remedy };
  };
  if (isUnknown(netdev.channels)) {
    return [
      finding(netdev.channels.unknown, "unknown", {
        kind: "person",
        text: `look by hand: ethtool -l ${word(netdev.name)}`,
      }),
    ];
  }
  if (netdev.channels === null) {
    const text = "the driver has no combined channels here: drop this number from `channels`";
    return [finding("no channels to set", "warning", { kind: "person", text })];
  }
  const { combined, max } = netdev.channels;
  const wanted = Math.min(declared, max);
  const findings: Finding[] = [];
  if (declared > max) {
    const text = `${max} are used; lower the number in \`channels\` to ${max} to silence this`;
    findings.push(finding(`the device offers ${max} at most`, "warning", { kind: "person", text }));
  }
  if (combined !== wanted) {
    if (netdev.master !== null && netdev.master !== "ovs-system") {
      const text =
        `set at the next boot, before ${netdev.master} exists: changing it now drops the ` +
        `port's carrier for a moment`;
      findings.push(finding(`${combined}, and in ${netdev.master}`, "warning", { kind: "reboot", text }));
    } else {
      findings.push({
        ...finding(`${combined} combined ${combined === 1 ? "channel" : "channels"}`, "error", {
          kind: "actions",
          actions: [{ kind: "set-channels", netdev: netdev.name, index: netdev.index, combined: wanted }],
        }),
        expected: `${wanted} combined`,
      });
    }
  }
  return findings;
}
