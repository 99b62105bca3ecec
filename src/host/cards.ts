import type { HostState } from "./state/state.ts";
import { type PciAddress, slotOf } from "./state/values.ts";

/** Names the card that a PF is a port of: the slot of the card's first function, `0000:37:00`. */
export type CardOf = (pf: PciAddress) => string;

/**
 * Which PFs are ports of one card: those of one PCI slot, and those whose uplinks tell the same switch id,
 * wherever they are (Socket Direct, or PFs that were passed to a virtual machine one by one). A ConnectX's
 * switch id is its system image GUID, by which the driver finds the other port of a LAG: linux
 * drivers/net/ethernet/mellanox/mlx5/core/dev.c, mlx5_same_hw_devs(), and en/devlink.c,
 * mlx5e_devlink_get_port_parent_id().
 */
export function cardsOf(state: Pick<HostState, "pfs" | "netdevs">): CardOf {
  const bySwitch = new Map<string, string>();
  const bySlot = new Map<string, string>();
  for (const pf of state.pfs.toSorted((a, b) => (a.address < b.address ? -1 : 1))) {
    const slot = slotOf(pf.address);
    const switchId = state.netdevs.find(({ name }) => name === pf.netdev)?.switchId ?? null;
    const card = bySlot.get(slot) ?? (switchId === null ? slot : (bySwitch.get(switchId) ?? slot));
    bySlot.set(slot, card);
    if (switchId !== null) bySwitch.set(switchId, bySwitch.get(switchId) ?? card);
  }
  return (pf) => bySlot.get(slotOf(pf)) ?? slotOf(pf);
}
