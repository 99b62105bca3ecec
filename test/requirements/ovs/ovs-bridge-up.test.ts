import assert from "node:assert/strict";
import { test } from "node:test";
import { ovsBridgeUp } from "../../../src/requirements/ovs/ovs-bridge-up.ts";
import { adviceOf, netdevOf } from "../view.ts";
import { found, host, reasons, unlessOffload } from "./open-vswitch.ts";

test("it is asked where Open vSwitch shall offload", () => {
  assert.deepEqual(reasons(ovsBridgeUp), unlessOffload);
});

test("the bond's bridge must be up, others need not", async () => {
  const world = await host();
  netdevOf(world, "br-int").up = false;
  assert.deepEqual(found(world), []);
  netdevOf(world, "br-ex").up = false;
  assert.deepEqual(
    found(world).map(({ requirement, subject, severity, remedy }) => [
      requirement,
      subject,
      severity,
      remedy.kind,
    ]),
    [["ovs-bridge-up", "br-ex", "warning", "person"]],
  );
  assert.match(adviceOf(found(world)), /^ip link set br-ex up, and have the host's network configuration/);
});
