import { known } from "../../host/state/observed.ts";
import type { Bond, HostState } from "../../host/state/state.ts";

/** What joins the ports of a NIC: a bond, a team, or something that the NIC's driver never hears of. */

/** A team's word for its mode here: teamd's runner is not shown by the kernel. */
export const teamMode = "team";

/**
 * The bond of this name, or the team, as a bond whose mode is not seen. mlx5 makes its LAG under either.
 * Source: linux drivers/net/ethernet/mellanox/mlx5/core/lag/lag.c, mlx5_handle_changeupper_event():
 * netif_is_lag_master().
 */
export function lagMaster(name: string | undefined, state: HostState): Bond | undefined {
  const bond = state.bonds.find((candidate) => candidate.name === name);
  const team = state.netdevs.find((netdev) => netdev.name === name && netdev.kind === "team");
  if (bond !== undefined || team === undefined) return bond;
  const ports = state.netdevs.filter(({ master }) => master === team.name);
  const slaves = ports.map((port) => ({ netdev: port.name, up: port.carrier }));
  return { name: team.name, mode: teamMode, xmitHashPolicy: null, up: team.up, slaves, lacp: null };
}

/**
 * A bond that is Open vSwitch's own, of any of these netdevs: a port with several interfaces, which the
 * kernel does not see as one.
 */
export function ovsBondOf(
  netdevs: readonly string[],
  { ovs }: HostState,
): { readonly bridge: string; readonly port: string } | null {
  for (const { name, interfaces } of known(ovs)?.bridges ?? []) {
    const own = interfaces.find((candidate) => netdevs.includes(candidate.name));
    if (own !== undefined && interfaces.filter(({ port }) => port === own.port).length > 1)
      return { bridge: name, port: own.port };
  }
  return null;
}
