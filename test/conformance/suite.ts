import { after, describe, test } from "node:test";
import { cases } from "./cases.ts";
import type { Testbed } from "./testbed.ts";

/** Runs the cases that this NIC can show, each on a host after power-on. */
export function conformance(bed: Testbed): void {
  const { nic } = bed;
  const can = {
    sriov: true,
    rules: nic.eswitch && nic.tcOffload,
    "no-rules": nic.eswitch && !nic.tcOffload,
    encap: nic.eswitch && nic.encap,
    "no-smfs": nic.steering.length > 0 && !nic.steering.includes("smfs"),
    smfs: nic.steering.includes("smfs"),
    eswitch: nic.eswitch,
    steering: nic.steering.length > 0,
    lag: nic.lag,
  };
  describe(`conformance: ${bed.name}`, () => {
    for (const { title, needs, run } of cases) {
      if (!can[needs]) continue;
      test(title, async () => run(await bed.reset(), bed));
    }
    after(() => bed.close());
  });
}
