import type { IngressQdisc } from "../../ovs/ovs.ts";
import { type Observed, unknown } from "../../state/observed.ts";
import type { FoundLink } from "../links/links.ts";
import type { Kernel } from "../system/kernel.ts";
import { reasonOf } from "../system/refusal.ts";

/** Ingress qdiscs of all links, in one dump. */
export function findIngressQdiscs(
  { netlink }: Pick<Kernel, "netlink">,
  links: readonly FoundLink[],
): Observed<IngressQdisc[]> {
  try {
    const names = new Map(links.map(({ index, name }) => [index, name]));
    return netlink.route.listQdiscs().flatMap(({ link, kind, ingressBlock }): IngressQdisc[] => {
      const netdev = names.get(link);
      return netdev !== undefined && (kind === "ingress" || kind === "clsact")
        ? [{ netdev, kind, block: ingressBlock }]
        : [];
    });
  } catch (error) {
    return unknown(reasonOf(error));
  }
}
