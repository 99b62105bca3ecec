import { existsSync, lstatSync } from "node:fs";
import { driverOf, modelOf } from "../../../drivers/registry.ts";
import type { PhysicalFunction, Sriov, VirtualFunction } from "../../state/state.ts";
import { type PciAddress, parsePciAddress } from "../../state/values.ts";
import { listNames, pciPath, readInteger, readLinkName, readText } from "../system/sysfs.ts";

/** A VF as PCI shows it. */
export type FoundVf = Omit<VirtualFunction, "holders" | "settings">;

/** A PF as PCI shows it. */
export interface FoundPf
  extends Pick<
    PhysicalFunction,
    "address" | "vendor" | "product" | "model" | "driver" | "iommuGroup" | "numaNode" | "sriov"
  > {
  readonly vfs: readonly FoundVf[];
}

/** Whether an action is under way on a PCI function. */
export type IsBusy = (address: PciAddress) => boolean;

const nothingBusy: IsBusy = () => false;

/** PCI base class 02, subclass 00 (Ethernet) or 07 (InfiniBand). */
const networkClass = /^0x02(00|07)[0-9a-f]{2}$/;

/**
 * All PFs of this host with their VFs, in the order of their addresses.
 * @param isBusy whether an action is under way on a function. The kernel holds its device lock as long, and
 *   reading `sriov_numvfs` or `driver_override` would wait for it: then the number of VF links is told, and
 *   no override.
 * Source: linux Documentation/ABI/testing/sysfs-bus-pci; drivers/pci/iov.c, sriov_numvfs_show().
 */
export function findPfs(sysRoot: string, isBusy: IsBusy = nothingBusy): FoundPf[] {
  // A PF comes before its VFs, which need not be looked at to see that they are none.
  const vfs = new Set<PciAddress>();
  return listNames(`${sysRoot}/bus/pci/devices`)
    .sort()
    .flatMap((name) => {
      const address = parsePciAddress(name);
      const pf = address === null || vfs.has(address) ? null : findPf(sysRoot, address, isBusy);
      for (const vf of pf?.vfs ?? []) vfs.add(vf.address);
      return pf ?? [];
    });
}

/** One PF; null when there is no such function, or it is no NIC's PF. */
export function findPf(sysRoot: string, address: PciAddress, isBusy: IsBusy = nothingBusy): FoundPf | null {
  const path = pciPath(sysRoot, address);
  if (!networkClass.test(readText(`${path}/class`) ?? "")) return null;
  const entries = new Set(listNames(path));
  if (entries.has("physfn")) return null;
  const driver = entries.has("driver") ? readLinkName(`${path}/driver`) : null;
  if (!entries.has("sriov_totalvfs") && !driverOf(driver).hidesSriov) return null;
  const ids = readIds(path);
  if (ids === null) return null;
  const links = virtfnLinks(path, entries);
  // The kernel gives all VFs of a PF the same: linux drivers/pci/iov.c, pci_iov_scan_device().
  const vfIds = links[0] && readIds(pciPath(sysRoot, links[0].vf));
  const numaNode = readInteger(`${path}/numa_node`);
  return {
    address,
    ...ids,
    model: modelOf(ids.vendor, ids.product)?.name ?? null,
    driver,
    iommuGroup: readGroup(path),
    numaNode: numaNode === null || numaNode < 0 ? null : numaNode,
    sriov: readSriov(path, isBusy(address) ? links.length : readInteger(`${path}/sriov_numvfs`)),
    vfs: links.flatMap(
      ({ index, vf }) => findVf(sysRoot, index, vf, isBusy(address) || isBusy(vf), vfIds) ?? [],
    ),
  };
}

/**
 * What of a PF says how VFs are made of it, without looking at those that there are; null when it is no NIC's
 * PF.
 */
export function findSriov(sysRoot: string, address: PciAddress): Pick<FoundPf, "driver" | "sriov"> | null {
  const path = pciPath(sysRoot, address);
  const sriov = readSriov(path, readInteger(`${path}/sriov_numvfs`));
  return sriov === null ? null : { driver: readLinkName(`${path}/driver`), sriov };
}

/** The VFs of a PF by its links `virtfn<N>`, which appear one by one while VFs are being made. */
export function virtfnLinks(
  path: string,
  entries: Iterable<string> = listNames(path),
): { index: number; vf: PciAddress }[] {
  const links = [...entries].flatMap((name) => {
    const index = /^virtfn(\d+)$/.exec(name)?.[1];
    const vf = index === undefined ? null : parsePciAddress(readLinkName(`${path}/${name}`));
    return index === undefined || vf === null ? [] : [{ index: Number(index), vf }];
  });
  return links.sort((a, b) => a.index - b.index);
}

/**
 * One VF.
 * @param isBusy then its `driver_override` is not read
 * @param known its ids, where they were read from another VF
 */
export function findVf(
  sysRoot: string,
  index: number,
  address: PciAddress,
  isBusy = false,
  known: Ids | null = null,
): FoundVf | null {
  const path = pciPath(sysRoot, address);
  // Its directory is not listed: that takes longer than all that is looked for in it. Nor is it left to an
  // exception to tell that there is no driver: after VFs have been made, hundreds have none.
  const driver =
    lstatSync(`${path}/driver`, { throwIfNoEntry: false }) === undefined
      ? null
      : readLinkName(`${path}/driver`);
  if (driver === null && !existsSync(path)) return null;
  const ids = known ?? readIds(path);
  if (ids === null) return null;
  return {
    index,
    address,
    ...ids,
    driver,
    driverOverride: isBusy ? null : driverOverrideOf(path),
    iommuGroup: readGroup(path),
  };
}

/** The driver that a function is reserved for. @param path its directory */
export function driverOverrideOf(path: string): string | null {
  const override = readText(`${path}/driver_override`);
  return override === "" || override === "(null)" ? null : override;
}

type Ids = Pick<VirtualFunction, "vendor" | "product">;

function readIds(path: string): Ids | null {
  const vendor = /^0x([0-9a-f]{4})$/.exec(readText(`${path}/vendor`) ?? "")?.[1];
  const product = /^0x([0-9a-f]{4})$/.exec(readText(`${path}/device`) ?? "")?.[1];
  return vendor === undefined || product === undefined ? null : { vendor, product };
}

function readGroup(path: string): number | null {
  const group = readLinkName(`${path}/iommu_group`);
  return group !== null && /^\d+$/.test(group) ? Number(group) : null;
}

function readSriov(path: string, count: number | null): Sriov | null {
  const total = readInteger(`${path}/sriov_totalvfs`);
  if (total === null || count === null) return null;
  const autoprobe = readInteger(`${path}/sriov_drivers_autoprobe`);
  const vfProduct = readText(`${path}/sriov_vf_device`)?.padStart(4, "0") ?? "";
  return {
    total,
    count,
    autoprobe: autoprobe === null ? null : autoprobe !== 0,
    offset: readInteger(`${path}/sriov_offset`),
    stride: readInteger(`${path}/sriov_stride`),
    vfProduct: /^[0-9a-f]{4}$/.test(vfProduct) ? vfProduct : null,
  };
}
