import assert from "node:assert/strict";
import { test } from "node:test";
import { inject } from "../../../src/host/simulated/faults.ts";
import { representors } from "../../../src/requirements/eswitch/representors.ts";
import { afterEarly, fresh, spec, vfLagSpec } from "../../support/hosts.ts";
import { adviceOf, brief, check, pfOf, representorOf, whyNotAsked } from "../view.ts";

const sriov = spec("{version: 1, nics: [{name: data, mode: sriov, ports: [ens3f0], vfs: 2}]}");
const missing = (...vfs: number[]) => ({
  actual: `no representor for VF ${vfs.join(", ")}`,
  severity: "error",
  remedy: "person",
});

test("it is asked of a NIC with an eSwitch", () => {
  const reason = "mode sriov leaves the eSwitch in legacy mode";
  assert.equal(whyNotAsked(representors, sriov, fresh()), reason);
  assert.equal(whyNotAsked(representors, vfLagSpec, fresh()), null);
});

test("every VF has one, or it is an error that says which port and VFs lack it", async () => {
  const world = await afterEarly(vfLagSpec);
  assert.deepEqual(check(representors, vfLagSpec, world), []);
  inject(world, "representors-lost");
  const found = check(representors, vfLagSpec, world);
  assert.deepEqual(brief(found), [missing(1)]);
  assert.deepEqual([found[0]?.subject, found[0]?.expected], ["ens3f0 (0000:37:00.0)", "2 representors"]);
  assert.match(adviceOf(found), /^see which: devlink port show; dmesg \| grep -e 0000:37:00\.0 /);
});

test("one that is known to devlink and has no netdev is missing; each port speaks for itself", async () => {
  const world = await afterEarly(vfLagSpec);
  const gone = [representorOf(world, 0, 0), representorOf(world, 0, 1), representorOf(world, 1, 0)];
  world.state.netdevs = world.state.netdevs.filter((netdev) => !gone.includes(netdev));
  assert.deepEqual(brief(check(representors, vfLagSpec, world)), [missing(0, 1), missing(0)]);
});

test("before the eSwitch is in switchdev mode, or seen to be, there is none to miss", async () => {
  const world = await afterEarly(vfLagSpec);
  inject(world, "port-to-legacy");
  assert.deepEqual(check(representors, vfLagSpec, world), []);
  world.state.representors = [];
  pfOf(world, 0).eswitch = { unknown: "devlink gave no answer" };
  assert.deepEqual(brief(check(representors, vfLagSpec, world)), [missing(0, 1)]);
});
