import { existsSync } from "node:fs";
import { join } from "node:path";
import type { LinkReference } from "../../netlink/index.ts";
import type { VfSettings } from "../state.ts";
import type { Kernel } from "./kernel.ts";
import { Refusal } from "./refusal.ts";

/** Actions on a netdev, which is given by its index where that is known: names change while udev is at work. */

/** Switches hw-tc-offload. Throws NetlinkError EOPNOTSUPP where it is fixed. */
export function setTcOffload(kernel: Kernel, netdev: LinkReference, on: boolean): void {
  kernel.netlink.ethtool.setFeatures(netdev, { "hw-tc-offload": on });
}

/**
 * Sets the number of combined channels. The number that it has already is left alone by the kernel itself: linux
 * net/ethtool/channels.c, ethnl_set_channels(). A port that is in a bond by now is refused, for its carrier would drop.
 * That is asked of sysfs: netlink's answers wait for the lock (RTNL) that udev holds again and again while it names hundreds
 * of representors, and those are in no bond.
 * @param name its name when it was observed
 */
export function setChannels(kernel: Kernel, netdev: LinkReference, name: string, combined: number): void {
  if (existsSync(join(kernel.sysRoot, "class/net", name, "bonding_slave")))
    throw new Refusal("EBUSY", `not done: ${name} is in a bond by now, and its carrier would drop`);
  kernel.netlink.ethtool.setCombinedChannels(netdev, combined);
}

/** Sets what the PF administers of a VF; what is null or missing stays as it is. */
export function setVfSettings(
  kernel: Kernel,
  netdev: LinkReference,
  vf: number,
  { mac, trust, spoofCheck, linkState }: Partial<VfSettings>,
): void {
  const { route } = kernel.netlink;
  if (mac !== undefined) route.setVfMac(netdev, vf, mac);
  if (trust != null) route.setVfTrust(netdev, vf, trust);
  if (spoofCheck != null) route.setVfSpoofCheck(netdev, vf, spoofCheck);
  if (linkState != null) route.setVfLinkState(netdev, vf, linkState);
}
