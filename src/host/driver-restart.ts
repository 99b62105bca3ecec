/** What the kernel log says of a card after which only a start of its driver helps. At its start the driver tells its firmware's version. */

/**
 * The line that says that the driver of one of these ports (a card's) failed to go back after a mode change that failed, since it was started; null where there is none.
 * At its start the driver tells its firmware's version. Source: linux drivers/net/ethernet/mellanox/mlx5/core/en_main.c,
 * mlx5e_netdev_change_profile().
 * @param log the kernel log's texts, oldest first
 */
export function halfWayLine(log: readonly string[], pfs: readonly string[]): string | null {
  return lastSinceStart(log, pfs, "failed to rollback to orig profile");
}

/**
 * The line that says that the firmware kept a LAG that the driver gave up, likewise: no other is made until the driver starts again.
 * Source: linux drivers/net/ethernet/mellanox/mlx5/core/lag/lag.c, mlx5_deactivate_lag().
 */
export function stuckLagLine(log: readonly string[], pfs: readonly string[]): string | null {
  return lastSinceStart(log, pfs, "LAG; driver restart required");
}

function lastSinceStart(log: readonly string[], pfs: readonly string[], words: string): string | null {
  const lines = pfs.flatMap((pf) => {
    const own = log.filter((text) => text.includes(pf));
    const started = own.findLastIndex((text) => text.includes(": firmware version: "));
    return own.slice(started + 1).findLast((text) => text.includes(words)) ?? [];
  });
  return lines[0] ?? null;
}
