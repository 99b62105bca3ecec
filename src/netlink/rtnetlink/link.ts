import { NetlinkFormatError } from "../transport/errors.ts";
import {
  bondAttributes,
  bondSlaveAttributes,
  linkAttributes,
  type VfAttributes,
  vfHardwareAddress,
} from "./link-attributes.ts";
import { nameOf, type Unnamed } from "./names.ts";

/**
 * A network device, as rtnetlink tells it. Source: linux/if_link.h; Documentation/networking/operstates.rst.
 */
export interface Link {
  readonly index: number;
  readonly name: string;
  readonly altNames: readonly string[];
  /** Null where the device has none, such as a tunnel. */
  readonly mac: string | null;
  /**
   * The address burnt into the NIC; null where the driver or the kernel (before 5.6) does not tell. A bond
   * changes `mac`, not this.
   */
  readonly permanentMac: string | null;
  /** An InfiniBand port or child: ARPHRD_INFINIBAND (linux/if_arp.h). */
  readonly infiniband: boolean;
  readonly mtu: number;
  /** IFF_UP: an administrator switched it on. */
  readonly up: boolean;
  /** IFF_LOWER_UP: it has a carrier. */
  readonly lowerUp: boolean;
  readonly operstate: Operstate;
  /** ifindex of the bond, bridge or OVS datapath that it belongs to. */
  readonly master: number | null;
  /**
   * ifindex of what it stands on (a VLAN's device, a veth's peer), in the namespace `linkNetnsId` if that is
   * not null.
   */
  readonly link: number | null;
  readonly linkNetnsId: number | null;
  /** What software device it is: bond, bridge, vlan, veth...; null for hardware. */
  readonly kind: string | null;
  /** For kind "bond". */
  readonly bond: Bond | null;
  /** The kind of its master: "bond", "bridge", "openvswitch"; null when that has no kind or there is none. */
  readonly slaveKind: string | null;
  /** For slave kind "bond". */
  readonly bondSlave: BondSlave | null;
  /** phys_switch_id in hexadecimal, equal for all ports of one eSwitch; null outside switchdev mode. */
  readonly switchId: string | null;
  /** phys_port_name: `p0` for an uplink, `pf0vf3` for a representor. */
  readonly portName: string | null;
  /**
   * The device under it: `{ bus: "pci", device: "0000:37:00.0" }`. Null before 5.14, and for software
   * devices.
   */
  readonly parent: { readonly bus: string; readonly device: string } | null;
  /** VFs enabled on it; null for a device that is no PF. */
  readonly vfCount: number | null;
  /**
   * What the PF administers of its VFs. Shorter than `vfCount` if the driver does not tell, or tells more
   * than fits in a message.
   */
  readonly vfs: readonly Vf[];
}

export type Operstate = (typeof operstates)[number] | Unnamed;
export type BondMode = (typeof bondModes)[number] | Unnamed;
export type XmitHashPolicy = (typeof xmitHashPolicies)[number] | Unnamed;
export type VfLinkState = (typeof vfLinkStates)[number];

export interface Bond {
  readonly mode: BondMode;
  /** ms between checks of the slaves' carrier; 0 for none. */
  readonly miimon: number;
  /** ms that a link must be up, or down, until it counts. */
  readonly updelay: number;
  readonly downdelay: number;
  /** ms between ARP requests that check the slaves; 0 for none. */
  readonly arpInterval: number;
  readonly xmitHashPolicy: XmitHashPolicy | null;
  /**
   * How often the partner is asked to send: each 30 s, or each second. Null where the kernel does not tell.
   */
  readonly lacpRate: "slow" | "fast" | Unnamed | null;
  /** ifindex, in the modes that have one. */
  readonly activeSlave: number | null;
  /** The active aggregator, in mode 802.3ad only. A partner of all zeros: the switch does not speak LACP. */
  readonly lacp: { readonly aggregator: number; readonly ports: number; readonly partnerMac: string } | null;
}

export interface BondSlave {
  readonly state: "active" | "backup" | Unnamed;
  readonly miiStatus: "up" | "going down" | "down" | "going back" | Unnamed;
  readonly permanentMac: string | null;
  /** Aggregator id, in mode 802.3ad only. */
  readonly aggregator: number | null;
}

/** Administrative settings of a VF. Null: the driver does not tell. */
export interface Vf {
  readonly index: number;
  readonly mac: string;
  /** 0 for none. */
  readonly vlan: number;
  readonly qos: number;
  readonly spoofCheck: boolean | null;
  readonly trust: boolean | null;
  readonly linkState: VfLinkState | Unnamed | null;
  /** Mbit/s, 0 for no limit. */
  readonly minRate: number;
  readonly maxRate: number;
}

