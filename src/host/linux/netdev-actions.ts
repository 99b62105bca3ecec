import type { LinkReference } from "../../netlink/index.ts";
import type { VfSettings } from "../state.ts";
import type { Kernel } from "./kernel.ts";
import { Refusal } from "./refusal.ts";

/** Actions on a netdev, which is given by its index where that is known: names change while udev is at work. */

/** Switches hw-tc-offload. Throws NetlinkError EOPNOTSUPP where it is fixed. */
export function setTcOffload(kernel: Kernel, netdev: LinkReference, on: boolean): void {
  kernel.netlink.ethtool.setFeatures(netdev, { "hw-tc-offload": on });
}

/** Sets the number of combined channels; the number that it has already is left alone, for the carrier may drop. */
export function setChannels(kernel: Kernel, netdev: LinkReference, combined: number): void {
  const now = kernel.netlink.ethtool.getChannels(netdev)?.combined;
  if (now == null) throw new Refusal("EOPNOTSUPP", `set channels of ${netdev}: the driver has no combined channels`);
  if (now.count === combined) return;
  const link = kernel.netlink.route.getLink(netdev);
  if (link?.slaveKind === "bond") throw new Refusal("EBUSY", `not done: ${link.name} is in a bond by now, and its carrier would drop`);
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
