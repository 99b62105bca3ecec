import { test } from "node:test";
import { LinuxHost } from "../../src/host/linux/host.ts";
import { HostState } from "../../src/host/state/state.ts";
import { labNics, realBed } from "./real-bed.ts";
import { conformance } from "./suite.ts";

/**
 * The same cases on a real kernel: run as root in a guest of the lab, `node --test
 * test/conformance/guest.ts`, with the NIC's name in VFLAG_NIC.
 */
const name = process.env["VFLAG_NIC"] ?? "";
const nic = labNics[name];
if (nic === undefined) throw new Error(`VFLAG_NIC is "${name}": one of ${Object.keys(labNics).join(", ")}`);

test("a snapshot of everything fits the published schema", async () => {
  using everything = LinuxHost.open();
  HostState.parse(await everything.observe());
});

conformance(realBed(`${name} on a real kernel`, nic));
