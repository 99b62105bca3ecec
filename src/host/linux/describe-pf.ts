import { driverOf } from "../../drivers/registry.ts";
import { isUnknown, type Observed } from "../state/observed.ts";
import type { HostState, PhysicalFunction } from "../state/state.ts";
import type { FoundDevlink, infoOf } from "./eswitch/devlink.ts";
import { observeEswitch } from "./eswitch/eswitch.ts";
import type { findHolders } from "./guests/holders.ts";
import type { HostUsers } from "./guests/host-users.ts";
import { isToldByLog, observeLag } from "./lag/lag.ts";
import { type FoundLink, netdevOfPf, vfSettingsOf } from "./links/links.ts";
import type { KernelRecord } from "./log/kernel-records.ts";
import type { FoundPf } from "./pci/pci.ts";
import type { Kernel } from "./system/kernel.ts";

/** The PFs with the LAGs that only the log tells. */
export function withLagsOfLog(
  pfs: PhysicalFunction[],
  kernelRelease: string,
  log: Observed<readonly KernelRecord[]>,
  rest: Pick<HostState, "netdevs" | "bonds">,
): PhysicalFunction[] {
  if (isUnknown(log)) return pfs;
  const state = { pfs, ...rest };
  return pfs.map((pf) => {
    const { lag } = driverOf(pf.driver);
    return lag !== null && isToldByLog(pf.lag, kernelRelease)
      ? { ...pf, lag: lag.fromLog(log, pf, state) }
      : pf;
  });
}

/** Version and serial number of a devlink handle; @param netdev the index of its port's netdev */
export type InfoOf = (handle: string | null, netdev: number | undefined) => ReturnType<typeof infoOf>;

export function describePf(
  kernel: Kernel,
  kernelRelease: string,
  pf: FoundPf,
  info: InfoOf,
  links: readonly FoundLink[],
  devlink: FoundDevlink,
  holders: ReturnType<typeof findHolders>,
  users: HostUsers,
): PhysicalFunction {
  const netdev = netdevOfPf(pf.address, links);
  const handle: Observed<string | null> = isUnknown(devlink.handles)
    ? devlink.handles
    : (devlink.handles.get(pf.address) ?? null);
  return {
    address: pf.address,
    vendor: pf.vendor,
    product: pf.product,
    model: pf.model,
    driver: pf.driver,
    ...(isUnknown(handle) ? { firmware: handle, serial: handle } : info(handle, netdev?.index)),
    iommuGroup: pf.iommuGroup,
    numaNode: pf.numaNode,
    netdev: netdev?.name ?? null,
    sriov: pf.sriov,
    vfs: pf.vfs.map((vf) => ({
      ...vf,
      holders: holders.get(vf.address) ?? [],
      settings: vfSettingsOf(netdev, vf.index),
    })),
    users: [...(netdev === null ? [] : (users.get(netdev.index) ?? []))],
    eswitch: observeEswitch(kernel, handle),
    lag: observeLag(kernel.sysRoot, kernelRelease, pf.address, pf.driver),
  };
}
