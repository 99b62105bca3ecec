import assert from "node:assert/strict";
import { test } from "node:test";
import { observeWorld } from "../../../src/host/simulated/host.ts";
import type { World } from "../../../src/host/simulated/world.ts";
import { type Plan, rehearse } from "../../../src/reconcile/plan.ts";
import { booted, fresh, vfLagSpec } from "../../support/hosts.ts";

/**
 * A plan goes past networking and reboots: the bonds that then appear are the host's own, or what the spec
 * asks for.
 */

function plan(world: World): Promise<Plan> {
  return rehearse(vfLagSpec, observeWorld(world));
}

function shape({ phases }: Plan) {
  return phases.map(({ after, because }) => [after, ...because.map(({ requirement }) => requirement)]);
}

function remaining(plan: Plan) {
  return plan.remaining.flatMap(({ deviations }) =>
    deviations.map(({ requirement, actual }) => [requirement, actual]),
  );
}

test("a bond that the host does not have is made of the NIC's ports by networking", async () => {
  const planned = await plan(fresh());
  assert.deepEqual(shape(planned), [["now"], ["networking", "bond"]]);
  assert.deepEqual(remaining(planned), []);
});

test("a bond that the host has is not made anew", async () => {
  const planned = await plan(await booted(vfLagSpec));
  assert.deepEqual(shape(planned), [["now"]]);
  assert.deepEqual(remaining(planned), []);
});

test("after a reboot the host's own bond is back as it is configured, not as the spec would have it", async () => {
  const world = fresh(undefined, "bonded-early", "bond-mode");
  const planned = await plan(world);
  assert.deepEqual(shape(planned), [["now"], ["reboot", "not-in-bond", "not-in-bond"], ["networking"]]);
  assert.deepEqual(remaining(planned), [["bond", "mode balance-rr"], ["lag", "disabled"], ...notBoundYet(4)]);
});

test("a bond with a third slave has it after a reboot too", async () => {
  const planned = await plan(fresh(undefined, "bonded-early", "third-slave"));
  assert.deepEqual(remaining(planned), [
    ["bond", "eno1 is in it too"],
    ["lag", "disabled"],
    ...notBoundYet(4),
  ]);
});

/** What waits behind the bond and the LAG: both ports' autoprobe, and the VFs. */
function notBoundYet(vfs: number) {
  return [
    ...Array(2).fill(["vf-autoprobe", "sriov_drivers_autoprobe 0"]),
    ...Array(vfs).fill(["vfs-bound", "unbound"]),
  ];
}
