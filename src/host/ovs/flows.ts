import * as z from "zod";
import { notLookedThen } from "../state/observed.ts";
import { observed } from "../state/observed-schema.ts";
import { NetdevName } from "../state/schemas.ts";

/**
 * The flows that Open vSwitch's datapaths hold, added up: hundreds of thousands of them make a list that can
 * still be read.
 */

/**
 * What a flow is for, as far as that decides whether hardware can have it. `control`: link-local protocols
 * (LLDP, LACP, STP);
 * `userspace`: ovs-vswitchd or a controller wants to see each packet; `slow-path`: ovs-vswitchd forwards each
 * packet, as the datapath cannot;
 * `new-connection`: of connection tracking; `traffic`: all others.
 */
const FlowKind = z.enum([
  "traffic",
  "arp",
  "multicast",
  "control",
  "userspace",
  "slow-path",
  "new-connection",
  "drop",
]);

export const FlowTally = z
  .strictObject({
    inPort: z.string().nullable(),
    layer: z.string().nullable(),
    offloaded: z.string().nullable(),
    kind: FlowKind,
    to: z.array(z.string()),
    flows: z.int().min(1),
    packets: z.int().min(0),
    bytes: z.int().min(0),
    idle: z.number().min(0).nullable(),
    example: z.string(),
  })
  .meta({
    id: "FlowTally",
    description:
      "flows that are alike. inPort: the port's name, or its number where nobody names it; layer: the word " +
      'after dp:, null where none is printed; offloaded: the word after offloaded:, "no" where only dp: is ' +
      "printed, null where neither is; to: the ports they go out of, only for traffic; idle: seconds since " +
      "the newest packet, null for never; example: the flow with the most packets",
  });
export type FlowTally = z.infer<typeof FlowTally>;

/**
 * The kinds of tunnels that NICs offload. Source: linux
 * drivers/net/ethernet/mellanox/mlx5/core/en/tc_tun_*.c.
 */
export const tunnelTypes = ["vxlan", "geneve", "gre"] as const;

export const Tunnel = z
  .strictObject({ type: z.enum(tunnelTypes), address: z.string(), via: z.array(NetdevName) })
  .meta({
    id: "Tunnel",
    description:
      "tunnels of Open vSwitch. address: their own, or where they have none a remote one; via: the netdev " +
      "that the address is on or that the route to it takes, then those under it; empty where Open vSwitch " +
      "knows no route",
  });
export type Tunnel = z.infer<typeof Tunnel>;

export const Flows = z
  .strictObject({
    tallies: z.array(FlowTally),
    listed: z.int().min(0),
    notUnderstood: z.int().min(0),
    cut: z.string().nullable(),
    tunnels: observed(z.array(Tunnel)).default(notLookedThen),
  })
  .meta({
    id: "Flows",
    description:
      "listed: flows that were read; notUnderstood: lines that are none and nothing else that is known; " +
      "cut: why these are not all",
  });
export type Flows = z.infer<typeof Flows>;
