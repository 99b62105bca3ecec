import { describeHolders } from "../in-use.ts";
import type { PciAddress } from "../values.ts";
import { findHolders } from "./holders.ts";
import type { Kernel } from "./kernel.ts";
import { type FoundLink, findLinks, netdevOfPf } from "./links.ts";
import type { FoundVf } from "./pci.ts";
import { Refusal } from "./refusal.ts";

/**
 * The last look, right before an action that cuts off its users: between the observation that asked for the action and
 * now a guest may have started, or networking may have made the bond.
 */

/** Throws Refusal EBUSY when the PF is under a master, or one of its VFs is in use, or that cannot be told. */
export function refuseHarm(kernel: Kernel, pf: PciAddress, vfs: readonly FoundVf[]): void {
  const links = findLinks(kernel);
  refuseEnslaved(kernel, pf, links);
  refuseInUse(kernel, vfs, links);
}

/** Throws Refusal EBUSY when one of these VFs is in use, or when that cannot be told; it names the VFs and their holders. */
export function refuseInUse(kernel: Kernel, vfs: readonly FoundVf[], links: readonly FoundLink[] = findLinks(kernel)): void {
  if (vfs.length === 0) return;
  const holders = findHolders(vfs, kernel, links);
  const held = vfs.flatMap((vf) => {
    const words = describeHolders(holders.get(vf.address) ?? []);
    return words === null ? [] : [`VF ${vf.index} (${vf.address}) is ${words}`];
  });
  if (held.length > 0) throw new Refusal("EBUSY", `not done: ${held.join("; ")}`);
}

/** Throws Refusal EBUSY when the PF is in a bond, or under any other master. */
export function refuseEnslaved(kernel: Kernel, pf: PciAddress, links: readonly FoundLink[] = findLinks(kernel)): void {
  const own = netdevOfPf(pf, links);
  if (own === null || own.master === null) return;
  const master = links.find((link) => link.index === own.master);
  throw new Refusal("EBUSY", `not done: ${own.name} (${pf}) is in ${master?.name ?? `the netdev with index ${own.master}`}`);
}
