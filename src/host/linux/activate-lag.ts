import { isUnknown, type Observed } from "../observed.ts";
import type { Lag } from "../state.ts";
import type { PciAddress } from "../values.ts";
import { modeOf, setModeAgain } from "./eswitch-actions.ts";
import type { Kernel } from "./kernel.ts";
import { kernelLogOf } from "./kernel-log.ts";
import { isActive } from "./lag.ts";
import { Refusal } from "./refusal.ts";
import { until } from "./wait.ts";

/**
 * Waits until the NIC's LAG is active and of type switchdev. When it is still disabled after a while, the driver is asked
 * once to try again: it remembers no failure, but looks only when something happens to the bond or the eSwitch.
 * Throws Refusal ETIMEDOUT with what the kernel log says of it.
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
  const first = Math.min(patience, limit);
  if (await until(() => isActive(read()), { limit: first })) return;
  if (isDisabled(read()) && modeOf(kernel, pf) === "switchdev") await setModeAgain(kernel, pf);
  if (await until(() => isActive(read()), { limit: limit - first })) return;
  throw new Refusal(
    "ETIMEDOUT",
    [`the LAG of ${pf} is ${describe(read())} after ${seconds} s`, ...kernelLogOf(kernel.devRoot, pf)].join("; kernel: "),
  );
}

function isDisabled(lag: Observed<Lag | null>): boolean {
  return lag !== null && !isUnknown(lag) && lag.state === "disabled";
}

function describe(lag: Observed<Lag | null>): string {
  if (lag === null) return "gone";
  if (isUnknown(lag)) return `not known (${lag.unknown})`;
  return lag.state === "disabled" ? "disabled" : `active, but of type ${lag.type ?? "not told"}`;
}
