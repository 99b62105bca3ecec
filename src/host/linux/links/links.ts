import { join } from "node:path";
import type { DeviceChannels, DeviceFeatures, Link } from "../../../netlink/index.ts";
import { type Observed, unknown } from "../../state/observed.ts";
import type { Bond, Netdev, VfSettings } from "../../state/state.ts";
import { isMac, isNetdevName } from "../../state/values.ts";
import type { Kernel } from "../system/kernel.ts";
import { reasonOf } from "../system/refusal.ts";
import { readLinkName } from "../system/sysfs.ts";

/** A link together with the device under it, such as a PCI address. */
export interface FoundLink extends Link {
  readonly device: string | null;
}

/**
 * Names of a physical port's netdev: `p0`, or `p0s1` where the port is split. Source: linux
 * net/devlink/port.c.
 */
const uplinkName = /^p\d+(s\d+)?$/;

/** Names of representors of VFs, scalable functions, and of a DPU's host function. */
const representorName = /^(c\d+)?pf\d+((vf|sf)\d+)?$/;

/** All links of this network namespace, in one dump. Throws NetlinkError. */
export function findLinks(kernel: Pick<Kernel, "netlink" | "sysRoot">): FoundLink[] {
  return kernel.netlink.route.listLinks().flatMap((link) => {
    // A name with bytes that are no UTF-8 cannot be given back to the kernel as it was.
    return isNetdevName(link.name) ? [{ ...link, device: deviceOf(link, kernel.sysRoot) }] : [];
  });
}

/**
 * Kernels before 5.14 do not tell the device in the dump; there, only devices without a kind (hardware) are
 * looked up.
 */
function deviceOf(link: Link, sysRoot: string): string | null {
  if (link.parent !== null) return link.parent.device;
  return link.kind === null ? readLinkName(join(sysRoot, "class/net", link.name, "device")) : null;
}

/**
 * Links as the state tells them. Features and channels come from one dump each: ethtool over netlink, kernel
 * 5.6.
 */
export function netdevsOf(links: readonly FoundLink[], kernel: Kernel): Netdev[] {
  const names = new Map(links.map((link) => [link.index, link.name]));
  const features = attempt(() => byIndex(kernel.netlink.ethtool.listFeatures(["hw-tc-offload"])));
  const channels = attempt(() => byIndex(kernel.netlink.ethtool.listChannels()));
  return links.map((link) => {
    return {
      name: link.name,
      altNames: [...link.altNames],
      index: link.index,
      mac: macOf(link.mac),
      permanentMac: macOf(link.permanentMac ?? link.bondSlave?.permanentMac ?? null),
      kind: link.kind,
      up: link.up,
      carrier: link.lowerUp,
      mtu: link.mtu,
      master: link.master === null ? null : (names.get(link.master) ?? null),
      device: link.device,
      switchId: link.switchId,
      portName: link.portName,
      tcOffload: "unknown" in features ? features : tcOffloadOf(features.value.get(link.index)),
      channels: "unknown" in channels ? channels : channelsOf(channels.value.get(link.index)),
      ...(link.infiniband ? { infiniband: true } : {}),
    };
  });
}

/** The bonds among the links. */
export function bondsOf(links: readonly FoundLink[]): Bond[] {
  return links.flatMap((link): Bond[] => {
    if (link.bond === null) return [];
    const { mode, xmitHashPolicy, lacp, miimon, arpInterval, updelay, downdelay, lacpRate } = link.bond;
    const slaves = links.filter((slave) => slave.master === link.index && slave.slaveKind === "bond");
    const partner = lacp === null ? null : macOf(lacp.partnerMac);
    return [
      {
        name: link.name,
        mode,
        // The kernel keeps a policy in every mode; these are the modes that use it. Source: bond_main.c,
        // bond_mode_uses_xmit_hash().
        xmitHashPolicy: ["balance-xor", "802.3ad", "balance-tlb", "balance-alb"].includes(mode)
          ? xmitHashPolicy
          : null,
        up: link.up,
        slaves: slaves.map((slave) => ({ netdev: slave.name, up: slave.bondSlave?.miiStatus === "up" })),
        lacp:
          mode === "802.3ad" && lacp !== null && partner !== null
            ? { ports: lacp.ports, partner, rate: lacpRate }
            : null,
        monitoring: { miimon, arpInterval, updelay, downdelay },
      },
    ];
  });
}

/**
 * The netdev of a PF, among all that are on its PCI device: representors are there too since kernel 5.8.
 * A PF of two ports (mlx4) is told by its first one. Null: it has none in this network namespace.
 */
export function netdevOfPf<T extends { index: number; device: string | null; portName: string | null }>(
  address: string,
  netdevs: readonly T[],
): T | null {
  const rank = ({ portName }: T) => (portName === null ? 1 : uplinkName.test(portName) ? 0 : 2);
  const own = netdevs.filter(
    (netdev) => netdev.device === address && !representorName.test(netdev.portName ?? ""),
  );
  return own.sort((a, b) => rank(a) - rank(b) || a.index - b.index)[0] ?? null;
}

/** What the PF administers of one of its VFs. @param link the PF's own netdev */
export function vfSettingsOf(link: Link | null, index: number): Observed<VfSettings> {
  if (link === null) return unknown("the PF has no netdev to ask");
  // They come in order; to search hundreds for each of hundreds takes longer than to ask the kernel.
  const vf =
    link.vfs[index]?.index === index
      ? link.vfs[index]
      : link.vfs.find((candidate) => candidate.index === index);
  if (vf === undefined)
    return unknown(`the driver of ${link.name} does not tell the settings of VF ${index}`);
  const mac = macOf(vf.mac);
  if (mac === null) return unknown(`the hardware address of VF ${index} is no Ethernet address`);
  const { trust, spoofCheck, linkState } = vf;
  return {
    mac,
    trust,
    spoofCheck,
    linkState: linkState === "auto" || linkState === "enable" || linkState === "disable" ? linkState : null,
  };
}

function tcOffloadOf(device: DeviceFeatures | undefined): Netdev["tcOffload"] {
  if (device === undefined) return unknown("it appeared while the host was being observed");
  const feature = device.features["hw-tc-offload"];
  return feature === undefined ? { on: false, fixed: true } : { on: feature.active, fixed: feature.fixed };
}

function channelsOf(device: DeviceChannels | undefined): Netdev["channels"] {
  return device?.combined == null ? null : { combined: device.combined.count, max: device.combined.max };
}

/** InfiniBand, tunnels and the like have addresses of other lengths. */
function macOf(address: string | null): string | null {
  return address !== null && isMac(address) ? address : null;
}

function byIndex<T extends { index: number }>(devices: readonly T[]): Map<number, T> {
  return new Map(devices.map((device) => [device.index, device]));
}

function attempt<T>(read: () => T): { value: T } | { unknown: string } {
  try {
    return { value: read() };
  } catch (error) {
    return unknown(reasonOf(error));
  }
}
