import { connectx, igb, simulatedBed } from "./simulated-bed.ts";
import { conformance } from "./suite.ts";

conformance(simulatedBed("simulated ConnectX-6 Dx", "ConnectX-6 Dx", connectx));
conformance(
  simulatedBed(
    "simulated ConnectX-6 Dx that can neither smfs nor encap, on a kernel without tc offload",
    "ConnectX-6 Dx",
    { ...connectx, steering: ["dmfs"], encap: false, tcOffload: false },
    ["no-smfs", "no-encap", "kernel-without-tc-offload"],
  ),
);
conformance(simulatedBed("simulated 82576", "82576", igb));
conformance(simulatedBed("simulated ConnectX-6 Dx on Linux 6.1", "ConnectX-6 Dx", connectx, [], "6.1.0-simulated"));
