import { existsSync } from "node:fs";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { PciAddress } from "../../state/values.ts";
import type { Kernel } from "../system/kernel.ts";
import { Refusal } from "../system/refusal.ts";
import {
  driverPath,
  listNames,
  pciPath,
  readInteger,
  readLinkName,
  writeAttribute,
} from "../system/sysfs.ts";
import { until } from "../system/wait.ts";
import { driverOverrideOf, type FoundVf, findVf, virtfnLinks } from "./pci.ts";

/**
 * Binds a VF to a driver; nothing to do when it has that one. It returns when the driver's probe is done.
 * Throws Refusal: EBUSY when it has another driver, ENODEV when the driver does not take it.
 * Source: linux drivers/base/bus.c, bind_store(); drivers/pci/pci-driver.c, pci_device_can_probe().
 */
export async function bindVf(
  kernel: Kernel,
  pfAddress: PciAddress,
  address: PciAddress,
  driver: string,
): Promise<void> {
  refuseForeign(kernel, pfAddress, address);
  const now = driverNow(kernel, address);
  if (now === driver) return;
  if (now !== null) throw new Refusal("EBUSY", `VF ${address} is bound to ${now}, not free for ${driver}`);
  const path = driverPath(kernel.sysRoot, driver);
  if (!existsSync(path))
    throw new Refusal(
      "ENOENT",
      `bind VF ${address} to ${driver}: the driver is not loaded (modprobe ${driver})`,
    );
  // All that are bound together are looked at before the first is asked for. They then come to the lock under
  // which netdevs are registered (RTNL) one behind the other, before udev, which takes it again and again for
  // each netdev that it hears of.
  await nextTurn();
  try {
    await writeAttribute(`${path}/bind`, address);
  } catch (error) {
    // Somebody else, such as udev, was quicker.
    if (driverNow(kernel, address) === driver) return;
    const autoprobeOff = readInteger(`${pciPath(kernel.sysRoot, pfAddress)}/sriov_drivers_autoprobe`) === 0;
    throw explain(error, autoprobeOff, driverOverrideOf(pciPath(kernel.sysRoot, address)), driver);
  }
  if (driverNow(kernel, address) !== driver)
    throw new Refusal(
      null,
      `bind VF ${address} to ${driver}: the kernel took it, and the VF has no driver (dmesg tells why the ` +
        `probe failed)`,
    );
  await netdevOf(kernel, pfAddress, address);
}

/** PFs of which a VF got no netdev in time: their others are not waited for. */
const without = new Set<string>();

/**
 * Some drivers register a VF's netdev after the probe (iavf, when the PF has answered): who looks before it
 * takes it for missing.
 */
async function netdevOf({ sysRoot }: Kernel, pfAddress: PciAddress, address: PciAddress): Promise<void> {
  const has = (device: PciAddress) => listNames(`${pciPath(sysRoot, device)}/net`).length > 0;
  if (without.has(pfAddress) || !has(pfAddress)) return;
  if (!(await until(() => has(address), { limit: 3000 }))) without.add(pfAddress);
}

/** Unbinds a VF from its driver; nothing to do when it has none. */
export async function unbindVf(
  kernel: Kernel,
  pfAddress: PciAddress,
  address: PciAddress,
  driver: string,
): Promise<void> {
  const vf = vfOf(kernel, pfAddress, address);
  if (vf.driver === null) return;
  try {
    await writeAttribute(`${driverPath(kernel.sysRoot, driver)}/unbind`, address);
  } catch (error) {
    if (driverNow(kernel, address) !== null) throw error;
  }
}

/**
 * The VF by its PF's links: addresses move when the number of VFs changes, and a VF of another PF is none of
 * this action's.
 */
function vfOf(kernel: Kernel, pfAddress: PciAddress, address: PciAddress): FoundVf {
  const link = virtfnLinks(pciPath(kernel.sysRoot, pfAddress)).find(({ vf }) => vf === address);
  const vf = link === undefined ? null : findVf(kernel.sysRoot, link.index, address);
  if (vf === null) throw noSuchVf(pfAddress, address);
  return vf;
}

/**
 * The same by the VF's own link, for binding hundreds of them: listing the PF's links for each would take
 * longer than they do.
 */
function refuseForeign(kernel: Kernel, pf: PciAddress, vf: PciAddress): void {
  if (readLinkName(`${pciPath(kernel.sysRoot, vf)}/physfn`) !== pf) throw noSuchVf(pf, vf);
}

function noSuchVf(pf: PciAddress, vf: PciAddress): Refusal {
  return new Refusal("ENODEV", `${pf} has no VF ${vf}`);
}

function driverNow(kernel: Kernel, address: PciAddress): string | null {
  return readLinkName(`${pciPath(kernel.sysRoot, address)}/driver`);
}

function explain(error: unknown, autoprobeOff: boolean, override: string | null, driver: string): unknown {
  if (!(error instanceof Refusal) || error.code !== "ENODEV") return error;
  const meaning =
    override !== null && override !== driver
      ? `it is reserved for ${override} (driver_override)`
      : autoprobeOff && override === null
        ? "sriov_drivers_autoprobe of its PF is 0, and the kernel then binds no VF"
        : "the driver does not take it (dmesg tells why)";
  return new Refusal(error.code, `${error.message}: ${meaning}`, { cause: error });
}
