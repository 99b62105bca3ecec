import { isUnknown } from "../../state/observed.ts";
import type { PciAddress } from "../../state/values.ts";
import { findDevlink } from "../eswitch/devlink.ts";
import { findPfs } from "../pci/pci.ts";
import type { Kernel } from "../system/kernel.ts";
import { listNames, pciPath } from "../system/sysfs.ts";
import { until } from "../system/wait.ts";
import { type FoundLink, findLinks } from "./links.ts";
import { type PortOfVf, representorsOf } from "./representors.ts";

/** How long representors may take, in ms. */
const LIMIT = 10_000;

/** What a VF's representor calls its port; those of a DPU's host are none of ours. */
const vfPort = /^(c0)?pf\d+vf\d+$/;

/**
 * Waits until a PF has representors for so many VFs, a bounded time; who wants them all looks himself.
 * Their names are not waited for: udev renames them for long after, and whoever acts on them goes by index.
 */
export async function awaitRepresentors(kernel: Kernel, pf: PciAddress, count: number): Promise<void> {
  const areThere = () => {
    // The uplink and the representors: netlink's answer would wait for the lock (RTNL) that udev holds while
    // it names them.
    if (listNames(`${pciPath(kernel.sysRoot, pf)}/net`).length > count) return true;
    const links = findLinks(kernel);
    return onDevice(links, pf) >= count || areRecognised(kernel, links, pf, count);
  };
  await until(areThere, { limit: LIMIT, every: 100 });
}

/** Since 5.8 representors are on their PF's PCI device, and nothing else needs to be known. */
function onDevice(links: readonly FoundLink[], pf: PciAddress): number {
  return links.filter(({ device, portName }) => device === pf && portName !== null && vfPort.test(portName))
    .length;
}

/**
 * By names first: a dump of devlink's ports waits for the mode change of any other NIC, and this thread with
 * it.
 */
function areRecognised(kernel: Kernel, links: readonly FoundLink[], pf: PciAddress, count: number): boolean {
  const pfs = findPfs(kernel.sysRoot, () => true);
  const isEnough = (ports: readonly PortOfVf[]) =>
    representorsOf(pfs, links, ports).filter((representor) => representor.pf === pf).length >= count;
  if (isEnough([])) return true;
  const { ports } = findDevlink(kernel);
  return !isUnknown(ports) && isEnough(ports);
}
