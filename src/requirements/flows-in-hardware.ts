import type { FlowTally } from "../host/flows.ts";
import { isUnknown, known } from "../host/observed.ts";
import type { HostState, VirtualFunction } from "../host/state.ts";
import { eswitchOf } from "./eswitch.ts";
import type { Finding, NicView, Requirement } from "./requirement.ts";
import { type NicTraffic, trafficOf } from "./traffic.ts";

/**
 * So many packets of one kind of flow are no beginning of a connection any more. While a flow is put into hardware, and while a
 * connection is not established, some go through software.
 */
const manyPackets = 1000;

/** A flow that nobody used for so long is about to be removed: ovs-vswitchd.conf.db(5), max-idle. */
const staleSeconds = 10;

/** What guests send and receive goes through the NIC. Where no flow is seen it says nothing: that is no proof of anything. */
export const flowsInHardware: Requirement = {
  id: "flows-in-hardware",
  stage: "traffic",
  title: "the flows of VFs are in hardware",
  why: "A flow in software takes the host's processors and a fraction of the NIC's speed, and nothing else shows it: guests only notice that they are slow.",
  observe: [
    "ovs-appctl dpctl/dump-flows -m (offloaded:yes, dp:tc is in hardware; dp:ovs with packets rising is not)",
    "tc -s filter show dev REPRESENTOR ingress (in_hw or not_in_hw)",
  ],
  byHand: [
    "First the LAG (vflag explain lag), then tc offload of ports and representors, then the ingress blocks.",
    "Why a flow was refused stands in the log of ovs-vswitchd: grep 'failed to offload' /var/log/openvswitch/ovs-vswitchd.log.",
    "ARP, broadcast, LLDP and LACP, the first packets of a connection, and what goes to a port that is not the NIC's are in software rightly.",
  ],
  references: ["openvswitch Documentation/howto/tc-offload.rst", "openvswitch lib/dpctl.c, format_dpif_flow()"],
  follows: [
    ...["ports", "eswitch-mode", "representors", "tc-offload", "bond", "lag"],
    ...["ovs-running", "ovs-tc-policy", "ovs-hw-offload", "ovs-bridge", "ovs-ingress-blocks"],
  ],
  gate: false,
  check: ({ nic, pfs, state }) => {
    if (nic.mode === "sriov") return [];
    const traffic = trafficOf({ bond: nic.bond ?? null, pfs }, state);
    if (traffic === null || isUnknown(traffic)) return [];
    return [...offenderFindings({ nic, pfs, state }, traffic), ...oneWayFindings({ nic, pfs, state }, traffic)];
  },
};

function offenderFindings(view: NicView, { offenders }: NicTraffic): Finding[] {
  const live = offenders.filter(({ packets, idle }) => packets > 0 && idle !== null && idle <= staleSeconds);
  const serious = live.filter((tally) => isSerious(tally, view));
  const rest = live.filter((tally) => !serious.includes(tally));
  return [finding(serious, "error", view.state), finding(rest, "warning", view.state)].filter((each) => each !== null);
}

/** All that it takes is there, a guest has the VF, and its packets go through software all the same. */
function isSerious({ inPort, packets }: FlowTally, view: NicView): boolean {
  if (packets < manyPackets || !canOffload(view)) return false;
  return vfOf(inPort ?? "", view)?.driver != null;
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

/** The first tally has the most packets. */
function finding(tallies: readonly FlowTally[], severity: "error" | "warning", state: HostState): Finding | null {
  const [worst] = tallies;
  if (worst === undefined) return null;
  const sum = (of: (tally: FlowTally) => number) => tallies.reduce((total, tally) => total + of(tally), 0);
  const places = new Set(tallies.map(({ inPort }) => inPort));
  const more = places.size === 1 ? "" : ` and ${places.size - 1} more`;
  return {
    subject: `flows in by ${worst.inPort ?? "no port"}${more}`,
    expected: "in hardware (offloaded:yes, dp:tc)",
    actual: `${sum(({ flows }) => flows)} in software, with ${sum(({ packets }) => packets)} packets`,
    severity,
    remedy: { kind: "person", text: `${remedyOf(state)}. The busiest: ${worst.example}` },
  };
}

function remedyOf({ ovs }: HostState): string {
  const log = "grep 'failed to offload' in the log of ovs-vswitchd says which action or device was refused";
  const source = known(ovs)?.source;
  const where = source?.kind === "container" ? ` (${source.engine}'s container ${source.name}, or the log folder of its host)` : "";
  return `first what else is off here (LAG, tc offload, ingress blocks); then ${log}${where}`;
}

/** Guests send through the NIC, and nothing at all comes in for them: the bond's flows are missing, or nobody answers. */
function oneWayFindings({ nic, pfs }: NicView, { uplinks, byPort, representors }: NicTraffic): Finding[] {
  const names = [nic.bond, ...pfs.map(({ netdev }) => netdev)].filter((name) => name != null);
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
        text: `compare the ingress blocks (tc qdisc show dev ${uplink}), and see whether anybody answers: tcpdump -ni ${uplink}`,
      },
    },
  ];
}
