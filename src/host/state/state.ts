import * as z from "zod";
import { Flows } from "../ovs/flows.ts";
import { IngressQdisc, Ovs } from "../ovs/ovs.ts";
import { observedOvsLog } from "../ovs/ovs-log.ts";
import { Attempts } from "./attempts.ts";
import { FirmwareCard } from "./firmware.ts";
import { Guest } from "./guests.ts";
import { ManagedFile, Unit } from "./installation.ts";
import { observedKernelLog } from "./kernel-log.ts";
import { notLookedThen } from "./observed.ts";
import { observed } from "./observed-schema.ts";
import { observedOpenStack } from "./openstack.ts";
import { Platform } from "./platform.ts";
import { RefusedSetting } from "./refused.ts";
import { Mac, NetdevName, PciAddress, PciId } from "./schemas.ts";
import { VfMaker } from "./vf-makers.ts";

/**
 * What a host is, in one snapshot: plain JSON that can be saved, sent, compared and read back.
 * Whoever only needs the types imports them with `import type`; the schemas are there to read a state from a
 * file.
 */

/** Who holds a virtual function, so that it must not be destroyed or unbound. */
export const Holder = z
  .discriminatedUnion("kind", [
    z.strictObject({ kind: z.literal("process"), pid: z.int(), command: z.string() }),
    z.strictObject({ kind: z.literal("namespace"), name: z.string(), pid: z.int().optional() }),
    z.strictObject({ kind: z.literal("master"), name: NetdevName }),
    z.strictObject({ kind: z.literal("netdev"), name: NetdevName, type: z.string() }),
    z.strictObject({ kind: z.literal("address"), address: z.string() }),
  ])
  .meta({
    id: "Holder",
    description:
      "a process that has the device open, a network namespace that has the netdev (pid: a process in it, " +
      "where it has no name), a bridge or bond that the netdev is in, a netdev over it (a VLAN, a " +
      "macvlan), or an IP address of the host on it",
  });
export type Holder = z.infer<typeof Holder>;

export const VfSettings = z
  .strictObject({
    mac: Mac,
    trust: z.boolean().nullable(),
    spoofCheck: z.boolean().nullable(),
    linkState: z.enum(["auto", "enable", "disable"]).nullable(),
  })
  .meta({
    id: "VfSettings",
    description: "what the PF administers of a VF; null where the driver does not tell",
  });
export type VfSettings = z.infer<typeof VfSettings>;

export const VirtualFunction = z
  .strictObject({
    index: z.int().min(0),
    address: PciAddress,
    vendor: PciId,
    product: PciId,
    driver: z.string().nullable(),
    driverOverride: z.string().nullable(),
    iommuGroup: z.int().nullable(),
    holders: observed(z.array(Holder)),
    settings: observed(VfSettings),
  })
  .meta({ id: "VirtualFunction" });
export type VirtualFunction = z.infer<typeof VirtualFunction>;

/** Source: linux Documentation/ABI/testing/sysfs-bus-pci, sriov_*. */
export const Sriov = z
  .strictObject({
    total: z.int().min(0),
    count: z.int().min(0),
    autoprobe: z.boolean().nullable(),
    offset: z.int().min(0).nullable(),
    stride: z.int().min(0).nullable(),
    vfProduct: PciId.nullable(),
  })
  .meta({
    id: "Sriov",
    description: "the SR-IOV capability; VF n has the routing id of its PF plus offset plus n times stride",
  });
export type Sriov = z.infer<typeof Sriov>;

export const Eswitch = z
  .strictObject({
    mode: z.enum(["legacy", "switchdev"]),
    inline: z.enum(["none", "link", "network", "transport"]).nullable(),
    encap: z.boolean().nullable(),
    steering: observed(z.enum(["dmfs", "smfs", "hmfs"]).nullable()),
  })
  .meta({ id: "Eswitch", description: "null fields: the driver has no such setting" });
export type Eswitch = z.infer<typeof Eswitch>;

/**
 * Source: linux drivers/net/ethernet/mellanox/mlx5/core/lag/debugfs.c; all but state and members are null
 * when disabled.
 */
export const Lag = z
  .strictObject({
    state: z.enum(["active", "disabled"]),
    type: z.enum(["roce", "switchdev", "multipath", "multiport_eswitch"]).nullable(),
    source: z.enum(["debugfs", "kernel-log"]).default("debugfs"),
    portSelection: z.string().nullable(),
    sharedFdb: z.boolean().nullable(),
    mapping: z.array(z.string()),
    members: z.array(PciAddress),
  })
  .meta({
    id: "Lag",
    description:
      "the NIC's own LAG under a bond; source: what tells it (the kernel log: before 5.19, type null " +
      "where it leaves that open)",
  });
export type Lag = z.infer<typeof Lag>;

