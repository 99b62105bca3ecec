import type { LinkReference } from "../../../netlink/index.ts";
import type { VfSettings } from "../../state/state.ts";
import type { Kernel } from "../system/kernel.ts";

/**
 * Actions on a netdev, which is given by its index where that is known: names change while udev is at work.
 */

/** Switches hw-tc-offload. Throws NetlinkError EOPNOTSUPP where it is fixed. */
export function setTcOffload(kernel: Kernel, netdev: LinkReference, on: boolean): void {
  kernel.netlink.ethtool.setFeatures(netdev, { "hw-tc-offload": on });
}

/**
 * Sets the number of combined channels. The number that it has already is left alone by the kernel itself:
 * linux net/ethtool/channels.c, ethnl_set_channels().
 */
export function setChannels(kernel: Kernel, netdev: LinkReference, combined: number): void {
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
