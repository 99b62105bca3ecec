import { realpathSync } from "node:fs";
import type { PciAddress } from "../../state/values.ts";
import type { FoundLink } from "../links/links.ts";
import type { FoundVf } from "../pci/pci.ts";
import type { Kernel } from "../system/kernel.ts";
import { listNames, pciPath } from "../system/sysfs.ts";

/** True for `vfio-pci` and its variants, such as `mlx5_vfio_pci`, which can move a VF to another host. */
export function isVfioDriver(driver: string | null): boolean {
  return driver !== null && /vfio/.test(driver);
}

/** Whether netdevs of this kind are for guests: one is in use while a process has its device open. */
export function isTap(kind: string | null): boolean {
  return kind === "macvtap" || kind === "ipvtap";
}

/**
 * The character devices through which a process can use a VF; it is in use while one has such a device open.
 * - vfio: the IOMMU group, `/dev/vfio/12`, or since kernel 6.6 the device itself, `/dev/vfio/devices/vfio0`
 *   (QEMU, DPDK)
 * - uio: `/dev/uio0` (DPDK)
 * - verbs: `/dev/infiniband/uverbs3` (DPDK's mlx5 driver, RDMA), while the VF has its network driver
 * - vDPA: `/dev/vhost-vdpa-0` (QEMU), while the VF has its network driver
 * - macvtap or ipvtap on the VF's netdev: `/dev/tap42` (QEMU, Neutron's VNIC type macvtap)
 * @param own the VF's netdevs
 * @param taps all of them
 */
export function deviceNodesOf(
  vf: FoundVf,
  kernel: Kernel,
  { own, taps }: { readonly own: readonly FoundLink[]; readonly taps: readonly FoundLink[] },
  vdpa: ReadonlyMap<PciAddress, readonly string[]>,
): string[] {
  const path = pciPath(kernel.sysRoot, vf.address);
  const names = (entry: string) => listNames(`${path}/${entry}`);
  const groups =
    isVfioDriver(vf.driver) && vf.iommuGroup !== null
      ? [`vfio/${vf.iommuGroup}`, `vfio/noiommu-${vf.iommuGroup}`]
      : [];
  const over = taps.filter((tap) => tap.linkNetnsId === null && own.some(({ index }) => index === tap.link));
  const nodes = [
    ...groups,
    ...names("vfio-dev").map((name) => `vfio/devices/${name}`),
    ...names("uio"),
    ...names("infiniband_verbs").map((name) => `infiniband/${name}`),
    ...(vdpa.get(vf.address) ?? []),
    ...over.map((tap) => `tap${tap.index}`),
  ];
  return nodes.map((node) => `${kernel.devRoot}/${node}`);
}

/** The vDPA devices for user space, by the VF that they are made of. */
export function findVdpaNodes(sysRoot: string, vfs: readonly FoundVf[]): Map<PciAddress, string[]> {
  const nodes = new Map<PciAddress, string[]>();
  for (const name of listNames(`${sysRoot}/bus/vdpa/devices`)) {
    const path = `${sysRoot}/bus/vdpa/devices/${name}`;
    const parents = new Set(realpath(path).split("/"));
    const vf = vfs.find(({ address }) => parents.has(address));
    if (vf === undefined) continue;
    const vhost = listNames(path).filter((entry) => /^vhost-vdpa-\d+$/.test(entry));
    nodes.set(vf.address, [...(nodes.get(vf.address) ?? []), ...vhost]);
  }
  return nodes;
}

function realpath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
