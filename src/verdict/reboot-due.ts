import { hostName } from "../requirements/evaluate.ts";
import type { Deviation } from "../requirements/requirement.ts";
import type { Cause } from "./causes.ts";

/**
 * Why a host has to be rebooted now: what nothing else explains and only a reboot mends. A warning about a
 * NIC waits for the next reboot, and is no reason for one; what the host itself waits for is. Every command
 * that speaks of a reboot asks this.
 */
export function rebootReasons(verdicts: readonly { readonly causes: readonly Cause[] }[]): Deviation[] {
  const causes = verdicts.flatMap(({ causes }) => causes.map(({ deviation }) => deviation));
  const due = causes.filter(
    ({ remedy, severity, nic }) => remedy.kind === "reboot" && (severity !== "warning" || nic === hostName),
  );
  // What concerns several NICs is told with each.
  return [...new Map(due.map((deviation) => [JSON.stringify(deviation), deviation])).values()];
}
