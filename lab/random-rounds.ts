import { release } from "node:os";
import { compareHosts } from "../test/conformance/random.ts";
import { connectx, simulatedBed } from "../test/conformance/simulated-bed.ts";
import { bedWithFaults } from "./random-bed.ts";
import { isToBeKilled } from "./random-kill.ts";

/**
 * Runs in the guest, as root, for random-hosts.ts: `node random-rounds.ts SEED STEPS ROUND`. The real NIC and
 * its simulated twin go through STEPS random steps, as after power-on every ROUND steps and after each
 * difference. It reports in lines of JSON.
 */
export type Told =
  | { readonly kind: "round"; readonly seed: number; readonly steps: number; readonly ms: number }
  | {
      readonly kind: "difference";
      readonly seed: number;
      readonly steps: readonly string[];
      readonly differences: readonly string[];
    };

if (!(await isToBeKilled())) await rounds();

async function rounds(): Promise<void> {
  const [seed = 1, steps = 300, inRound = 150] = process.argv.slice(2).map(Number);
  const real = bedWithFaults();
  const twin = simulatedBed(
    "its twin",
    "ConnectX-6 Dx",
    { ...connectx, steering: ["dmfs"] },
    ["no-smfs"],
    release(),
  );
  for (let round = 0, left = steps; left > 0; round++) {
    const begun = performance.now();
    let done = 0;
    const count = (line: string) => {
      done++;
      process.stdout.write(`${(performance.now() / 1000).toFixed(1)} ${line}\n`);
    };
    const found = await compareHosts(seed + round, Math.min(inRound, left), [real, twin], count);
    tell({ kind: "round", seed: seed + round, steps: done, ms: Math.round(performance.now() - begun) });
    if (found !== null)
      tell({ kind: "difference", seed: found.seed, steps: found.done, differences: found.differences });
    left -= Math.max(1, done);
  }
  await real.close();
}

function tell(told: Told): void {
  process.stdout.write(`${JSON.stringify(told)}\n`);
}
