import { existsSync, readdirSync } from "node:fs";
import { type Observed, unknown } from "../../state/observed.ts";
import type { Holder } from "../../state/state.ts";
import type { PciAddress } from "../../state/values.ts";
import type { FoundLink } from "../links/links.ts";
import { devicesIn, listNamespaces, type Namespace } from "../links/namespaces.ts";
import type { FoundVf } from "../pci/pci.ts";
import type { Kernel } from "../system/kernel.ts";
import { reasonOf } from "../system/refusal.ts";
import { pciPath } from "../system/sysfs.ts";
import { deviceNodesOf, findVdpaNodes, isTap, isVfioDriver } from "./device-nodes.ts";
import { findHostUsers, type HostUsers } from "./host-users.ts";
import { findOpenFiles, type OpenFiles } from "./open-files.ts";

/** Drivers that hand a device to another machine without a file that a process would hold: Xen, old KVM. */
const givenAway = new Set(["pciback", "xen-pciback", "pci-stub"]);

/** The ways to see other namespaces; a test puts its own in their place. */
export interface NamespaceView {
  readonly list: () => Namespace[];
  readonly devicesIn: (namespace: Namespace) => string[];
}

/**
 * Who uses each of these VFs: processes that have its device open, and network namespaces that have its
 * netdev.
 *
 * A VF that has its network driver, and a netdev that is in another namespace, is told by sysfs: the
 * directory `net` of its PCI device is made with the first netdev and removed with the last, in whichever
 * namespace, but what is in it shows only to the netdev's own namespace. So an empty `net` is a netdev
 * elsewhere, and no `net` is no netdev (the driver is still probing, or has none). Source: linux
 * drivers/base/core.c, get_device_parent() and cleanup_glue_dir().
 *
 * A VF whose netdev is in a bridge or a bond (Open vSwitch's included), has an address, or bears another
 * netdev, is used by the host itself.
 *
 * /proc is walked through once, and only when a VF can be opened; namespaces are looked into only when a
 * netdev is away.
 */
export function findHolders(
  vfs: readonly FoundVf[],
  kernel: Kernel,
  links: readonly FoundLink[],
  namespaces: NamespaceView = realView(kernel),
  users: HostUsers = vfs.length === 0 ? new Map() : findHostUsers(kernel, links),
): Map<PciAddress, Observed<Holder[]>> {
  const vdpa = findVdpaNodes(kernel.sysRoot, vfs);
  const byDevice = Map.groupBy(links, ({ device }) => device);
  const byIndex = new Map(links.map((link) => [link.index, link]));
  const taps = links.filter(({ kind }) => isTap(kind));
  const ownOf = (vf: FoundVf) => byDevice.get(vf.address) ?? [];
  const nodes = new Map(
    vfs.map((vf) => [
      vf.address,
      vf.driver === null ? [] : deviceNodesOf(vf, kernel, { own: ownOf(vf), taps }, vdpa),
    ]),
  );
  const watched = new Set([...nodes.values()].flat());
  const open = watched.size === 0 ? nothingOpen : observeOpenFiles(watched, kernel.procRoot);
  const away = vfs.filter((vf) => isAway(vf, kernel.sysRoot));
  const places = away.length === 0 ? new Map<string, Namespace>() : findPlaces(away, namespaces);
  return new Map(
    vfs.map((vf) => {
      const master = masterOf(ownOf(vf), byIndex);
      if (master !== null) return [vf.address, [{ kind: "master", name: master }]];
      // A tap counts while its device is open, which is looked for below.
      const own = ownOf(vf)
        .flatMap(({ index }) => users.get(index) ?? [])
        .filter((user) => user.kind !== "netdev" || !isTap(user.type));
      if (own.length > 0) return [vf.address, own];
      const processes = openersOf(nodes.get(vf.address) ?? [], open);
      if (away.includes(vf)) {
        const { name = "of unknown name", pid } = places.get(vf.address) ?? {};
        const namespace: Holder = { kind: "namespace", name, ...(pid === undefined ? {} : { pid }) };
        return [vf.address, [...("unknown" in processes ? [] : processes), namespace]];
      }
      if (givenAway.has(vf.driver ?? ""))
        return [vf.address, unknown(`${vf.driver} has given it away, and nobody can see to whom`)];
      if (isVfioDriver(vf.driver) && nodes.get(vf.address)?.length === 0)
        return [vf.address, unknown(`it is bound to ${vf.driver} and in no IOMMU group`)];
      return [vf.address, processes];
    }),
  );
}

const nothingOpen: OpenFiles = { holders: new Map(), hidden: 0 };

function observeOpenFiles(paths: ReadonlySet<string>, procRoot: string): OpenFiles | string {
  try {
    return findOpenFiles(paths, procRoot);
  } catch (error) {
    return reasonOf(error);
  }
}

/**
 * The processes that have one of a VF's devices open. That there is none is known only when all processes
 * could be seen.
 */
function openersOf(nodes: readonly string[], open: OpenFiles | string): Observed<Holder[]> {
  if (nodes.length === 0) return [];
  if (typeof open === "string") return unknown(open);
  const processes = new Map(
    nodes.flatMap((node) => open.holders.get(node) ?? []).map((holder) => [holder.pid, holder]),
  );
  if (processes.size === 0 && open.hidden > 0)
    return unknown(`${open.hidden} processes do not let their open files be seen: run as root`);
  return [...processes.values()].map(({ pid, command }) => ({ kind: "process", pid, command }));
}

/** The bridge or bond that the netdev of a VF is in: the host itself uses such a VF. */
function masterOf([own]: readonly FoundLink[], byIndex: ReadonlyMap<number, FoundLink>): string | null {
  const master = own?.master ?? null;
  return master === null ? null : (byIndex.get(master)?.name ?? `netdev ${master}`);
}

function isAway(vf: FoundVf, sysRoot: string): boolean {
  if (vf.driver === null || isVfioDriver(vf.driver)) return false;
  const path = `${pciPath(sysRoot, vf.address)}/net`;
  try {
    return existsSync(path) && readdirSync(path).length === 0;
  } catch {
    return false;
  }
}

/** In which namespaces the netdevs of these VFs are, as far as that can be found. */
function findPlaces(away: readonly FoundVf[], namespaces: NamespaceView): Map<string, Namespace> {
  const sought = new Set<string>(away.map((vf) => vf.address));
  const places = new Map<string, Namespace>();
  for (const namespace of namespaces.list()) {
    if (sought.size === 0) break;
    for (const device of devicesOrNone(namespace, namespaces)) {
      if (sought.delete(device)) places.set(device, namespace);
    }
  }
  return places;
}

/** A namespace that ends while it is looked at, or cannot be entered, has nothing to tell. */
function devicesOrNone(namespace: Namespace, namespaces: NamespaceView): string[] {
  try {
    return namespaces.devicesIn(namespace);
  } catch {
    return [];
  }
}

function realView(kernel: Kernel): NamespaceView {
  return { list: () => listNamespaces(kernel.runRoot, kernel.procRoot), devicesIn };
}
