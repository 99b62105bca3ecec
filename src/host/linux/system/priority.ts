import { readFileSync, writeFileSync } from "node:fs";
import { getPriority, setPriority } from "node:os";

/** As low as a nice value goes: before everything but real-time tasks. */
const nice = -20;

/**
 * Puts this process before others, until the function that comes back is called. For the boot stages:
 * networking and guests wait for them, while udev runs programs for each VF and representor that they make,
 * on every processor. What the kernel does for a write or a request, making and probing VFs, is done at the
 * priority of whoever asked.
 *
 * A nice value counts only among the tasks of one session where the kernel groups them so
 * (CONFIG_SCHED_AUTOGROUP), and the group has a value of its own: man sched(7). Who may not, or has no such
 * kernel, goes on as he is.
 */
export function takePrecedence(procRoot = "/proc"): () => void {
  const group = `${procRoot}/self/autogroup`;
  const before = { own: getPriority(), group: groupPriority(group) };
  attempt(() => setPriority(nice));
  if (before.group !== null) attempt(() => writeFileSync(group, String(nice)));
  return () => {
    attempt(() => setPriority(before.own));
    if (before.group !== null) attempt(() => writeFileSync(group, String(before.group)));
  };
}

/** `/autogroup-74 nice 0`; null where there are no such groups. */
function groupPriority(file: string): number | null {
  try {
    const found = / nice (-?\d+)$/.exec(readFileSync(file, "utf8").trim())?.[1];
    return found === undefined ? null : Number(found);
  } catch {
    return null;
  }
}

function attempt(change: () => void): void {
  try {
    change();
  } catch {
    // It is a favour, not a need.
  }
}
