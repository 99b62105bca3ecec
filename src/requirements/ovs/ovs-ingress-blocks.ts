import type { IngressQdisc } from "../../host/ovs/ovs.ts";
import { isUnknown } from "../../host/state/observed.ts";
import { lagMaster } from "../late/lag-master.ts";
import { unlessOvsOffload } from "../reasons.ts";
import type { HostFinding, HostRequirement, NicView } from "../requirement.ts";
import { finding, type OvsView, ovsLine, ovsView, portNamed, withRestart } from "./open-vswitch.ts";

/** A bond and its ports share one block of rules, so that a rule on the bond is one on each port. */
export const ovsIngressBlocks: HostRequirement = {
  id: "ovs-ingress-blocks",
  stage: "ovs",
  title: "the bond and both ports share one ingress block",
  why:
    "Packets arrive at a port, and rules are put on the bond: without the shared block the NIC never " +
    'sees them ("failed to offload flow: No such file or directory").',
  observe: ["tc qdisc show (the same ingress_block on the bond and both ports)"],
  byHand: [
    "ovs-vsctl del-port BRIDGE BOND -- add-port BRIDGE BOND (with the port's own settings), or systemctl " +
      "restart openvswitch-switch",
  ],
  references: ["openvswitch lib/netdev-linux.c, netdev_linux_update_lag()", "tc(8), ingress_block"],
  follows: ["ovs-running", "ovs-hw-offload", "ovs-bridge", "bond", "lag"],
  gate: false,
  notAsked: unlessOvsOffload,
  check: (view) => {
    const seen = ovsView(view);
    // Before Open vSwitch offloads, and before the bond is a port of it, there is no block to be had.
    if (seen?.wanted.hwOffload !== true || seen.ovs.offloadInEffect === false) return [];
    return seen.nics.flatMap((nic) => blockFindings(seen, nic));
  },
};

function blockFindings(seen: OvsView, nic: NicView): HostFinding[] {
  const { ovs, view } = seen;
  const { bond } = nic.nic;
  const place = bond === undefined ? null : portNamed(ovs, bond);
  const made = lagMaster(bond, view.state);
  if (bond === undefined || made === undefined || place?.bridge.datapathType !== "system") return [];
  const found = { subject: bond, expected: "one ingress block with both ports" };
  const { ingressQdiscs } = view.state;
  if (isUnknown(ingressQdiscs)) {
    const remedy = { kind: "person", text: "look by hand: tc qdisc show" } as const;
    return [finding([nic], { ...found, actual: ingressQdiscs.unknown, severity: "unknown", remedy })];
  }
  const ports = nic.pfs.flatMap(({ netdev }) => netdev ?? []);
  const blocks = [bond, ...ports].map((name) => ({ name, block: blockOf(ingressQdiscs, name) }));
  const shared = blocks[0]?.block ?? null;
  if (shared !== null && blocks.every(({ block }) => block === shared)) return [];
  // Only a bond with all its ports can share with them; `bond` says what is missing there.
  if (!ports.every((port) => made.slaves.some(({ netdev }) => netdev === port))) return [];
  const actual = blocks.map(({ name, block }) => `${name} ${block === null ? "without" : block}`).join(", ");
  const again = ovsLine(
    ovs,
    "ovs-vsctl",
    "del-port",
    place.bridge.name,
    place.port.port,
    "--",
    "add-port",
    place.bridge.name,
    bond,
  );
  const instead = `add the bond to its bridge anew, with the settings that the port has there: ${again}`;
  return [
    finding([nic], {
      ...found,
      actual: `ingress blocks: ${actual}`,
      severity: "error",
      remedy: withRestart(seen, [], [], instead),
    }),
  ];
}

function blockOf(qdiscs: readonly IngressQdisc[], name: string): number | null {
  return qdiscs.find(({ netdev, block }) => netdev === name && block !== null)?.block ?? null;
}
