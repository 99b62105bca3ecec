import { setTimeout as sleep } from "node:timers/promises";
import { driverOf } from "../../../drivers/registry.ts";
import { isKernelSince } from "../../kernel-release.ts";
import type { PhysicalFunction } from "../../state/state.ts";
import { ProgramError, type RunProgram } from "../system/program.ts";

/**
 * How long udev waits, in ms, before it is told to go on beside what takes longer; a netlink call that the
 * kernel lets wait delays that.
 */
const LIMIT = 30_000;

/** How long udev may take to answer, in ms: it does as soon as it has read the request. */
const ANSWER_LIMIT = 5000;

/** Between two attempts to tell it, in ms: it may just be starting anew. */
const PAUSE = 1000;

/** The ports of a declared NIC, or why they are not known. */
type Ports = { readonly pfs: readonly Pick<PhysicalFunction, "driver">[] } | { readonly problem: unknown };

/**
 * Whether what the boot stages do to these NICs needs nothing of udev: where VFs have a module of their own,
 * udev loads it when it hears of them. A port that is not there may be about to come, and then by udev's
 * doing.
 */
export function mayHoldUdev(kernelRelease: string, nics: readonly Ports[]): boolean {
  const bears = (driver: string | null) => {
    const since = driverOf(driver).needsNoUdevSince;
    return since !== null && isKernelSince(kernelRelease, since);
  };
  return nics.every((ports) => !("problem" in ports) && ports.pfs.every(({ driver }) => bears(driver)));
}

/**
 * Acts while udev takes up nothing new: it keeps what it hears of, and does it afterwards. Each VF and
 * representor makes a dozen events, and for each of them udev's programs take the locks under which the
 * kernel makes the next one (RTNL, and sysfs's own): side by side both take twice as long. Figures:
 * docs/benchmarks.md. Source: udevadm(8), `control --stop-exec-queue`.
 *
 * Whoever calls this sees to it that the queue is started should this process be killed: boot/units.ts does.
 *
 * @param act calls what it is given when it does nothing more to the host: udev takes its time to answer
 * @param warn is told when udev could not be told to go on
 */
export async function holdingUdev<T>(
  run: RunProgram,
  act: (goOn: () => void) => Promise<T>,
  {
    warn,
    limit = LIMIT,
    pause = PAUSE,
  }: { readonly warn: (text: string) => void; readonly limit?: number; readonly pause?: number },
): Promise<T> {
  // Also after a failure: udev may have heard it and answered too late.
  if ((await control(run, "--stop-exec-queue")) === "not there") return act(() => {});
  let released: Promise<void> | null = null;
  const release = (): Promise<void> => {
    released ??= start(run, warn, pause);
    return released;
  };
  const timer = setTimeout(release, limit);
  try {
    return await act(() => void release());
  } finally {
    clearTimeout(timer);
    await release();
  }
}

async function start(run: RunProgram, warn: (text: string) => void, pause: number): Promise<void> {
  for (let attempt = 1; attempt <= 3; attempt++) {
    if (attempt > 1) await sleep(pause);
    if ((await control(run, "--start-exec-queue")) === "done") return;
  }
  warn("udev was told to wait, and cannot be told to go on. By hand: udevadm control --start-exec-queue");
}

/** The one that systemd takes for the unit's last word; a machine that has none there is left as it is. */
const udevadm = "/usr/bin/udevadm";

/** `not there`: this machine has no such program. */
async function control(run: RunProgram, request: string): Promise<"done" | "failed" | "not there"> {
  try {
    const seconds = ANSWER_LIMIT / 1000;
    const { code } = await run([udevadm, "control", `--timeout=${seconds}`, request], {
      limit: 2 * ANSWER_LIMIT,
    });
    return code === 0 ? "done" : "failed";
  } catch (error) {
    if (!(error instanceof ProgramError)) throw error;
    return error.code === "ENOENT" ? "not there" : "failed";
  }
}
