import { unlessOvs } from "../reasons.ts";
import type { HostFinding, HostRequirement, NicView, Remedy } from "../requirement.ts";
import { finding, type OvsView, ovsLine, ovsView, portNamed, uplinksOf } from "./open-vswitch.ts";

/**
 * The NIC's packets pass through a bridge of Open vSwitch, with the kernel's datapath, and through none of
 * Linux's.
 */
export const ovsBridge: HostRequirement = {
  id: "ovs-bridge",
  stage: "ovs",
  title: "the bond (or port) is in a bridge of Open vSwitch, and in no Linux bridge",
  why:
    "A flow is offloaded from port to port of Open vSwitch; a Linux bridge on the bond takes untagged " +
    "packets out of the NIC's hands.",
  observe: ["ovs-vsctl show", "ip -d link show BOND (its master)"],
  byHand: [
    "ovs-vsctl add-port BRIDGE BOND",
    "in a Linux bridge: move what is on it to a VLAN or to Open vSwitch, then ip link set BOND nomaster",
  ],
  references: ["https://docs.openstack.org/neutron/latest/admin/config-ovs-offload.html"],
  follows: ["ovs-running", "ovs-version", "ports", "bond"],
  gate: false,
  notAsked: unlessOvs,
  check: (view) => {
    const seen = ovsView(view);
    return seen === null ? [] : seen.nics.flatMap((nic) => bridgeFindings(seen, nic));
  },
};

function bridgeFindings({ ovs, view }: OvsView, nic: NicView): HostFinding[] {
  const say = (subject: string, actual: string, severity: HostFinding["severity"], text: string) => {
    const remedy: Remedy = { kind: "person", text };
    return finding([nic], {
      subject,
      expected: "in a bridge of Open vSwitch with the kernel's datapath",
      actual,
      severity,
      remedy,
    });
  };
  // What does not exist yet is networking's business: `bond` says so.
  const uplinks = uplinksOf(nic).filter((name) => view.state.netdevs.some((netdev) => netdev.name === name));
  const found = uplinks.flatMap((name) => {
    const netdev = view.state.netdevs.find((candidate) => candidate.name === name);
    const master = view.state.netdevs.find((candidate) => candidate.name === netdev?.master);
    if (master?.kind === "bridge") {
      const bridge = `the Linux bridge ${master.name}`;
      const text = `take ${name} out of ${bridge}, and put it into a bridge of Open vSwitch`;
      return [say(name, `in ${bridge}`, "error", text)];
    }
    const place = portNamed(ovs, name);
    if (place === null || place.bridge.datapathType === "system") return [];
    const { bridge } = place;
    const actual = `in ${bridge.name}, whose datapath is ${bridge.datapathType}`;
    // These offload by themselves, without tc.
    if (ovs.dpdk || ovs.doca)
      return [
        say(
          name,
          actual,
          "unknown",
          "vflag does not know whether OVS-DPDK or OVS-DOCA offloads: see their logs",
        ),
      ];
    const set = ovsLine(ovs, "ovs-vsctl", "set", "bridge", bridge.name, "datapath_type=system");
    return [say(name, actual, "error", `${set}: tc and the NIC do nothing for others`)];
  });
  const nowhere = uplinks.length > 0 && uplinks.every((name) => portNamed(ovs, name) === null);
  if (found.length > 0 || !nowhere) return found;
  const [first = ""] = uplinks;
  const text =
    `${ovsLine(ovs, "ovs-vsctl", "add-port", "BRIDGE", first)}, with the bridge that Neutron's ` +
    `bridge_mappings name`;
  return [say(uplinks.join(", "), "in no bridge", "warning", text)];
}
