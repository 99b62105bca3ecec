import type { Holder } from "../../state/state.ts";
import type { FoundLink } from "../links/links.ts";
import type { Kernel } from "../system/kernel.ts";

/** Who uses a netdev of this host itself: by the index of the netdev. */
export type HostUsers = ReadonlyMap<number, readonly Holder[]>;

/**
 * Netdevs over another one (VLAN, macvlan, ipvlan, VXLAN...) and addresses of the host. What is in another
 * network namespace does not show here. Throws NetlinkError.
 */
export function findHostUsers({ netlink }: Pick<Kernel, "netlink">, links: readonly FoundLink[]): HostUsers {
  const users = new Map<number, Holder[]>();
  const add = (index: number, holder: Holder) => users.set(index, [...(users.get(index) ?? []), holder]);
  for (const { name, kind, link, linkNetnsId } of links) {
    if (kind !== null && link !== null && linkNetnsId === null)
      add(link, { kind: "netdev", name, type: kind });
  }
  for (const { link, text, isLocal } of netlink.route.listAddresses())
    if (!isLocal) add(link, { kind: "address", address: text });
  return users;
}
