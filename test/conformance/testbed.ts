import type { Host } from "../../src/host/host.ts";
import type { HostState, PhysicalFunction } from "../../src/host/state/state.ts";

/**
 * A host that the conformance cases can be run against, with the few things that happen to a host and are not
 * vflag's doing. The cases are the same for all; what differs from NIC to NIC is named here as a property of
 * that NIC.
 */
export interface Testbed {
  readonly name: string;
  readonly nic: NicProperties;
  /** A host with a NIC as after power-on: no VFs, legacy mode, no bond. */
  reset(): Promise<Host>;
  /**
   * Makes a bond of these netdevs. Its carrier is up when this returns, as far as it can be. It returns what
   * drivers warned of: sentences that reach whoever enslaves a port, and no log.
   */
  bond(name: string, mode: string, netdevs: readonly string[]): Promise<string[]>;
  /** Takes a netdev out of its bond. */
  release(netdev: string): Promise<void>;
  /** Takes a bond away. */
  unbond(name: string): Promise<void>;
  /** A port's link goes down and comes back, so that the driver looks at its LAG. */
  linkEvent(netdev: string): Promise<void>;
  /** Binds a VF to vfio-pci, as libvirt does for a guest that has not started yet. */
  giveToVfio(vf: string): Promise<void>;
  /** Puts a fault into the card or takes it away; the faults that it knows are `nic.faults`. */
  fault?(name: BedFault, on: boolean): Promise<void>;
  /**
   * Begins to bring this host to VF-LAG (converge.ts), and is killed when so many actions have begun. A host
   * that knows no processes leaves the others undone.
   */
  killed?(host: Host, actions: number): Promise<void>;
  /** Lets pass what happens by itself: a LAG that comes up. */
  settle(): Promise<void>;
  /** How long a host may take to become what it will be, in ms: 0 where nothing takes time. */
  readonly patience: number;
  close(): Promise<void>;
}

/** Faults by the names of the simulated host; a card in the lab has knobs of its own for them. */
export type BedFault =
  | "lag-refused"
  | "eswitch-busy"
  | "mode-change-fails"
  | "bind-fails"
  | "firmware-takes-encap"
  | "firmware-frees-lag";

/** The PFs of the first card, in the order of their functions. */
export function portsOf({ pfs }: Pick<HostState, "pfs">): PhysicalFunction[] {
  const card = pfs[0]?.address.slice(0, -2);
  return pfs
    .filter((pf) => pf.address.slice(0, -2) === card)
    .sort((a, b) => (a.address < b.address ? -1 : 1));
}

export interface NicProperties {
  readonly totalVfs: number;
  /** Whether the capability's VF Device ID is that of the VFs. */
  readonly tellsVfProduct: boolean;
  readonly vfDriver: string;
  readonly eswitch: boolean;
  readonly lag: boolean;
  /** Flow steering can be set, and to what; none where the driver has no such parameter. */
  readonly steering: readonly ("dmfs" | "smfs" | "hmfs")[];
  readonly maxChannels: number;
  /** Whether the kernel's driver takes rules (CONFIG_MLX5_CLS_ACT): Debian's 6.1 does, its 6.12 does not. */
  readonly tcOffload: boolean;
  /** Whether the card encapsulates. */
  readonly encap: boolean;
  readonly faults: readonly BedFault[];
}
