import { modelOf } from "../../drivers/registry.ts";
import type { HostState, PhysicalFunction } from "../../host/state/state.ts";
import type { Spec } from "../../spec/schema.ts";
import { resolvePorts } from "../../spec/selectors.ts";
import type { NovaDevice, NovaHost } from "./pci-rule.ts";

/** A host as Nova sees it, of what vflag observed: its SR-IOV functions, and no other PCI device. */
export interface NovaView {
  readonly host: NovaHost;
  /** The functions that are there, and the VFs that will be once the spec is applied. */
  readonly devices: readonly NovaDevice[];
}

/** What of a host's state tells its ports and their VFs. */
export type HostPorts = Pick<HostState, "pfs" | "netdevs">;

/** Makes Nova's view of a host, as it is and as the spec wants it. */
export function novaView(spec: Spec, state: HostPorts): NovaView {
  const sriov = state.pfs.filter((pf) => (pf.sriov?.total ?? 0) > 0);
  const totals = new Map(state.pfs.map((pf) => [String(pf.address), pf.sriov?.total ?? null]));
  const host: NovaHost = {
    interfaces: new Map(
      state.netdevs.flatMap(({ name, device }) =>
        device === null ? [] : [[name, { device, totalVfs: totals.get(device) ?? null }] as const],
      ),
    ),
    physicalFunctions: new Map(
      sriov.map((pf) => [
        String(pf.address),
        { vendor: pf.vendor, product: pf.product, vfProduct: vfProductOf(pf) },
      ]),
    ),
  };
  const wanted = new Map<string, number>();
  for (const nic of spec.nics) {
    const resolved = resolvePorts(nic, state);
    if ("pfs" in resolved) for (const pf of resolved.pfs) wanted.set(pf.address, nic.vfs);
  }
  const devices = state.pfs.flatMap((pf) => [
    { address: pf.address, vendor: pf.vendor, product: pf.product, parent: null },
    ...virtualFunctions(pf, wanted.get(pf.address) ?? 0),
  ]);
  return { host, devices };
}

/** The product id of a PF's VFs: as they or the kernel tell it, else as the model has it. */
export function vfProductOf(pf: PhysicalFunction): string | null {
  return pf.vfs[0]?.product ?? pf.sriov?.vfProduct ?? modelOf(pf.vendor, pf.product)?.vfProduct ?? null;
}

/** Those that are there, and those up to the count that will get the routing ids after them. */
function virtualFunctions(pf: PhysicalFunction, count: number): NovaDevice[] {
  const present = pf.vfs.map((vf) => ({
    address: String(vf.address),
    vendor: vf.vendor,
    product: vf.product,
    parent: pf.address,
  }));
  const product = vfProductOf(pf);
  const { offset = null, stride = null } = pf.sriov ?? {};
  if (offset === null || stride === null || product === null) return present;
  const known = new Set(pf.vfs.map((vf) => vf.index));
  const missing = Array.from({ length: count }, (_, index) => index).filter((index) => !known.has(index));
  const later = missing.map((index) => ({
    address: shifted(pf.address, offset + index * stride),
    vendor: pf.vendor,
    product,
    parent: pf.address,
  }));
  return [...present, ...later];
}

/** The address of the function that many routing ids on: 8 functions a slot, 32 slots a bus. */
function shifted(address: string, by: number): string {
  const [domain = "", bus = "", slot = "", func = ""] = address.split(/[:.]/);
  const id = Number.parseInt(bus, 16) * 256 + Number.parseInt(slot, 16) * 8 + Number(func) + by;
  const hex = (value: number) => value.toString(16).padStart(2, "0");
  return `${domain}:${hex(id >> 8)}:${hex((id >> 3) & 0x1f)}.${id & 7}`;
}

/** A yes as oslo.config reads it. Source: oslo_config/types.py, Boolean.TRUE_VALUES. */
export function isTruth(value: string): boolean {
  return /^(?:true|1|on|yes)$/i.test(value.trim());
}
