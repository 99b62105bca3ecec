import * as z from "zod";
import { observed } from "../state/observed-schema.ts";
import { NetdevName } from "../state/schemas.ts";

/** Open vSwitch on a host, as its own programs tell it, and the blocks of tc rules that it works with. */

/**
 * A container's name as docker and podman take it; it never begins with a hyphen, so it is never taken for an
 * option.
 */
const ContainerName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/, "no container's name");

/** Where its programs are. `unit`: what systemd calls it; null where no such unit is installed. */
export const OvsSource = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("native"), unit: z.string().nullable() }),
  z.strictObject({ kind: z.literal("container"), engine: z.enum(["docker", "podman"]), name: ContainerName }),
]);
export type OvsSource = z.infer<typeof OvsSource>;

/** Source: ovs-vswitchd.conf.db(5), tables Port and Interface. */
export const OvsInterface = z.strictObject({
  name: z.string(),
  port: z.string(),
  type: z.string(),
  ofport: z.int().nullable(),
  error: z.string().nullable(),
  ifaceId: z.string().nullable(),
  offloadPriority: z.string().nullable().optional(),
});
export type OvsInterface = z.infer<typeof OvsInterface>;

export const OvsBridge = z.strictObject({
  name: z.string(),
  datapathType: z.string(),
  interfaces: z.array(OvsInterface),
});
export type OvsBridge = z.infer<typeof OvsBridge>;

export const Ovs = z
  .strictObject({
    source: OvsSource,
    version: z.string().nullable(),
    running: z.boolean(),
    hwOffload: z.boolean(),
    offloadInEffect: observed(z.boolean()),
    tcPolicy: z.string().nullable(),
    dpdk: z.boolean(),
    doca: z.boolean(),
    bridges: z.array(OvsBridge),
  })
  .meta({
    id: "Ovs",
    description:
      "running: ovs-vswitchd answers; hwOffload, tcPolicy, dpdk and doca: as configured in other_config; " +
      "offloadInEffect: the running ovs-vswitchd works with tc; ifaceId: whose port it is (Neutron's), " +
      "null for nobody's; offloadPriority: what offloads its flows, since 3.7, null for the default, left " +
      "out where nobody looked",
  });
export type Ovs = z.infer<typeof Ovs>;

/** Source: linux include/uapi/linux/rtnetlink.h, TCA_INGRESS_BLOCK. */
export const IngressQdisc = z
  .strictObject({ netdev: NetdevName, kind: z.enum(["ingress", "clsact"]), block: z.int().min(1).nullable() })
  .meta({
    id: "IngressQdisc",
    description: "where tc rules for arriving packets hang; block: shared with all that have the same number",
  });
export type IngressQdisc = z.infer<typeof IngressQdisc>;
