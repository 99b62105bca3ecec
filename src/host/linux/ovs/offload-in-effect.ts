import type { IngressQdisc, OvsBridge } from "../../ovs/ovs.ts";
import { isUnknown, type Observed, unknown } from "../../state/observed.ts";

/**
 * Whether the running ovs-vswitchd works with tc, which the configuration does not tell: it takes hw-offload
 * up at once or at its start, and off only at its start. `ovs-appctl upcall/show` counts offloaded flows for
 * a datapath as soon as one of its ports has a flow API (openvswitch ofproto/ofproto-dpif-upcall.c,
 * upcall_unixctl_show(); lib/dpif.c, dpif_get_n_offloaded_flows()), in newer releases only when there are
 * some. Without that line the ports tell: with the flow API each has an ingress or a clsact qdisc
 * (lib/netdev-offload-tc.c, netdev_tc_init_flow_api()), and without it only one whose traffic is policed.
 */
export function inEffect(
  upcalls: string,
  bridges: readonly OvsBridge[],
  qdiscs: Observed<readonly IngressQdisc[]>,
): Observed<boolean> {
  const datapaths = upcalls.split(/^(?=\S)/m).filter((block) => block.startsWith("system@"));
  if (datapaths.some((block) => /^\s+offloaded flows\s*:\s*\d+$/m.test(block))) return true;
  if (isUnknown(qdiscs)) return qdiscs;
  const ports = bridges
    .filter(({ datapathType }) => datapathType === "system")
    .flatMap(({ interfaces }) =>
      interfaces.filter(
        ({ type, ofport }) => ["", "system", "internal"].includes(type) && (ofport ?? -1) > 0,
      ),
    );
  if (ports.length === 0) return unknown("no bridge has a port yet, so nothing shows it");
  const withQdisc = ports.filter(({ name }) => qdiscs.some(({ netdev }) => netdev === name));
  if (withQdisc.length === 0) return false;
  if (withQdisc.length === ports.length) return true;
  return unknown(
    `of ${ports.length} ports ${withQdisc.length} have a qdisc for arriving packets, which may be for ` +
      `something else`,
  );
}
