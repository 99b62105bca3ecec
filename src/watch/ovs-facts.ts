import { isUnknown, known, type Observed } from "../host/state/observed.ts";
import type { HostState, PhysicalFunction } from "../host/state/state.ts";
import { trafficOf } from "../requirements/traffic/traffic.ts";
import type { NicSpec } from "../spec/schema.ts";
import { type Add, type FactKind, observed, onOff } from "./fact.ts";

/** How Open vSwitch is set and runs. */
export function ovsFacts(
  add: (key: string, kind: FactKind, subject: string, value: Observed<string | null>) => void,
  { ovs }: HostState,
): void {
  const setting = (key: string, subject: string, value: Observed<string | null>) => {
    if (known(ovs) != null) add(`ovs/${key}`, "ovs-setting", subject, value);
  };
  add(
    "ovs",
    "ovs",
    "Open vSwitch",
    observed(ovs, ({ running }) => (running ? "runs" : "does not answer")),
  );
  setting("version", "Open vSwitch's version", known(ovs)?.version ?? null);
  setting("hw-offload", "hw-offload", onOff(known(ovs)?.hwOffload ?? null));
  setting("tc-policy", "tc-policy", known(ovs)?.tcPolicy ?? "none");
  setting(
    "in-effect",
    "offload in ovs-vswitchd",
    observed(known(ovs)?.offloadInEffect ?? null, (on) => (on ? "works with tc" : "does not work with tc")),
  );
}

/** Ports of bridges that are the NIC's: its bond, its ports, and its representors. */
export function ovsPortFacts(
  add: Add,
  nic: NicSpec,
  pfs: readonly PhysicalFunction[],
  state: HostState,
): void {
  const representors = state.representors
    .filter(({ pf }) => pfs.some(({ address }) => address === pf))
    .map(({ netdev }) => netdev);
  const outer = [...(nic.bond === undefined ? [] : [nic.bond]), ...pfs.flatMap(({ netdev }) => netdev ?? [])];
  const own = new Set([...outer, ...representors]);
  for (const bridge of known(state.ovs)?.bridges ?? [])
    for (const { name, error } of bridge.interfaces)
      if (own.has(name))
        add(`ovs/port/${name}`, "ovs-port", name, error === null ? bridge.name : `${bridge.name}: ${error}`);
  for (const { netdev, block } of known(state.ingressQdiscs) ?? [])
    if (outer.includes(netdev))
      add(`ingress/${netdev}`, "ingress-block", netdev, block === null ? "no block" : `block ${block}`);
}

/**
 * Who carries what comes in by each of the NIC's ports and representors; flows that are in software rightly
 * are not counted.
 */
export function flowFacts(add: Add, nic: NicSpec, pfs: readonly PhysicalFunction[], state: HostState): void {
  const traffic = trafficOf({ bond: nic.bond ?? null, physnet: nic.physnet, pfs }, state);
  if (traffic === null || isUnknown(traffic)) return;
  for (const [netdev, { in: carried }] of traffic.byPort) {
    const hardware = carried.hardware.flows + carried.partial.flows;
    if (carried.software.flows > 0)
      add(`flows/${netdev}`, "flows", netdev, hardware > 0 ? "partly in software" : "in software");
    else if (hardware > 0) add(`flows/${netdev}`, "flows", netdev, "in hardware");
  }
}
