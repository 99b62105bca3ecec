import { join } from "node:path";
import { isUnknown, type Observed } from "../../state/observed.ts";
import type { Lag } from "../../state/state.ts";
import type { PciAddress } from "../../state/values.ts";
import { modeOf, setModeAgain } from "../eswitch/eswitch-actions.ts";
import { kernelLogOf } from "../log/kernel-log.ts";
import type { Kernel } from "../system/kernel.ts";
import { Refusal } from "../system/refusal.ts";
import { readText } from "../system/sysfs.ts";
import { until } from "../system/wait.ts";
import { isActive } from "./lag.ts";

/**
 * Waits until the NIC's LAG is active and of type switchdev. When it is still disabled after a while, the
 * driver is asked once to try again: it remembers no failure, but looks only when something happens to the
 * bond or the eSwitch. Throws Refusal ETIMEDOUT with what the kernel log says of it.
 * @param read looks at the LAG
 * @param patience ms until the driver is asked
 */
export async function activateLag(
  kernel: Kernel,
  read: () => Observed<Lag | null>,
  pf: PciAddress,
  seconds: number,
  patience = 3000,
): Promise<void> {
  const lag = read();
  if (lag === null) throw new Refusal("EOPNOTSUPP", `wait for the LAG of ${pf}: the driver has none`);
  if (isUnknown(lag)) throw new Refusal(null, `wait for the LAG of ${pf}: ${lag.unknown}`);
  const limit = seconds * 1000;
  // Half of the time at most, so that there is some left for what the driver does when it is asked.
  const first = Math.min(patience, limit / 2);
  if (await until(() => isActive(read()), { limit: first })) return;
  if (isDisabled(read()) && modeOf(kernel, pf) === "switchdev") {
    if (looksOnlyAtBonds(kernel.procRoot))
      throw new Refusal(
        "ETIMEDOUT",
        `the LAG of ${pf} is disabled, and this kernel's driver (before 5.15) looks at it only when the ` +
          `bond changes: take a port out of the bond and put it back, or reboot`,
      );
    await setModeAgain(kernel, pf);
  }
  if (await until(() => isActive(read()), { limit: limit - first })) return;
  throw new Refusal(
    "ETIMEDOUT",
    [`the LAG of ${pf} is ${describe(read())} after ${seconds} s`, ...kernelLogOf(kernel.devRoot, pf)].join(
      "; kernel: ",
    ),
  );
}

/**
 * Whether setting the mode that is there makes this driver do nothing: linux commit cac1eb2cf2e3 brought
 * mlx5_lag_disable_change() with the other way. Where the kernel does not show its symbols, the driver is
 * asked.
 */
function looksOnlyAtBonds(procRoot: string): boolean {
  const before = answers.get(procRoot);
  if (before !== undefined) return before;
  const symbols = readText(join(procRoot, "kallsyms")) ?? "";
  if (!symbols.includes("mlx5_lag_")) return false;
  const answer = !symbols.includes("mlx5_lag_disable_change");
  answers.set(procRoot, answer);
  return answer;
}

/** By `/proc`: what the running kernel answered, whose list of symbols has megabytes. */
const answers = new Map<string, boolean>();

function isDisabled(lag: Observed<Lag | null>): boolean {
  return lag !== null && !isUnknown(lag) && lag.state === "disabled";
}

function describe(lag: Observed<Lag | null>): string {
  if (lag === null) return "gone";
  if (isUnknown(lag)) return `not known (${lag.unknown})`;
  return lag.state === "disabled" ? "disabled" : `active, but of type ${lag.type ?? "not told"}`;
}
