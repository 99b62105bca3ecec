import { word } from "../../host/actions/command.ts";
import type { FlowTally } from "../../host/ovs/flows.ts";
import { isUnknown, known } from "../../host/state/observed.ts";
import type { HostState, VirtualFunction } from "../../host/state/state.ts";
import type { NicSpec } from "../../spec/schema.ts";
import { resolvePorts } from "../../spec/selectors.ts";
import { eswitchOf } from "../eswitch/eswitch.ts";
import { ovsLine, uplinksOf } from "../ovs/open-vswitch.ts";
import { unlessEswitch } from "../reasons.ts";
import type { Finding, NicView, Requirement } from "../requirement.ts";
import { type NicTraffic, type Offender, seesFlows, trafficOf } from "./traffic.ts";
import { tunnelTypeOf } from "./tunnels.ts";

/**
 * So many packets of one kind of flow are no beginning of a connection any more. While a flow is put into
 * hardware, and while a connection is not established, some go through software.
 */
const manyPackets = 1000;

/** A flow that nobody used for so long is about to be removed: ovs-vswitchd.conf.db(5), max-idle. */
const staleSeconds = 10;

/**
 * What guests send and receive goes through the NIC. Where no flow is seen it says nothing: that is no proof
 * of anything.
 */
export const flowsInHardware: Requirement = {
  id: "flows-in-hardware",
  stage: "traffic",
  title: "the flows of VFs are in hardware",
  why:
    "A flow in software takes the host's processors and a fraction of the NIC's speed, and nothing " +
    "else shows it: guests only notice that they are slow.",
  observe: [
    "ovs-appctl dpctl/dump-flows -m (offloaded:yes, dp:tc is in hardware; dp:ovs with packets rising is not)",
    "tc -s filter show dev REPRESENTOR ingress (in_hw or not_in_hw)",
  ],
  byHand: [
    "First the LAG (vflag explain lag), then tc offload of ports and representors, then the ingress blocks.",
    "Why a flow was refused stands in the log of ovs-vswitchd: grep -E 'offload|flow_put|tc' " +
      "/var/log/openvswitch/ovs-vswitchd.log; some only after ovs-appctl vlog/set netdev_offload_tc:dbg.",
    "ARP, broadcast, LLDP and LACP, the first packets of a connection, and what goes to a port that is " +
      "not the NIC's are in software rightly.",
    "Flows of tunnels (genev_sys_*, vxlan_sys_*, gre_sys) are the NIC's own where the tunnels leave by " +
      "it: ovs-appctl ovs/route/lookup LOCAL_IP.",
    "slow_path(...) in a flow's actions means that ovs-vswitchd forwards each packet: ovs-appctl " +
      "ofproto/trace shows the rule that asks for it.",
  ],
  references: [
    "openvswitch Documentation/howto/tc-offload.rst",
    "openvswitch lib/dpctl.c, format_dpif_flow()",
  ],
  follows: [
    ...["ports", "eswitch-mode", "representors", "tc-offload", "bond", "lag"],
    ...["ovs-running", "ovs-tc-policy", "ovs-hw-offload", "ovs-bridge", "ovs-ingress-blocks"],
  ],
  gate: false,
  notAsked: (nic, state) => unlessEswitch(nic) ?? unlessFlows(nic, state),
  check: ({ nic, pfs, state }) => {
    const traffic = trafficOf({ bond: nic.bond ?? null, physnet: nic.physnet, pfs }, state);
    if (traffic === null || isUnknown(traffic)) return [];
    return [
      ...offenderFindings({ nic, pfs, state }, traffic),
      ...oneWayFindings({ nic, pfs, state }, traffic),
    ];
  },
};

function offenderFindings(view: NicView, { offenders }: NicTraffic): Finding[] {
  const live = offenders.filter(({ packets, idle }) => packets > 0 && idle !== null && idle <= staleSeconds);
  const groups = Map.groupBy(live, (offender) => `${severityOf(offender, view)} ${offender.reason}`);
  return [...groups.values()].flatMap(([worst, ...others]) => {
    const severity = worst === undefined ? null : severityOf(worst, view);
    return worst === undefined || severity === null
      ? []
      : [finding([worst, ...others], worst, severity, view)];
  });
}

/**
 * All that it takes is there, a guest has the VF, and its packets go through software all the same: then the
 * NIC does not do what it is for, or nobody knows whether it does.
 */
function severityOf(offender: Offender, view: NicView): Finding["severity"] | null {
  const unseen = offender.reason === "untold" || offender.reason === "tunnel-unknown";
  const ofGuests = [offender.inPort ?? "", ...offender.to].some((name) => vfOf(name, view)?.driver != null);
  const serious = offender.packets >= manyPackets && canOffload(view) && ofGuests;
  if (unseen) return serious ? "unknown" : null;
  return serious ? "error" : "warning";
}

function vfOf(representor: string, { pfs, state }: NicView): VirtualFunction | undefined {
  const found = state.representors.find(({ netdev }) => netdev === representor);
  return pfs.find(({ address }) => address === found?.pf)?.vfs.find(({ index }) => index === found?.vf);
}

function canOffload({ nic, pfs, state }: NicView): boolean {
  const ovs = known(state.ovs);
  if (ovs?.hwOffload !== true || ovs.offloadInEffect === false || ovs.tcPolicy === "skip_hw") return false;
  if (nic.mode === "switchdev") return pfs.every((pf) => eswitchOf(pf)?.mode === "switchdev");
  return pfs.some((pf) => {
    const lag = known(pf.lag);
    return lag?.state === "active" && lag.type === "switchdev";
  });
}

