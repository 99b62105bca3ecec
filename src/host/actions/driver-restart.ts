import type { RestartWords } from "../../drivers/driver.ts";
import { driverOf } from "../../drivers/registry.ts";

/** What the kernel log says of a card after which only a start of its driver helps. */

/**
 * The line that says that the driver of one of these ports (a card's) failed to go back after a mode change
 * that failed, since it was started; null where there is none.
 * @param log the kernel log's texts, oldest first
 */
export function halfWayLine(
  driver: string | null,
  log: readonly string[],
  pfs: readonly string[],
): string | null {
  return lastSinceStart(driver, log, pfs, "halfWay");
}

/**
 * The line that says that the firmware kept a LAG that the driver gave up, likewise: no other is made until
 * the driver starts again.
 */
export function stuckLagLine(
  driver: string | null,
  log: readonly string[],
  pfs: readonly string[],
): string | null {
  return lastSinceStart(driver, log, pfs, "stuckLag");
}

function lastSinceStart(
  driver: string | null,
  log: readonly string[],
  pfs: readonly string[],
  what: keyof RestartWords,
): string | null {
  const words = driverOf(driver).restartWords;
  if (words === null) return null;
  const lines = pfs.flatMap((pf) => {
    const own = log.filter((text) => text.includes(pf));
    const started = own.findLastIndex((text) => text.includes(words.started));
    return own.slice(started + 1).findLast((text) => text.includes(words[what])) ?? [];
  });
  return lines[0] ?? null;
}
