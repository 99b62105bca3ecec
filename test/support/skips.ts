import { relative } from "node:path";
import type { TestEvent } from "node:test/reporters";

/**
 * A reporter of what was skipped, beside the one of the results. With NO_SKIPS=1, in CI, what is skipped
 * there fails the run: a missing package would else look like a test that passed. A conformance case that
 * does not apply to a NIC is none of them.
 */

/**
 * What CI's machines need not have, by the name of the test or suite: how the kernel was built, and Debian
 * 12's systemd.
 */
const mayBeSkipped: ReadonlyMap<string, string> = new Map([
  ["against netdevsim", "few kernels have netdevsim"],
  ["a bond and its slave are described", "a kernel may have no bonding"],
  ["a kernel without devlink says so", "most have it"],
  ["udevadm verify accepts them", "there is none before systemd 254"],
]);

export default async function* skips(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const lines: string[] = [];
  let refused = 0;
  for await (const { type, data } of events) {
    if (type !== "test:pass" || data.skip === undefined || data.skip === false) continue;
    if (typeof data.skip === "string" && data.skip.startsWith("does not apply: ")) continue;
    const allowed = mayBeSkipped.has(data.name);
    if (!allowed) refused += 1;
    const file = data.file === undefined ? "" : relative(process.cwd(), data.file);
    lines.push(
      `  ${file}: ${data.name}${typeof data.skip === "string" ? `: ${data.skip}` : ""}${allowed ? " (CI too)" : ""}\n`,
    );
  }
  if (lines.length > 0) yield `Skipped here:\n${lines.join("")}`;
  if (process.env["NO_SKIPS"] !== "1" || refused === 0) return;
  yield `✖ ${refused} of them may not be skipped here (NO_SKIPS): install what they need, or name them in test/support/skips.ts\n`;
  process.exitCode = 1;
}
