import { known } from "../../host/state/observed.ts";
import type { HostState, PhysicalFunction } from "../../host/state/state.ts";
import { hostName } from "../../requirements/evaluate.ts";
import type { Deviation } from "../../requirements/requirement.ts";
import { type Count, trafficOf } from "../../requirements/traffic/traffic.ts";
import { heldBy } from "../../requirements/virtual-functions.ts";
import type { NicSpec, Spec } from "../../spec/schema.ts";
import { resolvePorts } from "../../spec/selectors.ts";
import { rebootReasons } from "../../verdict/reboot-due.ts";
import type { Answer, Verdict } from "../../verdict/verdict.ts";
import { exposition, type Metric, type Sample } from "./exposition.ts";

/**
 * The verdict and what it rests on, for node_exporter's textfile collector.
 *
 * What was not observed has no sample: a missing series is not a zero. Labels name what an operator declared
 * (NICs) or what the host has a handful of (ports, slaves): nothing per VF or per flow. Source of the
 * conventions: https://prometheus.io/docs/practices/naming/.
 */
export function prometheusText(
  spec: Spec,
  state: HostState,
  verdicts: readonly Verdict[],
  version: string,
): string {
  return exposition([
    ...programMetrics(state, version),
    ...verdictMetrics(spec, verdicts),
    ...nicMetrics(spec, state),
    ...ovsMetrics(state),
  ]);
}

function programMetrics(state: HostState, version: string): Metric[] {
  return [
    gauge("vflag_build_info", "The vflag that wrote this.", [{ labels: { version }, value: 1 }]),
    gauge("vflag_host_info", "The host as it was observed.", [
      { labels: { hostname: state.hostname, kernel: state.kernel }, value: 1 },
    ]),
    gauge("vflag_last_observation_timestamp_seconds", "When the host was observed, in seconds since 1970.", [
      { labels: {}, value: Date.parse(state.observedAt) / 1000 },
    ]),
  ];
}

const answers: readonly Answer[] = ["works", "broken", "unknown"];

function verdictMetrics(spec: Spec, verdicts: readonly Verdict[]): Metric[] {
  const modeOf = (name: string) => spec.nics.find((nic) => nic.name === name)?.mode ?? "";
  // What is off with the host is told once, however many NICs it concerns.
  const all = onceEach(verdicts.flatMap(({ deviations }) => deviations));
  const roots = onceEach(verdicts.flatMap(({ causes }) => causes.map(({ deviation }) => deviation)));
  return [
    gauge(
      "vflag_nic_works",
      "Whether the NIC was seen to fulfil all requirements: 1, or 0 where one does not hold or could not " +
        "be observed.",
      verdicts.map(({ nic, answer }) => ({
        labels: { nic, mode: modeOf(nic) },
        value: bit(answer === "works"),
      })),
    ),
    gauge(
      "vflag_nic_at_risk",
      "Whether a NIC that works will not for a reason that is known: at the next boot, at the next link " +
        "failure, or as a reboot is pending.",
      verdicts.map(({ nic, risk }) => ({ labels: { nic, mode: modeOf(nic) }, value: bit(risk !== null) })),
    ),
    gauge(
      "vflag_nic_verdict",
      "The verdict on the NIC: 1 for the one of works, broken and unknown that it is.",
      verdicts.flatMap(({ nic, answer }) =>
        answers.map((verdict) => ({
          labels: { nic, mode: modeOf(nic), verdict },
          value: bit(answer === verdict),
        })),
      ),
    ),
    gauge(
      "vflag_deviations",
      "How many things are not as this requirement wants them; there is no series where all are.",
      counted(all),
    ),
    gauge("vflag_root_causes", "The same, without what follows from another deviation.", counted(roots)),
    gauge(
      "vflag_symptoms",
      "How often the logs show a symptom that still matters; unknown: errors that vflag does not know.",
      [
        ...Map.groupBy(
          verdicts.flatMap(({ nic, sightings }) => sightings.map((sighting) => ({ nic, ...sighting }))),
          ({ nic, symptom }) => JSON.stringify([nic, symptom]),
        ).values(),
      ].flatMap((group) => {
        const [first] = group;
        const value = group.reduce((sum, { times }) => sum + times, 0);
        return first === undefined
          ? []
          : sampleOf({ nic: first.nic, symptom: first.symptom ?? "unknown" }, value);
      }),
    ),
    gauge(
      "vflag_reboot_required",
      "Whether a reboot is due: what is wrong with the NIC, or with the host under it, goes away only " +
        "with one.",
      verdicts.map((verdict) => ({
        labels: { nic: verdict.nic },
        value: bit(rebootReasons([verdict]).length > 0),
      })),
    ),
  ];
}

