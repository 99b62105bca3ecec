import assert from "node:assert/strict";
import { test } from "node:test";
import { pfNameKept } from "../../src/requirements/pf-name.ts";
import { afterEarly, booted, fresh, spec, vfLagSpec } from "../support/hosts.ts";
import { adviceOf, brief, check, uplinkOf } from "./view.ts";

const renaming = () => afterEarly(vfLagSpec, fresh(undefined, "renames-ports"));

test("ports that keep their names need nothing", async () => {
  assert.deepEqual(check(pfNameKept, vfLagSpec, await afterEarly(vfLagSpec)), []);
});

test("a port that udev renamed is a warning with both names", async () => {
  const found = check(pfNameKept, vfLagSpec, await renaming());
  assert.deepEqual(brief(found), [
    { actual: "renamed to ens3f0np0", severity: "warning", remedy: "reboot" },
    { actual: "renamed to ens3f1np1", severity: "warning", remedy: "reboot" },
  ]);
  assert.match(adviceOf(found), /70-vflag.rules gives it this name .*; or use ens3f0np0 in the bond's configuration and the spec/);
});

test("a port that still answers to its old name as an alternative one is not renamed", async () => {
  const world = await renaming();
  uplinkOf(world, 0).altNames.push("enp55s0f0np0", "ens3f0");
  assert.deepEqual(
    check(pfNameKept, vfLagSpec, world).map(({ expected }) => expected),
    ["ens3f1"],
  );
});

test("a port that is in its bond was found there, by whatever name", async () => {
  const world = await booted(vfLagSpec, await renaming());
  uplinkOf(world, 0).master = "bond0";
  uplinkOf(world, 1).master = "bond0";
  assert.deepEqual(check(pfNameKept, vfLagSpec, world), []);
});

test("a port that the spec does not name by its device has no name to keep", async () => {
  const byAddress = spec(`
version: 1
nics:
  - {name: data, mode: vf-lag, ports: [{address: "0000:37:00.*"}], vfs: 2, bond: bond0}
`);
  assert.deepEqual(check(pfNameKept, byAddress, await renaming()), []);
});
