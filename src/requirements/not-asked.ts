import { isUnknown } from "../host/state/observed.ts";
import type { HostState } from "../host/state/state.ts";
import type { NicSpec, Spec } from "../spec/schema.ts";
import { resolvePorts } from "../spec/selectors.ts";
import { trafficOf } from "./traffic/traffic.ts";

/**
 * Why a requirement is asked of nobody here: the spec does not declare what it is about, or there is nothing
 * to look at. It then finds nothing, which is not to be told as "holds". A test compares this with what the
 * requirements do.
 */

type NicReason = (nic: NicSpec, state: HostState) => string | null;

const lagOnly = (nic: NicSpec) => (nic.mode === "vf-lag" ? null : `mode ${nic.mode} has no bond`);
const eswitchOnly = (nic: NicSpec) =>
  nic.mode === "sriov" ? "mode sriov leaves the eSwitch in legacy mode" : null;
const declared = (key: string, value: unknown) =>
  value === undefined ? `the spec declares no ${key}` : null;

const nicReasons: Readonly<Record<string, NicReason>> = {
  steering: ({ eswitch }) => declared("eswitch.steering", eswitch.steering),
  "eswitch-inline": ({ eswitch }) => declared("eswitch.inline", eswitch.inline),
  "eswitch-encap": ({ eswitch }) => declared("eswitch.encap", eswitch.encap),
  representors: eswitchOnly,
  "tc-offload": eswitchOnly,
  channels: ({ channels }) => declared("channels", channels.pf ?? channels.representor),
  bond: lagOnly,
  "bond-links": lagOnly,
  "bond-failover": lagOnly,
  lag: lagOnly,
  "flows-in-hardware": (nic, state) => eswitchOnly(nic) ?? withoutFlows(nic, state),
};

/** Flows are evidence where there are any; their absence is none. */
function withoutFlows(nic: NicSpec, state: HostState): string | null {
  const resolved = resolvePorts(nic, state);
  if ("problem" in resolved) return null;
  const traffic = trafficOf({ bond: nic.bond ?? null, physnet: nic.physnet, pfs: resolved.pfs }, state);
  if (traffic === null) return "there is no Open vSwitch";
  if (isUnknown(traffic)) return `flows are not known: ${traffic.unknown}`;
  const seen = [traffic.uplinks, traffic.representors]
    .flatMap((side) => Object.values(side))
    .some(({ flows }) => flows > 0);
  return seen ? null : "no flow of it was seen";
}

const iommuOnly = ({ kernel }: Spec) => (kernel?.iommu === "off" ? "the spec says kernel.iommu: off" : null);
const ovsOnly = ({ ovs, nics }: Spec) =>
  declared("ovs", ovs) ??
  (nics.every(({ mode }) => mode === "sriov") ? "no NIC has an eSwitch that Open vSwitch could use" : null);
const offloadOnly = (spec: Spec) =>
  ovsOnly(spec) ?? (spec.ovs?.hwOffload === false ? "the spec says ovs.hwOffload: false" : null);

const hostReasons: Readonly<Record<string, (spec: Spec) => string | null>> = {
  "cpu-virtualization": iommuOnly,
  iommu: iommuOnly,
  firmware: ({ firmware }) => declared("firmware", firmware),
  "ovs-running": ovsOnly,
  "ovs-version": ovsOnly,
  "ovs-tc-policy": offloadOnly,
  "ovs-hw-offload": ovsOnly,
  "ovs-bridge": ovsOnly,
  "ovs-stale-ports": ovsOnly,
  "ovs-bridge-up": offloadOnly,
  "ovs-ingress-blocks": offloadOnly,
};

/** Why a requirement of the host is not asked; null where it is. */
export function notAskedOfHost(id: string, spec: Spec): string | null {
  return hostReasons[id]?.(spec) ?? null;
}

/** Why a requirement is not asked of this NIC; null where it is. */
export function notAskedOfNic(id: string, nic: NicSpec, state: HostState): string | null {
  return nicReasons[id]?.(nic, state) ?? null;
}

/** The requirements that this file knows, for the test. */
export const knownHere: readonly string[] = [...Object.keys(nicReasons), ...Object.keys(hostReasons)];
