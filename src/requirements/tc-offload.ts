import { word } from "../host/command.ts";
import { isUnknown } from "../host/observed.ts";
import type { Netdev } from "../host/state.ts";
import { eswitchPorts } from "./eswitch-ports.ts";
import type { Finding, Requirement } from "./requirement.ts";
import type { Subject } from "./virtual-functions.ts";

/** Hardware tc offload is on for the ports and for every representor. */
export const tcOffload: Requirement = {
  id: "tc-offload",
  stage: "early",
  title: "hw-tc-offload is on for ports and representors",
  why: "Open vSwitch offloads flows through tc: on a netdev with hw-tc-offload off they stay in software, without any message.",
  observe: ["ethtool -k NETDEV | grep hw-tc-offload"],
  byHand: ["ethtool -K NETDEV hw-tc-offload on"],
  references: ["https://docs.openstack.org/neutron/latest/admin/config-ovs-offload.html", "ethtool(8)"],
  follows: ["ports", "eswitch-mode"],
  gate: false,
  check: (view) => eswitchPorts(view).flatMap(({ netdev, about }) => offloadFinding(netdev, about)),
};

function offloadFinding(netdev: Netdev, about: Subject): Finding[] {
  const finding = (actual: string, severity: Finding["severity"], remedy: Finding["remedy"]): Finding[] => {
    return [{ ...about, expected: "hw-tc-offload on", actual, severity, remedy }];
  };
  if (isUnknown(netdev.tcOffload)) {
    return finding(netdev.tcOffload.unknown, "unknown", { kind: "person", text: `look by hand: ethtool -k ${word(netdev.name)}` });
  }
  if (netdev.tcOffload.on) return [];
  if (netdev.tcOffload.fixed) {
    return finding("off [fixed]", "error", { kind: "person", text: "the driver cannot turn it on: a newer kernel or driver is needed" });
  }
  return finding("off", "error", {
    kind: "actions",
    actions: [{ kind: "set-tc-offload", netdev: netdev.name, index: netdev.index, on: true }],
  });
}
