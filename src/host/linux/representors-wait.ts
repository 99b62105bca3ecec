import { isUnknown } from "../observed.ts";
import type { PciAddress } from "../values.ts";
import { findDevlink } from "./devlink.ts";
import type { Kernel } from "./kernel.ts";
import { findLinks } from "./links.ts";
import { findPfs } from "./pci.ts";
import { representorsOf } from "./representors.ts";
import { until } from "./wait.ts";

/** How long representors may take, in ms. */
const LIMIT = 10_000;

/**
 * Waits until a PF has representors for so many VFs, a bounded time; who wants them all looks himself.
 * Their names are not waited for: udev renames them for long after, and whoever acts on them goes by index.
 */
export async function awaitRepresentors(kernel: Kernel, pf: PciAddress, count: number): Promise<void> {
  const pfs = findPfs(kernel.sysRoot, () => true);
  await until(
    () => {
      const links = findLinks(kernel);
      const isEnough = (ports: Parameters<typeof representorsOf>[2]) => {
        return representorsOf(pfs, links, ports).filter((representor) => representor.pf === pf).length >= count;
      };
      // Names first: a dump of devlink's ports waits for the mode change of any other NIC, and this thread with it.
      if (isEnough([])) return true;
      const { ports } = findDevlink(kernel);
      return !isUnknown(ports) && isEnough(ports);
    },
    { limit: LIMIT, every: 100 },
  );
}
