import type { NicSpec, Spec } from "../spec/schema.ts";

/** Why a requirement may not be asked, in the words that several of them share. */

export function unlessDeclared(key: string, value: unknown): string | null {
  return value === undefined ? `the spec declares no ${key}` : null;
}

export function unlessLag(nic: NicSpec): string | null {
  return nic.mode === "vf-lag" ? null : `mode ${nic.mode} has no bond`;
}

export function unlessEswitch(nic: NicSpec): string | null {
  return nic.mode === "sriov" ? "mode sriov leaves the eSwitch in legacy mode" : null;
}

export function unlessIommu({ kernel }: Spec): string | null {
  return kernel?.iommu === "off" ? "the spec says kernel.iommu: off" : null;
}

export function unlessOvs(spec: Spec): string | null {
  return unlessDeclared("ovs", spec.ovs) ?? unlessAnyEswitch(spec);
}

export function unlessAnyEswitch({ nics }: Spec): string | null {
  const eswitch = nics.some(({ mode }) => mode !== "sriov");
  return eswitch ? null : "no NIC has an eSwitch that Open vSwitch could use";
}

export function unlessOvsOffload(spec: Spec): string | null {
  return unlessOvs(spec) ?? (spec.ovs?.hwOffload === false ? "the spec says ovs.hwOffload: false" : null);
}