function counted(deviations: readonly Deviation[]): Sample[] {
  const samples = new Map<string, { labels: Record<string, string>; value: number }>();
  for (const { nic, requirement, severity } of deviations) {
    const key = `${nic}/${requirement}/${severity}`;
    const sample = samples.get(key) ?? { labels: { nic, requirement, severity }, value: 0 };
    sample.value += 1;
    samples.set(key, sample);
  }
  return [...samples.values()];
}

function onceEach(deviations: readonly Deviation[]): Deviation[] {
  const keyed = deviations.map((deviation, index): [string, Deviation] => [
    deviation.nic === hostName
      ? JSON.stringify([deviation.requirement, deviation.subject, deviation.actual])
      : String(index),
    deviation,
  ]);
  return [...new Map(keyed).values()];
}

/** A declared NIC with those of its ports that were found. */
interface FoundNic {
  readonly nic: NicSpec;
  readonly pfs: readonly PhysicalFunction[];
}

function nicMetrics(spec: Spec, state: HostState): Metric[] {
  const nics = spec.nics.map((nic): FoundNic => {
    const resolved = resolvePorts(nic, state);
    return { nic, pfs: "problem" in resolved ? [] : resolved.pfs };
  });
  const perPort = (value: (pf: PhysicalFunction, nic: NicSpec) => number | undefined): Sample[] =>
    nics.flatMap(({ nic, pfs }) => pfs.flatMap((pf) => sampleOf(portLabels(nic, pf), value(pf, nic))));
  const representors = (pf: PhysicalFunction) =>
    state.representors.filter((representor) => representor.pf === pf.address).length;
  return [
    gauge(
      "vflag_pf_info",
      "A port (PF) of the NIC.",
      nics.flatMap(({ nic, pfs }) => pfs.map((pf) => portInfo(nic, pf))),
    ),
    gauge(
      "vflag_vfs",
      "VFs that the port has.",
      perPort((pf) => pf.sriov?.count),
    ),
    gauge(
      "vflag_vfs_wanted",
      "VFs that the spec declares for the port.",
      perPort((_pf, nic) => nic.vfs),
    ),
    gauge(
      "vflag_vfs_bound",
      "VFs of the port that have a driver.",
      nics.flatMap(({ nic, pfs }) => pfs.flatMap((pf) => boundVfs(nic, pf))),
    ),
    gauge(
      "vflag_vfs_in_use",
      "VFs of the port that a guest, a process, a namespace or a bridge holds.",
      perPort(vfsInUse),
    ),
    gauge(
      "vflag_eswitch_switchdev",
      "Whether the port's eSwitch is in switchdev mode.",
      perPort((pf) => {
        const eswitch = known(pf.eswitch);
        return eswitch == null ? undefined : bit(eswitch.mode === "switchdev");
      }),
    ),
    gauge(
      "vflag_representors",
      "VF representors of the port; only in modes switchdev and vf-lag.",
      perPort((pf, nic) => (nic.mode === "sriov" ? undefined : representors(pf))),
    ),
    ...bondMetrics(nics, state),
    ...flowMetrics(nics, state),
  ];
}

function portLabels(nic: NicSpec, pf: PhysicalFunction) {
  return { nic: nic.name, pf: pf.address, netdev: pf.netdev ?? "" };
}

function portInfo(nic: NicSpec, pf: PhysicalFunction): Sample {
  const model = pf.model ?? `${pf.vendor}:${pf.product}`;
  return {
    labels: { ...portLabels(nic, pf), model, driver: pf.driver ?? "", firmware: known(pf.firmware) ?? "" },
    value: 1,
  };
}

function boundVfs(nic: NicSpec, pf: PhysicalFunction): Sample[] {
  const drivers = new Map<string, number>();
  for (const { driver } of pf.vfs) if (driver !== null) drivers.set(driver, (drivers.get(driver) ?? 0) + 1);
  return [...drivers].map(([driver, value]) => ({ labels: { ...portLabels(nic, pf), driver }, value }));
}

/** Undefined where it could not be told of one of them. */
function vfsInUse({ vfs }: PhysicalFunction): number | undefined {
  if (vfs.some((vf) => known(vf.holders) === undefined)) return undefined;
  return vfs.filter((vf) => heldBy(vf) !== null).length;
}

