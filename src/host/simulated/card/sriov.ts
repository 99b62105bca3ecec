import { driverOf, profileOf } from "../../../drivers/registry.ts";
import { mayBeInUse } from "../../in-use.ts";
import { known } from "../../state/observed.ts";
import type { PhysicalFunction, VirtualFunction } from "../../state/state.ts";
import { type PciAddress, pciAddress } from "../../state/values.ts";
import { logEswitch, logKernel } from "../machine/kernel-log.ts";
import { noteBiosSign } from "../machine/platform.ts";
import { cardOf, has, masterOf, pfAt, Refusal, type World } from "../world.ts";
import { attachDriver, detachDriver } from "./drivers.ts";
import { giveUpLag, reconsiderLag } from "./lag.ts";
import { addRepresentors, removeRepresentors } from "./representors.ts";

/** Writes `sriov_drivers_autoprobe`. */
export function setAutoprobe(world: World, address: string, on: boolean): void {
  const pf = pfAt(world, address);
  if (pf.sriov === null)
    throw new Refusal("ENOENT", "no sriov_drivers_autoprobe: the function has no SR-IOV capability");
  pf.sriov.autoprobe = on;
}

/**
 * Writes `sriov_numvfs` by the kernel's rules: linux drivers/pci/iov.c, sriov_numvfs_store() and
 * sriov_enable(). Like the kernel, it does not ask whether a VF is in use; that it destroyed one is noted as
 * harm.
 */
export function setVfCount(world: World, address: string, count: number): void {
  const pf = pfAt(world, address);
  if (pf.sriov === null)
    throw new Refusal("ENOENT", "no sriov_numvfs: the function has no SR-IOV capability");
  if (!Number.isInteger(count) || count < 0) throw new Refusal("EINVAL", "not a number of VFs");
  if (count > pf.sriov.total) throw new Refusal("ERANGE", `sriov_totalvfs is ${pf.sriov.total}`);
  if (count === pf.sriov.count) return;
  if (driverOf(pf.driver).moduleOptions !== null)
    throw new Refusal("ENOENT", "Driver does not support SRIOV configuration via sysfs");
  noteIfBonded(world, pf, "number of VFs changed");
  if (count === 0) {
    destroyVfs(world, pf);
    return;
  }
  if (pf.sriov.count > 0)
    throw new Refusal("EBUSY", `${pf.sriov.count} VFs already enabled. Disable before enabling ${count} VFs`);
  if (has(world, "no-mmio")) {
    logKernel(world, 3, `${pf.driver} ${pf.address}: not enough MMIO resources for SR-IOV`);
    noteBiosSign(world, {
      sign: "mmio",
      device: pf.address,
      text: `${pf.driver} ${pf.address}: not enough MMIO resources for SR-IOV`,
    });
    throw new Refusal("ENOMEM", "not enough MMIO resources for SR-IOV");
  }
  createVfs(world, pf, pf.sriov, count);
}

/**
 * What a driver does that makes VFs when it is loaded: mlx4_core. More than the device has room for makes
 * none.
 */
export function createVfsAtLoad(world: World, pf: PhysicalFunction, count: number): void {
  if (pf.sriov !== null && count <= pf.sriov.total) createVfs(world, pf, pf.sriov, count);
}

/** Notes an act on a PF that is in a bond, which vflag must never commit. */
export function noteIfBonded(world: World, pf: PhysicalFunction, act: string): void {
  const master = masterOf(world, pf);
  if (master !== null) world.hidden.harm.push(`${act} on ${pf.address} while it is in ${master}`);
}

/** Notes an act that hits VFs in use. */
export function noteIfHeld(world: World, vfs: readonly VirtualFunction[], act: string): void {
  for (const vf of vfs) {
    if (mayBeInUse(vf)) world.hidden.harm.push(`${act}: VF ${vf.address} is in use`);
  }
}

function destroyVfs(world: World, pf: PhysicalFunction): void {
  noteIfHeld(world, pf.vfs, "VFs destroyed");
  for (const vf of pf.vfs) detachDriver(world, vf);
  removeRepresentors(world, pf);
  pf.vfs = [];
  // In legacy mode the table goes with the VFs, and comes with the next ones: mlx5_eswitch_disable_sriov(),
  // mlx5_eswitch_enable().
  world.hidden.withoutFdb = world.hidden.withoutFdb.filter((address) => address !== pf.address);
  if (pf.sriov !== null) pf.sriov.count = 0;
}

function createVfs(
  world: World,
  pf: PhysicalFunction,
  sriov: NonNullable<PhysicalFunction["sriov"]>,
  count: number,
): void {
  const product = sriov.vfProduct ?? pf.product;
  const group = Math.max(
    0,
    ...world.state.pfs.flatMap((other) => [
      other.iommuGroup ?? 0,
      ...other.vfs.map((vf) => vf.iommuGroup ?? 0),
    ]),
  );
  for (let index = 0; index < count; index++) {
    if (has(world, "missing-vf-link") && index === count - 1) continue;
    pf.vfs.push({
      index,
      address: vfAddress(world, pf, index),
      vendor: pf.vendor,
      product,
      driver: null,
      driverOverride: null,
      iommuGroup: pf.iommuGroup === null ? null : group + 1 + index,
      holders: [],
      settings: { mac: "00:00:00:00:00:00", trust: false, spoofCheck: false, linkState: "auto" },
    });
  }
  if (known(pf.eswitch)?.mode === "legacy") giveUpLag(world, pf);
  sriov.count = count;
  const inSwitchdev = known(pf.eswitch)?.mode === "switchdev";
  if (!inSwitchdev && known(pf.eswitch) != null) logEswitch(world, pf, "legacy", true);
  if (inSwitchdev) addRepresentors(world, pf);
  // In legacy mode the first VFs make the driver give up its LAG and look at it again: mlx5_eswitch_enable()
  // in eswitch.c.
  else reconsiderLag(world, pf);
  if (sriov.autoprobe !== false) {
    const driver = driverOf(pf.driver).vfDriver;
    for (const vf of pf.vfs) attachDriver(world, pf, vf, driver);
  }
}

/**
 * A VF's routing id is its PF's plus offset plus n times stride: PCI Express Base Specification, SR-IOV
 * capability.
 */
function vfAddress(world: World, pf: PhysicalFunction, index: number): PciAddress {
  const [domain = "0000", bus = "00", slot = "00", fn = "0"] = pf.address.split(/[:.]/);
  const profile = profileOf(pf);
  const port = cardOf(world, pf).indexOf(pf);
  const offset = pf.sriov?.offset ?? profile.offset(port);
  const stride = pf.sriov?.stride ?? profile.stride;
  const id =
    Number.parseInt(bus, 16) * 256 + Number.parseInt(slot, 16) * 8 + Number(fn) + offset + index * stride;
  const hex = (value: number) => value.toString(16).padStart(2, "0");
  return pciAddress(`${domain}:${hex(Math.floor(id / 256) % 256)}:${hex(Math.floor(id / 8) % 32)}.${id % 8}`);
}
