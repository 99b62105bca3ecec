import { isUnknown } from "./observed.ts";
import type { VirtualFunction } from "./state.ts";

/**
 * Whether a VF is in use, or may be because nobody could tell. One without a driver is not: a guest reaches a VF through
 * vfio-pci, a container through the netdev that the VF's own driver gives it.
 */
export function mayBeInUse(vf: VirtualFunction): boolean {
  return vf.driver !== null && (isUnknown(vf.holders) || vf.holders.length > 0);
}
