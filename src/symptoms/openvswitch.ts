import type { Symptom } from "./symptom.ts";

/**
 * What ovs-vswitchd writes of rules that did not get into hardware. Up to 2.13 dpif_netlink and from 2.14
 * netdev_offload say most of it; since
 * 2.13 a refusal by "Operation not supported" or "No space left" is told at level DBG only, so that its
 * absence proves nothing. Source: openvswitch lib/dpif-netlink.c (parse_flow_put), lib/netdev-offload-tc.c,
 * lib/tc.c, lib/netdev-linux.c, and lib/dpif-offload-tc.c, all of 2.12 to 3.7.
 */
export const ovsSymptoms: readonly Symptom[] = [
  {
    id: "ovs-bond-not-offloaded",
    title: "flows from the bond are not taken by the card",
    shows: "ovs-log",
    looks: "dpif_netlink(handler223)|ERR|failed to offload flow: Operation not supported: bond0",
    patterns: [/failed to offload flow: Operation not supported/],
    cause: "the card's LAG is not active, or a rule has a match or an action that the card does not know",
    remedy:
      "first the LAG, then hw-tc-offload of ports and representors; what is left is a rule of another " +
      "kind (ovs-appctl dpctl/dump-flows -m)",
    explains: ["lag", "tc-offload", "bond", "flows-in-hardware"],
    over: "never",
    alone: "lately",
    references: [
      "openvswitch lib/dpif-netlink.c: parse_flow_put",
      "https://github.com/ovn-kubernetes/ovn-kubernetes/issues/839",
    ],
  },
  {
    id: "ovs-block-missing",
    title: "the bond and its ports do not share an ingress block",
    shows: "ovs-log",
    looks: "dpif_netlink(handler1)|ERR|failed to offload flow: No such file or directory: bond0",
    patterns: [/failed to offload flow: No such file or directory/],
    cause:
      "the qdisc that the rule should hang in is not there: it got lost when Open vSwitch restarted, or " +
      "the bond joined the bridge before its ports were there",
    remedy: "vflag apply --restart-ovs, or take the bond out of the bridge and add it again",
    explains: ["ovs-ingress-blocks"],
    over: "never",
    alone: "lately",
    names: "uplink",
    references: [
      "openvswitch lib/netdev-linux.c: netdev_linux_update_lag",
      "https://github.com/ovn-org/ovn/issues/155",
    ],
  },
  {
    id: "ovs-tunnel-not-offloaded",
    title: "flows of a tunnel are not taken by the card",
    shows: "ovs-log",
    looks: "netdev_offload(handler2)|ERR|failed to offload flow: Operation not supported: vxlan_sys_4789",
    patterns: [/failed to offload flow: .*: (?:vxlan|genev|gre)_sys/],
    cause:
      "the tunnel does not leave by this card, its eSwitch does not encapsulate, or the card does not " +
      "know this kind or option of a tunnel",
    remedy:
      "ovs-appctl ovs/route/lookup LOCAL_IP shows by which netdev it leaves; then eswitch: {encap: true}; " +
      "Geneve's options need the firmware's flex parser",
    explains: ["flows-in-hardware", "eswitch-encap"],
    over: "never",
    alone: "lately",
    names: "tunnel",
    references: [
      "openvswitch lib/dpif-netlink.c: parse_flow_put",
      "linux drivers/net/ethernet/mellanox/mlx5/core/en/tc_tun_geneve.c",
    ],
  },
  {
    id: "ovs-recirculation",
    title: "the kernel cannot go on with a packet that hardware has begun",
    shows: "ovs-log",
    looks: "netdev_offload_tc(handler4)|ERR|flow_put: recirc_id sharing not supported",
    patterns: [/recirc_id sharing not supported|recirculation id sharing not supported/i],
    cause:
      "the kernel was built without CONFIG_NET_TC_SKB_EXT, so no flow of several steps is offloaded: " +
      "connection tracking, and with it all of OVN's",
    remedy:
      "boot a kernel that has it: grep NET_TC_SKB_EXT /boot/config-$(uname -r) (Debian 12's 6.1, RHEL's " +
      "and Ubuntu's have; Debian's 6.12 has not)",
    explains: ["tc-offload", "flows-in-hardware"],
    over: "never",
    alone: "lately",
    names: "nothing",
    references: [
      "openvswitch lib/netdev-offload-tc.c: netdev_tc_flow_put (ERR up to 2.17, DBG since)",
      "linux net/openvswitch/datapath.c: ovs_dp_change (OVS_DP_F_TC_RECIRC_SHARING)",
    ],
  },
  {
    id: "ovs-action-not-offloaded",
    title: "Open vSwitch makes no tc rule of an action",
    shows: "ovs-log",
    looks: "netdev_offload_tc(handler4)|DBG|unsupported put action type: 21",
    patterns: [/(?:tc_)?flow_put: \d+: OVS_ACTION_ATTR_|unsupported (?:put action|set action|sub attribute)/],
    cause:
      "an OpenFlow rule has an action that this Open vSwitch cannot write as a tc rule; its flows stay in " +
      "software",
    remedy:
      "ovs-appctl dpctl/dump-flows -m shows the action in flows with dp:ovs; a newer Open vSwitch knows " +
      "more of them",
    explains: ["flows-in-hardware"],
    over: "never",
    alone: "lately",
    names: "nothing",
    references: [
      "openvswitch lib/netdev-offload-tc.c: netdev_tc_parse_nl_actions, parse_put_flow_set_masked_action",
    ],
  },
  {
    id: "ovs-tc-answer",
    title: "Open vSwitch does not understand tc's rules",
    shows: "ovs-log",
    looks: "tc(revalidator9)|ERR|failed to parse ct action options",
    patterns: [
      /\btc(?:\([^|]*\))?\|[A-Z]+\|(?:failed to parse|unknown \S+ action|unknown tc action|unable to parse)/,
      /couldn't get tc prio/,
    ],
    cause:
      "the kernel is newer than Open vSwitch and answers with what that does not know, or another program " +
      "put rules of its own there",
    remedy: "a newer Open vSwitch; see foreign rules with tc filter show dev NAME ingress",
    explains: ["flows-in-hardware"],
    over: "never",
    names: "nothing",
    references: ["openvswitch lib/tc.c: nl_parse_single_action"],
  },
  {
    id: "ovs-offload-failed",
    title: "a flow was not taken by the card",
    shows: "ovs-log",
    looks: "dpif_netlink(handler3)|ERR|failed to offload flow: Invalid argument: eth9",
    patterns: [/failed to offload flow: /, /flow_put: failed to get ifindex/],
    cause: "the kernel or the card refused this rule; it is carried out in software",
    remedy: "see the reason in the line, and the rule in ovs-appctl dpctl/dump-flows -m",
    explains: ["tc-offload", "lag", "flows-in-hardware"],
    over: "never",
    alone: "lately",
    partOf: ["ovs-bond-not-offloaded", "ovs-block-missing"],
    references: ["openvswitch lib/dpif-netlink.c: parse_flow_put"],
  },
  {
    id: "ovs-qdisc-failed",
    title: "Open vSwitch could not hang its qdisc",
    shows: "ovs-log",
    looks:
      "netdev_offload_tc|ERR|failed adding ingress qdisc required for offloading: No such file or directory",
    patterns: [/failed (?:adding|deleting) ingress qdisc/, /could not open ingress block/],
    cause: "another program has a qdisc there, or the kernel lacks sch_ingress or cls_flower",
    remedy:
      "tc qdisc show dev NAME; remove a foreign ingress or clsact qdisc, load sch_ingress and cls_flower",
    explains: ["ovs-ingress-blocks"],
    over: "never",
    references: ["openvswitch lib/netdev-offload-tc.c: netdev_tc_init_flow_api"],
  },
  {
    id: "ovs-stale-port",
    title: "Open vSwitch has a port whose netdev is gone",
    shows: "ovs-log",
    looks: "bridge|WARN|could not open network device ens3f0npf0vf7 (No such device)",
    patterns: [/could not open network device \S+ \(No such device\)/],
    cause: "a representor was made anew, or an instance ended hard",
    remedy: "vflag apply deletes ports that are nobody's; Neutron's own are Neutron's to delete",
    explains: ["ovs-stale-ports"],
    over: "never",
    references: ["openvswitch vswitchd/bridge.c: iface_do_create"],
  },
  {
    id: "flows-in-software",
    title: "flows are carried out in software",
    shows: "state",
    looks: "ovs-appctl dpctl/dump-flows -m: dp:ovs, with packets rising",
    patterns: [],
    cause: "hw-offload is not in effect, the LAG is not active, or a representor has hw-tc-offload off",
    remedy: "in this order: LAG, hw-tc-offload, ingress blocks, hw-offload with a restart",
    explains: [
      "lag",
      "tc-offload",
      "ovs-ingress-blocks",
      "ovs-hw-offload",
      "ovs-tc-policy",
      "flows-in-hardware",
    ],
    over: "never",
    references: ["https://docs.openvswitch.org/en/latest/howto/tc-offload/"],
  },
  {
    id: "flows-one-way",
    title: "flows of the VF are in hardware, but none from the bond",
    shows: "state",
    looks: "ovs-appctl dpctl/dump-flows --names type=offloaded: in_port(eth9) and no in_port(bond0)",
    patterns: [],
    cause: "the bond's ingress block is missing on a port, or the LAG is off",
    remedy: "add the bond to the bridge again after the LAG is active (vflag apply --restart-ovs)",
    explains: ["ovs-ingress-blocks", "lag", "flows-in-hardware"],
    over: "never",
    references: ["openvswitch lib/netdev-linux.c: netdev_linux_update_lag"],
  },
  {
    id: "linux-bridge-on-bond",
    title: "a Linux bridge sits on the bond",
    shows: "state",
    looks: "ip link show master BRIDGE: bond0",
    patterns: [],
    cause: "untagged traffic goes to that bridge, past Open vSwitch and the card's flows",
    remedy: "put the bond into Open vSwitch's bridge only",
    explains: ["ovs-bridge"],
    over: "never",
    references: ["https://docs.openstack.org/neutron/latest/admin/config-ovs-offload.html"],
  },
];
