import { after, describe, test } from "node:test";
import { cases } from "./cases.ts";
import type { Testbed } from "./testbed.ts";

/** Runs the cases that this NIC can show, each on a host after power-on. */
export function conformance(bed: Testbed): void {
  const can = { sriov: true, eswitch: bed.nic.eswitch, steering: bed.nic.steering.length > 0, lag: bed.nic.lag };
  describe(`conformance: ${bed.name}`, () => {
    for (const { title, needs, run } of cases) {
      if (!can[needs]) continue;
      test(title, async () => run(await bed.reset(), bed));
    }
    after(() => bed.close());
  });
}