/** @param worst of the tallies, all of one reason, the one with the most packets */
function finding(
  tallies: readonly Offender[],
  worst: Offender,
  severity: Finding["severity"],
  view: NicView,
): Finding {
  const sum = (of: (tally: FlowTally) => number) => tallies.reduce((total, tally) => total + of(tally), 0);
  const places = new Set(tallies.map(({ inPort }) => inPort));
  const more = places.size === 1 ? "" : ` and ${places.size - 1} more`;
  const packets = `with ${sum(({ packets }) => packets)} packets`;
  return {
    subject: `flows in by ${worst.inPort ?? "no port"}${more}`,
    expected: "in hardware (offloaded:yes, dp:tc)",
    actual: `${sum(({ flows }) => flows)} ${actualOf(worst)}, ${packets}`,
    severity,
    remedy: { kind: "person", text: `${remedyOf(worst, view)}. The busiest: ${worst.example}` },
  };
}

function actualOf({ reason, leaves }: Offender): string {
  switch (reason) {
    case "software":
      return "in software";
    case "slow-path":
      return "in software, each packet through ovs-vswitchd (slow_path)";
    case "elsewhere":
      return `in software, as their tunnel leaves by ${leaves ?? "another NIC"}`;
    case "tunnel-unknown":
      return "in software, and it was not seen by which NIC their tunnel leaves";
    case "untold":
      return "of which Open vSwitch does not report who carries them";
  }
}

function remedyOf(worst: Offender, view: NicView): string {
  const { ovs } = view.state;
  const seen = known(ovs);
  const line = (...words: string[]) => (seen == null ? words.join(" ") : ovsLine(seen, ...words));
  switch (worst.reason) {
    case "slow-path":
      return (
        "the datapath cannot do what these flows need: slow_path(action) is an action that it does not " +
        `know, slow_path(match) a match; ${line("ovs-appctl", "ofproto/trace")} with the flow below shows ` +
        "the OpenFlow rule that asks for it"
      );
    case "elsewhere":
      return (
        "a NIC encapsulates only what leaves by itself: put the tunnels' local address on " +
        `${uplinksOf(view)[0] ?? "this NIC"} (Neutron's local_ip, OVN's ovn-encap-ip), or declare the ` +
        "physnet of this NIC in place of physnet: null"
      );
    case "tunnel-unknown":
      return (
        `see by which netdev the tunnel leaves: ${line("ovs-appctl", "ovs/route/lookup", "LOCAL_IP")}. ` +
        "Where it leaves by this NIC, these flows belong into hardware; physnet: null in the spec says " +
        "that it does"
      );
    case "untold":
      return (
        `see whether the rules are in hardware (in_hw) and count: tc -s filter show dev ` +
        `${word(worst.inPort ?? "REPRESENTOR")} ingress`
      );
    case "software":
      return (
        `${tunnelHint(worst, view)}first what else is off here (LAG, tc offload, ingress ` +
        `blocks); then ${logHint(view)}`
      );
  }
}

/** What keeps flows of tunnels alone out of hardware. */
function tunnelHint({ inPort, to, example }: Offender, { pfs }: NicView): string {
  if (/\b(?:sFlow|flow_sample|ipfix)\(/i.test(example))
    return "sFlow or IPFIX samples these packets, which keeps flows in software; ";
  if (![inPort ?? "", ...to].some((name) => tunnelTypeOf(name) !== null)) return "";
  const off = pfs.filter((pf) => eswitchOf(pf)?.encap === false);
  if (off.length === 0) return "";
  const names = off.map(({ netdev, address }) => netdev ?? address).join(", ");
  return `encap is off on ${names}: declare eswitch: {encap: true}; `;
}

function logHint({ state }: NicView): string {
  const log =
    "the log of ovs-vswitchd says what was refused (grep -E 'offload|flow_put|tc'), more of it after " +
    "ovs-appctl vlog/set netdev_offload_tc:dbg (dpif_offload_tc since 3.7)";
  const source = known(state.ovs)?.source;
  return source?.kind === "container"
    ? `${log} (${source.engine}'s container ${source.name}, or the log folder of its host)`
    : log;
}

/**
 * Guests send through the NIC, and nothing at all comes in for them: the bond's flows are missing, or nobody
 * answers.
 */
function oneWayFindings({ nic, pfs }: NicView, { uplinks, byPort, representors }: NicTraffic): Finding[] {
  const tunnels = [...byPort.keys()].filter((name) => tunnelTypeOf(name) !== null);
  const names = [nic.bond, ...pfs.map(({ netdev }) => netdev), ...tunnels].filter((name) => name != null);
  const sent = names.reduce((total, name) => total + (byPort.get(name)?.out.hardware.packets ?? 0), 0);
  const seen = Object.values(uplinks).some(({ flows }: { flows: number }) => flows > 0);
  if (seen || sent < manyPackets || representors.hardware.flows === 0) return [];
  const uplink = names[0] ?? "the ports";
  return [
    {
      subject: `flows in by ${uplink}`,
      expected: `some, as VFs send ${sent} packets out of it`,
      actual: "none",
      severity: "warning",
      remedy: {
        kind: "person",
        text:
          `compare the ingress blocks (tc qdisc show dev ${uplink}), and see whether anybody answers: ` +
          `tcpdump -ni ${uplink}`,
      },
    },
  ];
}

/** Flows are evidence where there are any; their absence is none. */
function unlessFlows(nic: NicSpec, state: HostState): string | null {
  const resolved = resolvePorts(nic, state);
  if ("problem" in resolved) return null;
  const { flows } = state;
  if (flows === null) return "there is no Open vSwitch";
  if (isUnknown(flows)) return `flows are not known: ${flows.unknown}`;
  const own = { bond: nic.bond ?? null, physnet: nic.physnet, pfs: resolved.pfs };
  return seesFlows(own, flows, state) ? null : "no flow of it was seen";
}
