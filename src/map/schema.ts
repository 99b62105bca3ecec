import * as z from "zod";
import { Guest } from "../host/state/guests.ts";
import { observed } from "../host/state/observed-schema.ts";
import { Mac, NetdevName, PciAddress } from "../host/state/schemas.ts";
import { Eswitch, Holder } from "../host/state/state.ts";

/** Who is who on a host: what `vflag map -o json` prints. */

const Count = z.strictObject({ flows: z.int().min(0), packets: z.int().min(0), bytes: z.int().min(0) });

const Traffic = z
  .strictObject({ hardware: Count, partial: Count, software: Count, exempt: Count, unknown: Count })
  .meta({
    id: "Traffic",
    description:
      "flows by who carries them; exempt: in software, where they belong; unknown: it was not told",
  });

const Flow = z.strictObject({ in: Traffic, out: Traffic }).meta({
  id: "MapFlows",
  description: "flows of Open vSwitch that come in by this netdev, and that go out of it",
});

const BridgePort = z
  .strictObject({
    bridge: z.string(),
    port: z.string(),
    ofport: z.int().nullable(),
    ifaceId: z.string().nullable(),
    error: z.string().nullable(),
  })
  .meta({ id: "MapBridgePort", description: "a netdev's place in Open vSwitch" });

const Representor = z.strictObject({
  netdev: NetdevName,
  up: z.boolean(),
  bridgePort: BridgePort.nullable(),
  flows: Flow.nullable(),
});

const Vf = z
  .strictObject({
    index: z.int().min(0),
    address: PciAddress,
    driver: z.string().nullable(),
    netdev: NetdevName.nullable(),
    mac: Mac.nullable(),
    representor: Representor.nullable(),
    guests: z.array(Guest),
    holders: observed(z.array(Holder)),
  })
  .meta({
    id: "MapVf",
    description: "guests: who has it, by name; holders: what the kernel tells of who holds it",
  });
export type MapVf = z.infer<typeof Vf>;

const Port = z
  .strictObject({
    address: PciAddress,
    netdev: NetdevName.nullable(),
    model: z.string().nullable(),
    up: z.boolean(),
    carrier: z.boolean(),
    eswitch: observed(Eswitch.shape.mode.nullable()),
    lag: z
      .strictObject({ port: z.int().min(1), leavesBy: z.array(z.int().min(1)) })
      .nullable()
      .meta({
        description:
          "its number in the NIC's LAG, and the numbers of the ports by which its VFs' packets leave",
      }),
    bridgePort: BridgePort.nullable(),
    flows: Flow.nullable(),
    vfs: z.array(Vf),
  })
  .meta({ id: "MapPort" });
export type MapPort = z.infer<typeof Port>;

const MapBond = z.strictObject({
  name: NetdevName,
  mode: z.string(),
  up: z.boolean(),
  slaves: z.array(z.strictObject({ netdev: NetdevName, up: z.boolean() })),
  bridgePort: BridgePort.nullable(),
  flows: Flow.nullable(),
});

const Nic = z
  .strictObject({
    name: z.string(),
    mode: z
      .enum(["sriov", "switchdev", "vf-lag"])
      .nullable()
      .meta({ description: "as declared; null: no spec speaks of it" }),
    physnet: z.string().nullable(),
    problem: z.string().nullable().meta({ description: "why its ports were not found" }),
    lag: observed(z.strictObject({ state: z.string(), type: z.string().nullable() }).nullable()),
    bond: MapBond.nullable(),
    ports: z.array(Port),
  })
  .meta({ id: "MapNic" });
export type MapNic = z.infer<typeof Nic>;

export const HostMap = z
  .strictObject({
    schema: z.literal("vflag/map/1"),
    hostname: z.string(),
    kernel: z.string(),
    observedAt: z.iso.datetime(),
    nics: z.array(Nic),
    notes: z.array(z.string()).meta({ description: "what could not be seen, and why" }),
  })
  .meta({
    id: "HostMap",
    title: "vflag map",
    description: "flows null: none could be seen (see notes), or the netdev can have none",
  });
export type HostMap = z.infer<typeof HostMap>;
export type MapFlows = z.infer<typeof Flow>;
export type MapBridgePort = z.infer<typeof BridgePort>;
