import { after, describe, test } from "node:test";
import type { Case } from "./case-tools.ts";
import { cases } from "./cases.ts";
import type { NicProperties, Testbed } from "./testbed.ts";

/**
 * Runs the cases that this NIC can show, each on a host after power-on; the others are skipped by their
 * names.
 */
export function conformance(bed: Testbed): void {
  describe(`conformance: ${bed.name}`, () => {
    for (const { title, needs, run } of cases) {
      const skip = canShow(bed.nic, needs) ? false : `does not apply: this NIC cannot show ${needs}`;
      test(title, { skip }, async () => run(await bed.reset(), bed));
    }
    after(() => bed.close());
  });
}

/** Whether a NIC and its kernel have what a case is about. */
export function canShow(nic: NicProperties, needs: Case["needs"]): boolean {
  return {
    sriov: true,
    rules: nic.eswitch && nic.tcOffload,
    "no-rules": nic.eswitch && !nic.tcOffload,
    encap: nic.eswitch && nic.encap,
    "no-smfs": nic.steering.length > 0 && !nic.steering.includes("smfs"),
    smfs: nic.steering.includes("smfs"),
    eswitch: nic.eswitch,
    steering: nic.steering.length > 0,
    lag: nic.lag,
  }[needs];
}