function bondMetrics(nics: readonly FoundNic[], state: HostState): Metric[] {
  const bonds = nics.flatMap(({ nic, pfs }) => {
    if (nic.mode !== "vf-lag" || nic.bond === undefined) return [];
    const labels = { nic: nic.name, bond: nic.bond };
    return [
      {
        labels,
        bond: state.bonds.find(({ name }) => name === nic.bond),
        lag: pfs.flatMap((pf) => known(pf.lag) ?? []).at(0),
      },
    ];
  });
  return [
    gauge(
      "vflag_lag_active",
      "Whether the NIC's own LAG is active and of type switchdev, which is VF-LAG in hardware.",
      bonds.flatMap(({ labels, lag }) => {
        if (lag === undefined || (lag.state === "active" && lag.type === null)) return [];
        return sampleOf(labels, bit(lag.state === "active" && lag.type === "switchdev"));
      }),
    ),
    gauge(
      "vflag_lag_info",
      "The NIC's own LAG in the driver's words.",
      bonds.flatMap(({ labels, lag }) => {
        if (lag === undefined) return [];
        return sampleOf(
          { ...labels, state: lag.state, type: lag.type ?? "", port_selection: lag.portSelection ?? "" },
          1,
        );
      }),
    ),
    gauge(
      "vflag_bond_info",
      "The NIC's bond and its mode.",
      bonds.flatMap(({ labels, bond }) =>
        bond === undefined ? [] : sampleOf({ ...labels, mode: bond.mode }, 1),
      ),
    ),
    gauge(
      "vflag_bond_up",
      "Whether the bond that the spec names is there, and up.",
      bonds.flatMap(({ labels, bond }) => sampleOf(labels, bit(bond?.up === true))),
    ),
    gauge(
      "vflag_bond_slave_up",
      "Whether the bond has a link on this slave.",
      bonds.flatMap(({ labels, bond }) =>
        (bond?.slaves ?? []).flatMap(({ netdev, up }) => sampleOf({ ...labels, slave: netdev }, bit(up))),
      ),
    ),
  ];
}

/** Where flows of the NIC come in: from the wire, or from its VFs. */
const sides = { uplink: "uplinks", vf: "representors" } as const;

/** Flows come and go, and their packets go with them: none of these is a counter. */
function flowMetrics(nics: readonly FoundNic[], state: HostState): Metric[] {
  const seen = nics.flatMap(({ nic, pfs }) => {
    const traffic =
      nic.mode === "sriov"
        ? undefined
        : known(trafficOf({ bond: nic.bond ?? null, physnet: nic.physnet, pfs }, state));
    return traffic == null ? [] : [{ nic, traffic }];
  });
  const samples = (value: (count: Count) => number): Sample[] =>
    seen.flatMap(({ nic, traffic }) =>
      Object.entries(sides).flatMap(([side, part]) =>
        Object.entries(traffic[part]).map(([carrier, count]) => ({
          labels: { nic: nic.name, side, carrier },
          value: value(count),
        })),
      ),
    );
  const carriers = "by who carries them (hardware, partial, software, exempt: rightly in software, unknown)";
  return [
    gauge(
      "vflag_flows",
      `Flows of Open vSwitch that come in on this side of the NIC, ${carriers}.`,
      samples(({ flows }) => flows),
    ),
    gauge(
      "vflag_flow_packets",
      `Packets of the flows that there are now, ${carriers}.`,
      samples(({ packets }) => packets),
    ),
    gauge(
      "vflag_flow_bytes",
      `Bytes of the flows that there are now, ${carriers}.`,
      samples(({ bytes }) => bytes),
    ),
  ];
}

function ovsMetrics(state: HostState): Metric[] {
  const ovs = known(state.ovs);
  if (ovs == null) return [];
  const inEffect = known(ovs.offloadInEffect);
  return [
    gauge(
      "vflag_ovs_info",
      "Open vSwitch on the host.",
      ovs.version === null ? [] : sampleOf({ version: ovs.version }, 1),
    ),
    gauge("vflag_ovs_running", "Whether ovs-vswitchd answers.", sampleOf({}, bit(ovs.running))),
    gauge(
      "vflag_ovs_offload_configured",
      "Whether other_config:hw-offload is true.",
      sampleOf({}, bit(ovs.hwOffload)),
    ),
    gauge(
      "vflag_ovs_offload_in_effect",
      "Whether the running ovs-vswitchd hands flows to tc.",
      sampleOf({}, inEffect === undefined ? undefined : bit(inEffect)),
    ),
  ];
}

function gauge(name: string, help: string, samples: readonly Sample[]): Metric {
  return { name, help, type: "gauge", samples };
}

function sampleOf(labels: Sample["labels"], value: number | undefined): Sample[] {
  return value === undefined ? [] : [{ labels, value }];
}

function bit(holds: boolean): number {
  return holds ? 1 : 0;
}