// linux/if.h, linux/if_bonding.h, drivers/net/bonding/bond_options.c
const operstates = ["unknown", "notpresent", "down", "lowerlayerdown", "testing", "dormant", "up"] as const;
const bondModes = [
  "balance-rr",
  "active-backup",
  "balance-xor",
  "broadcast",
  "802.3ad",
  "balance-tlb",
  "balance-alb",
] as const;
const xmitHashPolicies = ["layer2", "layer3+4", "layer2+3", "encap2+3", "encap3+4", "vlan+srcmac"] as const;
const lacpRates = ["slow", "fast"] as const;
/** In the kernel's order, IFLA_VF_LINK_STATE_*. */
export const vfLinkStates = ["auto", "enable", "disable"] as const;
const slaveStates = ["active", "backup"] as const;
const miiStatuses = ["up", "going down", "down", "going back"] as const;

/** struct ifinfomsg (linux/rtnetlink.h). */
export const LINK_HEADER = 16;
export const IFF_UP = 0x1;
const ARPHRD_INFINIBAND = 32;
const IFF_LOWER_UP = 0x1_0000;

/** Decodes the payload of an RTM_NEWLINK message. Throws NetlinkFormatError. */
export function decodeLink(payload: Buffer): Link {
  if (payload.length < LINK_HEADER) throw new NetlinkFormatError(`link message of ${payload.length} bytes`);
  const index = payload.readInt32LE(4);
  const flags = payload.readUInt32LE(8);
  const found = linkAttributes.decode(payload, LINK_HEADER);
  if (found.name === undefined) throw new NetlinkFormatError(`link ${index} has no name`);
  const { kind, data, slaveKind, slaveData } = found.info ?? {};
  return {
    index,
    name: found.name,
    altNames: found.altNames ?? [],
    mac: found.mac || null,
    permanentMac: found.permanentMac ?? null,
    infiniband: payload.readUInt16LE(2) === ARPHRD_INFINIBAND,
    mtu: found.mtu ?? 0,
    up: (flags & IFF_UP) !== 0,
    lowerUp: (flags & IFF_LOWER_UP) !== 0,
    operstate: nameOf(operstates, found.operstate ?? 0),
    master: found.master || null,
    link: found.link || null,
    linkNetnsId: found.linkNetnsId ?? null,
    kind: kind ?? null,
    bond: kind === "bond" && data ? decodeBond(data) : null,
    slaveKind: slaveKind ?? null,
    bondSlave: slaveKind === "bond" && slaveData ? decodeBondSlave(slaveData) : null,
    switchId: found.switchId ?? null,
    portName: found.portName ?? null,
    parent: decodeParent(found.parentBus, found.parentDevice),
    vfCount: found.vfCount ?? null,
    vfs: (found.vfs ?? []).flatMap((vf) => decodeVf(vf, found.mac) ?? []),
  };
}

function decodeParent(bus: string | undefined, device: string | undefined): Link["parent"] {
  return bus === undefined || device === undefined ? null : { bus, device };
}

function decodeBond(data: Buffer): Bond | null {
  const found = bondAttributes.decode(data);
  const { mode, miimon, xmitHashPolicy, lacpRate, activeSlave, adInfo } = found;
  if (mode === undefined) return null;
  return {
    mode: nameOf(bondModes, mode),
    miimon: miimon ?? 0,
    updelay: found.updelay ?? 0,
    downdelay: found.downdelay ?? 0,
    arpInterval: found.arpInterval ?? 0,
    xmitHashPolicy: xmitHashPolicy === undefined ? null : nameOf(xmitHashPolicies, xmitHashPolicy),
    lacpRate: lacpRate === undefined ? null : nameOf(lacpRates, lacpRate),
    activeSlave: activeSlave || null,
    lacp:
      adInfo?.ports === undefined || adInfo.partnerMac === undefined
        ? null
        : { aggregator: adInfo.aggregator ?? 0, ports: adInfo.ports, partnerMac: adInfo.partnerMac },
  };
}

function decodeBondSlave(data: Buffer): BondSlave | null {
  const { state, miiStatus, permanentMac, aggregator } = bondSlaveAttributes.decode(data);
  if (state === undefined || miiStatus === undefined) return null;
  return {
    state: nameOf(slaveStates, state),
    miiStatus: nameOf(miiStatuses, miiStatus),
    permanentMac: permanentMac ?? null,
    aggregator: aggregator ?? null,
  };
}

function decodeVf(
  { mac, vlan, spoofCheck, trust, linkState, rate }: VfAttributes,
  like: string | undefined,
): Vf | null {
  if (mac === undefined) return null;
  return {
    index: mac.vf,
    mac: vfHardwareAddress(mac.mac, like),
    vlan: vlan?.vlan ?? 0,
    qos: vlan?.qos ?? 0,
    spoofCheck: switched(spoofCheck?.setting),
    trust: switched(trust?.setting),
    linkState: linkState === undefined ? null : nameOf(vfLinkStates, linkState.setting),
    minRate: rate?.min ?? 0,
    maxRate: rate?.max ?? 0,
  };
}

/** The kernel writes -1 for what a driver did not fill in (rtnl_fill_vfinfo in net/core/rtnetlink.c). */
function switched(setting: number | undefined): boolean | null {
  return setting === undefined || setting === 0xffff_ffff ? null : setting !== 0;
}
