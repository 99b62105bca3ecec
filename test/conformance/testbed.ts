import type { Host } from "../../src/host/host.ts";

/**
 * A host that the conformance cases can be run against, with the few things that happen to a host and are not vflag's doing.
 * The cases are the same for all; what differs from NIC to NIC is named here as a property of that NIC.
 */
export interface Testbed {
  readonly name: string;
  readonly nic: NicProperties;
  /** A host with a NIC as after power-on: no VFs, legacy mode, no bond. */
  reset(): Promise<Host>;
  /** Makes a bond of these netdevs. Its carrier is up when this returns, as far as it can be. */
  bond(name: string, mode: string, netdevs: readonly string[]): Promise<void>;
  /** A port's link goes down and comes back, so that the driver looks at its LAG. */
  linkEvent(netdev: string): Promise<void>;
  /** Binds a VF to vfio-pci, as libvirt does for a guest that has not started yet. */
  giveToVfio(vf: string): Promise<void>;
  close(): Promise<void>;
}

export interface NicProperties {
  readonly totalVfs: number;
  /** Whether the capability's VF Device ID is that of the VFs: the lab's stand-in borrows another NIC's capability. */
  readonly tellsVfProduct: boolean;
  readonly vfDriver: string;
  readonly eswitch: boolean;
  readonly lag: boolean;
  /** Flow steering can be set, and to what; none where the driver has no such parameter. */
  readonly steering: readonly ("dmfs" | "smfs" | "hmfs")[];
  readonly maxChannels: number;
}
