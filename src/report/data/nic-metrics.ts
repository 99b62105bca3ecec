import { known } from "../../host/state/observed.ts";
import type { HostState, PhysicalFunction } from "../../host/state/state.ts";
import { type Count, trafficOf } from "../../requirements/traffic/traffic.ts";
import { heldBy } from "../../requirements/virtual-functions.ts";
import type { NicSpec, Spec } from "../../spec/schema.ts";
import { resolvePorts } from "../../spec/selectors.ts";
import { bit, gauge, type Metric, type Sample, sampleOf } from "./exposition.ts";

/** A declared NIC with those of its ports that were found. */
interface FoundNic {
  readonly nic: NicSpec;
  readonly pfs: readonly PhysicalFunction[];
}

/** What was seen of each declared NIC: its ports, its bond and LAG, its flows. */
export function nicMetrics(spec: Spec, state: HostState): Metric[] {
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
