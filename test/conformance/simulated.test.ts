import assert from "node:assert/strict";
import { test } from "node:test";
import { cases } from "./cases.ts";
import { connectx, igb, simulatedBed } from "./simulated-bed.ts";
import { canShow, conformance } from "./suite.ts";

const beds = [
  simulatedBed("simulated ConnectX-6 Dx", "ConnectX-6 Dx", connectx),
  simulatedBed(
    "simulated ConnectX-6 Dx that can neither smfs nor encap, on a kernel without tc offload",
    "ConnectX-6 Dx",
    { ...connectx, steering: ["dmfs"], encap: false, tcOffload: false },
    ["no-smfs", "no-encap", "kernel-without-tc-offload"],
  ),
  simulatedBed("simulated 82576", "82576", igb),
  simulatedBed("simulated ConnectX-6 Dx on Linux 6.1", "ConnectX-6 Dx", connectx, [], "6.1.0-simulated"),
];
for (const bed of beds) conformance(bed);

test("each case runs on one of these hosts at least", () => {
  const nowhere = cases.filter(({ needs }) => !beds.some(({ nic }) => canShow(nic, needs)));
  assert.deepEqual(
    nowhere.map(({ title }) => title),
    [],
  );
});
