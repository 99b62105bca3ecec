import { driverOf } from "../drivers/registry.ts";
import { describeHolders, mayBeInUse } from "../host/in-use.ts";
import type { PhysicalFunction, VirtualFunction } from "../host/state/state.ts";
import type { Finding } from "./requirement.ts";

/** The driver that this PF's VFs have on the host. */
export function nativeDriver(pf: PhysicalFunction): string {
  return driverOf(pf.driver).vfDriver;
}

/** Whether something holds the VF, in words: `null` when it is known to be free. */
export function heldBy(vf: VirtualFunction): string | null {
  return mayBeInUse(vf) ? describeHolders(vf.holders) : null;
}

/** A PF as messages name it: `ens3f0 (0000:37:00.0)`. */
export function pfName(pf: PhysicalFunction): string {
  return pf.netdev === null ? pf.address : `${pf.netdev} (${pf.address})`;
}

/** What a finding is about. */
export type Subject = Pick<Finding, "subject" | "pf">;

export function aboutPf(pf: PhysicalFunction): Subject {
  return { subject: pfName(pf), pf: pf.address };
}

export function aboutVf(pf: PhysicalFunction, vf: VirtualFunction): Subject {
  return { subject: `VF ${vf.index} (${vf.address}) of ${pfName(pf)}`, pf: pf.address };
}
