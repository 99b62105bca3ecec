import { setTimeout as sleep } from "node:timers/promises";
import { Refusal } from "./refusal.ts";

/**
 * Asks again and again until the answer is yes, or the time is over. Returns whether it was yes. Times in ms.
 */
export async function until(
  condition: () => boolean,
  { limit, every = 50 }: { limit: number; every?: number },
): Promise<boolean> {
  const end = performance.now() + limit;
  for (;;) {
    if (condition()) return true;
    if (performance.now() >= end) return false;
    await sleep(every);
  }
}

/**
 * Waits for work that may hang in the kernel, `limit` ms at most; then Refusal ETIMEDOUT.
 * The work itself cannot be called off: it may still be done later.
 */
export async function within<T>(limit: number, what: string, work: () => Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    reject(
      new Refusal(
        "ETIMEDOUT",
        `${what}: no end within ${limit / 1000} s; the kernel may still be at work (dmesg, ` +
          `cat /proc/${process.pid}/task/*/stack)`,
      ),
    );
  }, limit);
  try {
    return await Promise.race([work(), promise]);
  } finally {
    clearTimeout(timer);
  }
}