export const PhysicalFunction = z
  .strictObject({
    address: PciAddress,
    vendor: PciId,
    product: PciId,
    model: z.string().nullable(),
    driver: z.string().nullable(),
    firmware: observed(z.string().nullable()),
    serial: observed(z.string().nullable()),
    iommuGroup: z.int().nullable(),
    numaNode: z.int().nullable(),
    netdev: NetdevName.nullable(),
    sriov: Sriov.nullable(),
    vfs: z.array(VirtualFunction),
    users: observed(z.array(Holder)).default(notLookedThen),
    eswitch: observed(Eswitch.nullable()),
    lag: observed(Lag.nullable()),
  })
  .meta({
    id: "PhysicalFunction",
    description:
      "sriov null: no SR-IOV through sysfs; users: what of the host's own traffic the port itself carries; " +
      "eswitch null: the device has none; lag null: the driver has none. vfs holds the VFs whose virtfn " +
      "link exists, so it can be shorter than sriov.count",
  });
export type PhysicalFunction = z.infer<typeof PhysicalFunction>;

export const Netdev = z
  .strictObject({
    name: NetdevName,
    altNames: z.array(z.string()),
    index: z.int(),
    mac: Mac.nullable(),
    permanentMac: Mac.nullable(),
    kind: z.string().nullable(),
    up: z.boolean(),
    carrier: z.boolean(),
    mtu: z.int(),
    master: NetdevName.nullable(),
    device: z.string().nullable(),
    switchId: z.string().nullable(),
    portName: z.string().nullable(),
    tcOffload: observed(z.strictObject({ on: z.boolean(), fixed: z.boolean() })),
    channels: observed(z.strictObject({ combined: z.int(), max: z.int() }).nullable()),
    infiniband: z.literal(true).optional(),
  })
  .meta({
    id: "Netdev",
    description:
      "device: the PCI (or other bus) device under it; channels null: the driver has no combined channels " +
      "to set; infiniband: left out for Ethernet and all else, and where nobody looked",
  });
export type Netdev = z.infer<typeof Netdev>;

export const Bond = z
  .strictObject({
    name: NetdevName,
    mode: z.string(),
    xmitHashPolicy: z.string().nullable(),
    up: z.boolean(),
    slaves: z.array(z.strictObject({ netdev: NetdevName, up: z.boolean() })),
    lacp: z.strictObject({ ports: z.int(), partner: Mac, rate: z.string().nullable().optional() }).nullable(),
    monitoring: z
      .strictObject({ miimon: z.int(), arpInterval: z.int(), updelay: z.int(), downdelay: z.int() })
      .optional(),
  })
  .meta({
    id: "Bond",
    description:
      "lacp: of the active aggregator, null in other modes than 802.3ad; monitoring: how it notices dead " +
      "links, in ms, 0 for not at all. Neither rate nor monitoring where nobody looked",
  });
export type Bond = z.infer<typeof Bond>;

export const DevlinkPort = z
  .strictObject({
    handle: z.string(),
    index: z.int(),
    flavour: z.string(),
    netdev: NetdevName.nullable(),
    port: z.int().nullable(),
    pf: z.int().nullable(),
    vf: z.int().nullable(),
    controller: z.int().nullable(),
  })
  .meta({
    id: "DevlinkPort",
    description: "handle: bus/device, such as pci/0000:37:00.0 or auxiliary/mlx5_core.eth.0",
  });
export type DevlinkPort = z.infer<typeof DevlinkPort>;

export const Representor = z.strictObject({ netdev: NetdevName, pf: PciAddress, vf: z.int().min(0) }).meta({
  id: "Representor",
  description: "the netdev that stands for VF number vf of that PF on the eSwitch",
});
export type Representor = z.infer<typeof Representor>;

export const HostState = z
  .strictObject({
    schema: z.literal("vflag/state/1"),
    hostname: z.string(),
    kernel: z.string(),
    observedAt: z.iso.datetime(),
    pfs: z.array(PhysicalFunction),
    netdevs: z.array(Netdev),
    bonds: z.array(Bond),
    devlinkPorts: observed(z.array(DevlinkPort)),
    representors: z.array(Representor),
    program: observed(z.string().nullable()),
    files: observed(z.array(ManagedFile)),
    units: observed(z.array(Unit)),
    firmware: observed(z.array(FirmwareCard)),
    ovs: observed(Ovs.nullable()),
    ingressQdiscs: observed(z.array(IngressQdisc)),
    platform: observed(Platform),
    kernelLog: observedKernelLog,
    ovsLog: observedOvsLog,
    openStack: observedOpenStack,
    guests: observed(z.array(Guest)).default(notLookedThen),
    flows: observed(Flows.nullable()).default(notLookedThen),
    kernelOptions: observed(z.record(z.string(), z.boolean())).default(notLookedThen),
    refused: z.array(RefusedSetting).default([]),
    attempts: observed(Attempts.nullable()).default(notLookedThen),
    vfMakers: observed(z.array(VfMaker)).default(notLookedThen),
  })
  .meta({
    id: "HostState",
    title: "vflag host state",
    description:
      "program: the path of vflag there, as its units start it, or why they must not; ovs null: there is " +
      "no Open vSwitch; flows null: neither; kernelOptions: what the kernel was built with, of what vflag " +
      "asks for; refused: what a device was asked for and cannot do; attempts: what vflag could not put " +
      "right in this boot, null where it has not run; vfMakers: what else makes VFs at boot",
  });
export type HostState = z.infer<typeof HostState>;
