import { mayBeInUse } from "../../in-use.ts";
import { isUnknown } from "../../state/observed.ts";
import type { PhysicalFunction, VirtualFunction } from "../../state/state.ts";
import { logProbeFailure } from "../machine/kernel-log.ts";
import { addNetdev, has, pfAt, Refusal, removeNetdev, vfAt, type World } from "../world.ts";
import { refuseLagToCome } from "./lag.ts";

/**
 * Binds a VF by writing its address to the driver's `bind`.
 * With autoprobe off the kernel matches no driver: linux drivers/pci/pci-driver.c, pci_device_can_probe().
 * Measured: ENODEV.
 */
export function bindVf(world: World, pfAddress: string, address: string, driver: string): void {
  const pf = pfAt(world, pfAddress);
  const vf = vfAt(pf, address);
  if (vf.driver === driver) return;
  if (vf.driver !== null) throw new Refusal("EBUSY", `${address} is bound to ${vf.driver}`);
  if (pf.sriov?.autoprobe === false && vf.driverOverride === null)
    throw new Refusal("ENODEV", "No such device");
  if (has(world, "bind-fails")) logProbeFailure(world, driver, vf.address);
  if (has(world, "bind-fails")) throw new Refusal("ENODEV", "the driver's probe failed");
  attachDriver(world, pf, vf, driver);
}

/**
 * Unbinds a VF from the driver that it has. Like the kernel, it does not ask who uses the VF, and notes it as
 * harm.
 */
export function unbindVf(world: World, pfAddress: string, address: string): void {
  const vf = vfAt(pfAt(world, pfAddress), address);
  if (vf.driver === null) return;
  if (mayBeInUse(vf)) world.hidden.harm.push(`unbound: VF ${vf.address} is in use`);
  detachDriver(world, vf);
}

/** A network driver gives the VF a netdev, with the address that the PF administers for it. */
export function attachDriver(world: World, pf: PhysicalFunction, vf: VirtualFunction, driver: string): void {
  vf.driver = driver;
  refuseLagToCome(world, pf);
  if (driver === "vfio-pci") return;
  const mac =
    isUnknown(vf.settings) || vf.settings.mac === "00:00:00:00:00:00" ? randomMac(world) : vf.settings.mac;
  addNetdev(world, {
    name: `${baseName(pf)}v${vf.index}`,
    altNames: [],
    mac,
    permanentMac: null,
    kind: null,
    up: false,
    carrier: false,
    mtu: 1500,
    master: null,
    device: vf.address,
    switchId: null,
    portName: null,
    tcOffload: { on: false, fixed: true },
    channels: { combined: 8, max: 8 },
  });
}

/** The VF's netdev goes with its driver. */
export function detachDriver(world: World, vf: VirtualFunction): void {
  vf.driver = null;
  for (const netdev of world.state.netdevs.filter((candidate) => candidate.device === vf.address))
    removeNetdev(world, netdev.name);
}

/** A PF's name without the port's name that udev may have appended. */
export function baseName(pf: PhysicalFunction): string {
  return (pf.netdev ?? "eth").replace(/np\d+$/, "");
}

/** Addresses that look random, are locally administered, and are the same in every run. */
function randomMac(world: World): string {
  const seed = world.hidden.nextIndex * 2654435761;
  const byte = (shift: number) => ((seed >>> shift) & 0xff).toString(16).padStart(2, "0");
  return `3a:c0:${byte(24)}:${byte(16)}:${byte(8)}:${byte(0)}`;
}
