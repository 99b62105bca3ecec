import { readlinkSync } from "node:fs";
import type { DevlinkHandle, DevlinkPort, Eswitch } from "../../../netlink/index.ts";
import { isUnknown, type Observed, unknown } from "../../state/observed.ts";
import type { PhysicalFunction, DevlinkPort as PortState } from "../../state/state.ts";
import { isNetdevName, type PciAddress, parsePciAddress } from "../../state/values.ts";
import type { PortOfVf } from "../links/representors.ts";
import type { Kernel } from "../system/kernel.ts";
import { errnoName, reasonOf } from "../system/refusal.ts";

/** The devlink devices of this host, and the PCI devices under them. */
export interface FoundDevlink {
  /** By the PCI address under it; a PF whose `pci/` handle exists is known by that one. */
  readonly handles: Observed<ReadonlyMap<string, DevlinkHandle>>;
  readonly ports: Observed<readonly (DevlinkPort & PortOfVf)[]>;
}

/** Devices and ports in a dump each. A kernel without devlink has neither, which is known. */
export function findDevlink(kernel: Kernel): FoundDevlink {
  const { devlink } = kernel.netlink;
  const available = observe(() => devlink.isAvailable());
  if (isUnknown(available)) return { handles: available, ports: available };
  if (!available) return { handles: new Map(), ports: [] };
  return {
    handles: observe(() => findHandles(kernel)),
    ports: observe(() => withDevices(devlink.listPorts(), kernel.sysRoot)),
  };
}

/** Hundreds of ports are on a few handles. */
function withDevices(ports: readonly DevlinkPort[], sysRoot: string): (DevlinkPort & PortOfVf)[] {
  const devices = new Map<DevlinkHandle, string | null>();
  return ports.map((port) => {
    const known = devices.get(port.handle);
    const device = known === undefined ? deviceOf(port.handle, sysRoot) : known;
    devices.set(port.handle, device);
    return { ...port, device };
  });
}

/**
 * The handle by which a PF's eSwitch and parameters are reached, and the eSwitch; null when there is no such
 * device. The PF's own handle is tried first: a dump of all devices waits for the mode change of any other
 * NIC. Throws NetlinkError.
 */
export function findEswitch(
  kernel: Kernel,
  pf: PciAddress,
): { handle: DevlinkHandle; eswitch: Eswitch | null } | null {
  const { devlink } = kernel.netlink;
  if (!devlink.isAvailable()) return null;
  const direct = `pci/${pf}`;
  try {
    return { handle: direct, eswitch: devlink.getEswitch(direct) };
  } catch (error) {
    if (errnoName(error) !== "ENODEV") throw error;
  }
  const handle = findHandles(kernel).get(pf);
  return handle === undefined || handle === direct ? null : { handle, eswitch: devlink.getEswitch(handle) };
}

/** Ports as the state tells them. */
export function portsOf(found: FoundDevlink): Observed<PortState[]> {
  if (isUnknown(found.ports)) return found.ports;
  return found.ports.map(({ handle, index, flavour, netdev, number, pf, vf, controller }) => {
    const name = netdev !== null && isNetdevName(netdev) ? netdev : null;
    return { handle, index, flavour: flavour ?? "none", netdev: name, port: number, pf, vf, controller };
  });
}

/** Firmware version and serial number, as the driver tells devlink; null where it tells nothing. */
export function infoOf(
  kernel: Kernel,
  handle: DevlinkHandle | null,
): Pick<PhysicalFunction, "firmware" | "serial"> {
  if (handle === null) return { firmware: null, serial: null };
  const info = observe(() => kernel.netlink.devlink.getInfo(handle));
  if (isUnknown(info)) return { firmware: info, serial: info };
  const running = info?.versions.running ?? {};
  // fw.version: mlx5; fw: the generic name for the whole of it; fw.mgmt: ice and others. Source: linux
  // Documentation/networking/devlink/devlink-info.rst.
  return {
    firmware: running["fw.version"] ?? running["fw"] ?? running["fw.mgmt"] ?? null,
    serial: info?.serial ?? null,
  };
}

function findHandles(kernel: Kernel): Map<string, DevlinkHandle> {
  const handles = new Map<string, DevlinkHandle>();
  for (const handle of kernel.netlink.devlink.listDevices()) {
    const device = deviceOf(handle, kernel.sysRoot);
    if (device !== null && (handle.startsWith("pci/") || !handles.has(device))) handles.set(device, handle);
  }
  return handles;
}

/**
 * The PCI device under a handle: `pci/0000:37:00.0` says it; `auxiliary/mlx5_core.eth.0` is a child of it in
 * sysfs, where a bus's link to a device names all that is above it: linux drivers/base/bus.c,
 * bus_add_device(). Every VF with a driver has such a handle.
 */
function deviceOf(handle: DevlinkHandle, sysRoot: string): string | null {
  const slash = handle.indexOf("/");
  const [bus, name] = [handle.slice(0, slash), handle.slice(slash + 1)];
  if (bus === "pci") return parsePciAddress(name);
  if (bus !== "auxiliary" || name.includes("/") || name.startsWith(".")) return null;
  try {
    const path = readlinkSync(`${sysRoot}/bus/auxiliary/devices/${name}`).split("/");
    return path.map(parsePciAddress).findLast((address) => address !== null) ?? null;
  } catch {
    return null;
  }
}

function observe<T>(read: () => T): Observed<T> {
  try {
    return read();
  } catch (error) {
    return unknown(reasonOf(error));
  }
}
