import { join } from "node:path";
import type { PciAddress } from "../../state/values.ts";
import { modeOf } from "../eswitch/eswitch-actions.ts";
import { awaitRepresentors } from "../links/representors-wait.ts";
import type { Kernel } from "../system/kernel.ts";
import { Refusal } from "../system/refusal.ts";
import { pciPath, readInteger, writeAttribute } from "../system/sysfs.ts";
import { until } from "../system/wait.ts";
import { findPf, virtfnLinks } from "./pci.ts";

/** How long the links of new VFs may take, in ms; who wants them all looks himself. */
const LINKS_LIMIT = 10_000;

/** Writes `sriov_drivers_autoprobe`: whether VFs get their driver when they appear. */
export async function setAutoprobe(kernel: Kernel, pf: PciAddress, on: boolean): Promise<void> {
  const path = join(pciPath(kernel.sysRoot, pf), "sriov_drivers_autoprobe");
  if (readInteger(path) === Number(on)) return;
  await writeAttribute(path, on ? "1" : "0");
}

/**
 * Writes `sriov_numvfs`, and waits until the VFs are there: their links on the PCI bus, and in switchdev mode
 * their representors. A number that is there already is left alone. Source: linux drivers/pci/iov.c,
 * sriov_numvfs_store().
 */
export async function setVfCount(kernel: Kernel, address: PciAddress, count: number): Promise<void> {
  const path = pciPath(kernel.sysRoot, address);
  const pf = findPf(kernel.sysRoot, address);
  if (pf === null) throw new Refusal("ENODEV", `there is no PF ${address}`);
  if (pf.sriov === null)
    throw new Refusal(
      "ENOENT",
      `${address} has no sriov_numvfs: SR-IOV is off in the BIOS or the NIC's firmware`,
    );
  if (pf.sriov.count !== count) {
    try {
      await writeAttribute(join(path, "sriov_numvfs"), String(count));
    } catch (error) {
      throw explain(error, pf.sriov);
    }
  }
  await until(() => virtfnLinks(path).length >= count, { limit: LINKS_LIMIT });
  if (count > 0 && modeOf(kernel, address) === "switchdev") await awaitRepresentors(kernel, address, count);
}

/** What the kernel's errno means here. */
function explain(error: unknown, { count, total }: { count: number; total: number }): unknown {
  if (!(error instanceof Refusal)) return error;
  const meaning = meanings[error.code ?? ""]?.(count, total);
  return meaning === undefined
    ? error
    : new Refusal(error.code, `${error.message}: ${meaning}`, { cause: error });
}

const meanings: Readonly<Record<string, (count: number, total: number) => string>> = {
  ENOMEM: () =>
    "the BIOS left too little address space or too few bus numbers for VFs: enable SR-IOV, above-4G " +
    "decoding and ARI there (or boot with pci=realloc)",
  ERANGE: (_, total) => `sriov_totalvfs is ${total}`,
  EBUSY: (count) => `there are ${count} VFs, and the kernel wants 0 between two numbers`,
  ENOENT: () => "the driver makes no VFs through sysfs (mlx4_core makes them from its module options)",
  ENOSYS: () => "the driver makes no VFs through sysfs (mlx4_core makes them from its module options)",
};
