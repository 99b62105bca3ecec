import assert from "node:assert/strict";
import { test } from "node:test";
import type { Unit } from "../../../src/host/state/installation.ts";
import { conflictingServices } from "../../../src/requirements/platform/conflicting-services.ts";
import { fresh } from "../../support/hosts.ts";
import { actionsOf, adviceOf, brief, checkHost } from "../view.ts";
import { apply, auto, found } from "./platform.ts";

/** What is found of one unit: `severity remedy: actual, when it bites`. */
function ofUnit(name: string, enabled: string | null, active = "inactive"): string[] {
  const world = fresh();
  const unit: Unit = { name, path: `/usr/lib/systemd/system/${name}`, enabled, active, result: "success" };
  world.state.units = [unit];
  return checkHost(conflictingServices, auto, world).map(
    ({ severity, remedy, actual, bites }) => `${severity} ${remedy.kind}: ${actual}, ${bites}`,
  );
}

test("openibd is disabled by apply", async () => {
  const world = fresh(undefined, "openibd");
  assert.deepEqual(actionsOf(found(world, auto)), [
    { kind: "disable-unit", unit: "openibd.service", reload: true },
  ]);
  await apply(world, auto);
  assert.deepEqual(found(world, auto), []);
});

test("openibd is told where something starts it at boot: it is enabled, or it is made of a script and runs", () => {
  const openibd = (enabled: string | null, active?: string) => ofUnit("openibd.service", enabled, active);
  const bites = "at the next boot";
  assert.deepEqual(openibd("enabled"), [`warning actions: enabled, inactive, ${bites}`]);
  assert.deepEqual(openibd("enabled-runtime", "active"), [
    `warning actions: enabled-runtime, active, ${bites}`,
  ]);
  assert.deepEqual(openibd("generated", "active"), [`warning person: generated, active, ${bites}`]);
  const idle = [["generated"], ["disabled", "active"], ["masked"], [null, "active"]] as const;
  for (const [enabled, active] of idle)
    assert.deepEqual(openibd(enabled, active), [], `${enabled}, ${active}`);
});

test("the interface manager has to be masked by a person, wherever udev starts it", () => {
  const world = fresh();
  const name = "mlnx_interface_mgr@lo.service";
  const started = ["warning person: udev starts it for each port, at the next boot"];
  assert.deepEqual(ofUnit(name, "static"), started);
  assert.deepEqual(ofUnit(name, null), started);
  for (const enabled of ["masked", "masked-runtime"]) assert.deepEqual(ofUnit(name, enabled), []);
  assert.deepEqual(ofUnit("mlnx_other@lo.service", "static"), []);
  world.state.units = [{ name, path: null, enabled: "static", active: "inactive", result: "success" }];
  assert.equal(adviceOf(found(world, auto)), "systemctl mask mlnx_interface_mgr@.service");
});

test("without systemd's answer it is not known", () => {
  const world = fresh();
  world.state.units = { unknown: "no systemd" };
  const found = checkHost(conflictingServices, auto, world);
  assert.deepEqual(brief(found), [{ actual: "no systemd", severity: "unknown", remedy: "person" }]);
  assert.equal(found[0]?.bites, undefined);
});
