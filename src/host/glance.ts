import { known } from "./state/observed.ts";
import type { HostState, PhysicalFunction, VirtualFunction } from "./state/state.ts";

/** A PF and its VFs as the PCI bus shows them. */
export type GlancedPf = Pick<PhysicalFunction, "address" | "driver" | "sriov"> & {
  readonly vfs: readonly Omit<VirtualFunction, "holders" | "settings">[];
};

/**
 * A host of which a moment ago everything was seen, and since then the PCI bus alone: what is known of it
 * after VFs were made or autoprobe was set. Null where that is not all that may have changed, and the host
 * must be observed: other VFs in switchdev mode come with other representors, and a new VF that has a driver
 * with a netdev, and perhaps with somebody who uses it.
 *
 * It is for choosing what to do next, and is never what is reported: whoever acts on it looks once more at
 * what he acts on.
 */
export function glanced(before: HostState, seen: readonly GlancedPf[]): HostState | null {
  const pfs = new Map<string, PhysicalFunction>();
  for (const pf of seen) {
    const then = before.pfs.find(({ address }) => address === pf.address);
    const now = then === undefined ? null : follow(then, pf);
    if (now === null) return null;
    pfs.set(pf.address, now);
  }
  return { ...before, pfs: before.pfs.map((pf) => pfs.get(pf.address) ?? pf) };
}

function follow(then: PhysicalFunction, { driver, sriov, vfs }: GlancedPf): PhysicalFunction | null {
  if (driver !== then.driver) return null;
  const followed = vfs.map((vf) => {
    const earlier = then.vfs.find((candidate) => candidate.address === vf.address);
    if (earlier?.index === vf.index && earlier.driver === vf.driver)
      return { ...vf, holders: earlier.holders, settings: earlier.settings };
    if (vf.driver !== null) return null;
    // Without a driver it has no netdev and no device node that anybody could hold.
    return { ...vf, holders: [], settings: { unknown: "it has just been made" } };
  });
  const same =
    vfs.length === then.vfs.length &&
    followed.every((vf) => then.vfs.some((earlier) => earlier.address === vf?.address));
  if (!same && known(then.eswitch)?.mode !== "legacy") return null;
  return followed.includes(null) ? null : { ...then, sriov, vfs: followed.filter((vf) => vf !== null) };
}
