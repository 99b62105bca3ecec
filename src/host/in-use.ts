import { isUnknown, type Observed } from "./state/observed.ts";
import type { Holder, VirtualFunction } from "./state/state.ts";

/**
 * Whether a VF is in use, or may be because nobody could tell. One without a driver is not: a guest reaches a
 * VF through vfio-pci, a container through the netdev that the VF's own driver gives it.
 */
export function mayBeInUse(vf: Pick<VirtualFunction, "driver" | "holders">): boolean {
  return vf.driver !== null && (isUnknown(vf.holders) || vf.holders.length > 0);
}

/**
 * Who holds a VF, in words: `in use by process 4711 (qemu-system-x86)`; `null` when it is known that nobody
 * does.
 */
export function describeHolders(holders: Observed<readonly Holder[]>): string | null {
  if (isUnknown(holders)) return `perhaps in use (${holders.unknown})`;
  return holders.length === 0 ? null : `in use by ${holders.map(describeHolder).join(", ")}`;
}

/** What of the host's own traffic a port carries, in words; null where it carries none, or nobody looked. */
export function describeUsers(users: Observed<readonly Holder[]>): string | null {
  return isUnknown(users) || users.length === 0 ? null : users.map(describeHolder).join(", ");
}

export function describeHolder(holder: Holder): string {
  switch (holder.kind) {
    case "process":
      return `process ${holder.pid} (${holder.command})`;
    case "namespace":
      return `network namespace ${holder.name}`;
    case "master":
      return holder.name;
    case "netdev":
      return `${holder.type} ${holder.name}`;
    case "address":
      return `this host (${holder.address})`;
  }
}
