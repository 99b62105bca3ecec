import assert from "node:assert/strict";
import { test } from "node:test";
import { udevRules } from "../../../src/boot/udev.ts";
import type { HostState } from "../../../src/host/state/state.ts";
import { pfNameKept } from "../../../src/requirements/early/pf-name.ts";
import { nicsFound } from "../../../src/requirements/evaluate.ts";
import { afterEarly, booted, fresh, spec, vfLagSpec } from "../../support/hosts.ts";
import { adviceOf, brief, check, uplinkOf } from "../view.ts";

const renaming = () => afterEarly(vfLagSpec, fresh(undefined, "renames-ports"));

test("ports that keep their names need nothing", async () => {
  assert.deepEqual(check(pfNameKept, vfLagSpec, await afterEarly(vfLagSpec)), []);
});

test("a port that is called otherwise is a warning with both names", async () => {
  const found = check(pfNameKept, vfLagSpec, await renaming());
  assert.deepEqual(brief(found), [
    { actual: "its name is ens3f0np0", severity: "warning", remedy: "person" },
    { actual: "its name is ens3f1np1", severity: "warning", remedy: "person" },
  ]);
  assert.match(
    adviceOf(found),
    /name the port ens3f0np0 in the spec, and wherever the network configuration says ens3f0$/m,
  );
});

test("one that vflag's own rule gave its name before gets it again at a boot; no other is ever renamed", async () => {
  const world = await renaming();
  const { state } = world;
  const rendered = (files: HostState["files"]) =>
    udevRules.text({
      nics: nicsFound(vfLagSpec, { ...state, files }),
      state: { ...state, files },
      program: "/usr/bin/vflag",
      spec: vfLagSpec,
    }) ?? "";
  assert.doesNotMatch(rendered([]), /, NAME="/);
  assert.doesNotMatch(rendered({ unknown: "not looked at" }), /, NAME="/);
  const rule = { path: udevRules.path, text: 'ACTION=="add", NAME="ens3f0"', mode: 0o644 };
  assert.deepEqual(rendered([rule]).match(/, NAME="\w+"/g), [', NAME="ens3f0"']);
  world.state.files = [rule];
  assert.deepEqual(
    brief(check(pfNameKept, vfLagSpec, world)).map(({ remedy }) => remedy),
    ["reboot", "person"],
  );
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
