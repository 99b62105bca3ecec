import assert from "node:assert/strict";
import { test } from "node:test";
import type { CardOptions } from "../../../src/host/simulated/build.ts";
import type { World } from "../../../src/host/simulated/world.ts";
import { model } from "../../../src/requirements/early/model.ts";
import type { Spec } from "../../../src/spec/schema.ts";
import { dualPort, fresh, spec, vfLagSpec } from "../../support/hosts.ts";
import { offering } from "../firmware/offering.ts";
import { adviceOf, brief, check, pfOf } from "../view.ts";

const on = (mode: string) => spec(`{version: 1, nics: [{name: data, ports: [ens3f0], vfs: 2, ${mode}}]}`);
const sriov = on("mode: sriov");
const switchdev = on("mode: switchdev");
const byModule = on("mode: sriov, persistence: modprobe");
const card = (name: string): CardOptions => ({ ...dualPort, model: name });
const error = (actual: string, remedy = "person") => [{ actual, severity: "error", remedy }];

function found(wanted: Spec, world: World) {
  return brief(check(model, wanted, world));
}

test("a ConnectX-5 can do every mode", () => {
  for (const wanted of [sriov, switchdev, vfLagSpec]) assert.deepEqual(found(wanted, fresh()), []);
});

test("whether the NIC can do switchdev is not known, and asked only where the mode needs it", () => {
  const world = fresh();
  for (const pf of world.state.pfs) pf.eswitch = { unknown: "devlink gave no answer" };
  const unseen = { actual: "devlink gave no answer", severity: "unknown", remedy: "person" };
  assert.deepEqual(found(switchdev, world), [unseen]);
  assert.deepEqual(found(vfLagSpec, world), [unseen, unseen]);
  assert.deepEqual(found(sriov, world), []);
});

test("a NIC that was seen to have no eSwitch is an error, not a doubt", () => {
  const world = fresh();
  pfOf(world).eswitch = null;
  assert.deepEqual(found(switchdev, world), error("ConnectX-5 (driver mlx5_core) has no eSwitch"));
  assert.deepEqual(adviceOf(check(model, switchdev, world)), "use mode: sriov for this NIC");
  assert.deepEqual(found(sriov, world), []);
  Object.assign(pfOf(world), { model: null, driver: null });
  assert.deepEqual(found(switchdev, world), error("this NIC (driver none) has no eSwitch"));
});

test("VF-LAG on a model that is not known to do it is a warning; what is not known at all is left to the LAG", () => {
  const world = fresh([card("ConnectX-4 Lx")]);
  const warning = {
    actual: "ConnectX-4 Lx is not known to do VF-LAG",
    severity: "warning",
    remedy: "person",
  };
  assert.deepEqual(found(vfLagSpec, world), [warning, warning]);
  assert.deepEqual(found(switchdev, world), []);
  for (const pf of world.state.pfs) pf.product = "ffff";
  assert.deepEqual(found(vfLagSpec, world), []);
});

test("without SR-IOV the BIOS or the firmware has it off; a firmware that was asked tells which", () => {
  const world = fresh();
  pfOf(world).sriov = null;
  world.state.firmware = [];
  assert.deepEqual(found(sriov, world), error("no SR-IOV capability"));
  assert.match(adviceOf(check(model, sriov, world)), /^enable SR-IOV in the BIOS and the NIC's firmware/);
  const set = offering(0, 8);
  pfOf(set).sriov = null;
  assert.deepEqual(found(sriov, set), error("no SR-IOV capability", "reboot"));
  assert.match(adviceOf(check(model, sriov, set)), /^NUM_OF_VFS=8 is set in the firmware/);
});

test("a driver that makes VFs by its options only must be declared so, and no other can", () => {
  const connectX3 = () => fresh([card("ConnectX-3")]);
  assert.deepEqual(found(sriov, connectX3()), error("mlx4_core makes VFs only from module options"));
  assert.match(adviceOf(check(model, sriov, connectX3())), /^declare `persistence: modprobe` for this NIC/);
  assert.deepEqual(found(byModule, fresh()), error("driver mlx5_core, which has no module option for VFs"));
  assert.match(adviceOf(check(model, byModule, fresh())), /^use persistence: systemd \(or udev\)/);
});

test("and reads them when it is loaded: another number waits for a reboot", () => {
  const world = fresh([card("ConnectX-3")]);
  assert.deepEqual(found(byModule, world), error("0 VFs", "reboot"));
  assert.match(
    adviceOf(check(model, byModule, world)),
    /^mlx4_core reads \/etc\/modprobe\.d\/vflag\.conf when/,
  );
  Object.assign(pfOf(world).sriov ?? {}, { count: 2 });
  assert.deepEqual(found(byModule, world), []);
});
