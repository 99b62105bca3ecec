import assert from "node:assert/strict";
import { test } from "node:test";
import { channels } from "../../../src/requirements/early/channels.ts";
import { afterEarly, booted, fresh, spec, vfLagSpec } from "../../support/hosts.ts";
import { actionsOf, brief, check, representorOf, uplinkOf } from "../view.ts";

test("a port in a bond keeps its channels until the next boot, with a warning", async () => {
  const world = await booted(vfLagSpec);
  uplinkOf(world).channels = { combined: 1, max: 63 };
  assert.deepEqual(brief(check(channels, vfLagSpec, world)), [
    { actual: "1, and in bond0", severity: "warning", remedy: "reboot" },
  ]);
});

test("a port that is in no bond is set at once", async () => {
  const world = await afterEarly(vfLagSpec);
  uplinkOf(world).channels = { combined: 1, max: 63 };
  assert.deepEqual(actionsOf(check(channels, vfLagSpec, world)), [
    { kind: "set-channels", netdev: "ens3f0", index: uplinkOf(world).index, combined: 63 },
  ]);
});

test("a representor in Open vSwitch is set all the same: its carrier is nobody's link", async () => {
  const world = await booted(vfLagSpec);
  const representor = representorOf(world, 0, 1);
  Object.assign(representor, { master: "ovs-system", channels: { combined: 1, max: 18 } });
  assert.deepEqual(actionsOf(check(channels, vfLagSpec, world)), [
    { kind: "set-channels", netdev: representor.name, index: representor.index, combined: 18 },
  ]);
});

test("channels that could not be seen are not known, not wrong", async () => {
  const world = await afterEarly(vfLagSpec);
  uplinkOf(world).channels = { unknown: "ethtool gave no answer" };
  const found = check(channels, vfLagSpec, world);
  assert.deepEqual(brief(found), [
    { actual: "ethtool gave no answer", severity: "unknown", remedy: "person" },
  ]);
  assert.equal(found[0]?.subject, "ens3f0 (0000:37:00.0)");
});

test("a driver without channels is a warning: the declaration is too much", async () => {
  const world = await afterEarly(vfLagSpec);
  representorOf(world, 1, 0).channels = null;
  assert.deepEqual(brief(check(channels, vfLagSpec, world)), [
    { actual: "no channels to set", severity: "warning", remedy: "person" },
  ]);
});

test("more than the device offers is a warning, and the most that it offers is set", async () => {
  const world = await afterEarly(vfLagSpec);
  const representor = representorOf(world, 0, 0);
  representor.channels = { combined: 1, max: 4 };
  const found = check(channels, vfLagSpec, world);
  assert.deepEqual(brief(found), [
    { actual: "the device offers 4 at most", severity: "warning", remedy: "person" },
    { actual: "1 combined channel", severity: "error", remedy: "actions" },
  ]);
  assert.deepEqual(actionsOf(found), [
    { kind: "set-channels", netdev: representor.name, index: representor.index, combined: 4 },
  ]);
});

test("in mode sriov the ports themselves are tuned, and representors are not spoken of", () => {
  const sriov = spec(
    "{version: 1, nics: [{name: data, mode: sriov, ports: [ens3f0], vfs: 2, channels: {pf: 5}}]}",
  );
  const world = fresh();
  assert.deepEqual(actionsOf(check(channels, sriov, world)), [
    { kind: "set-channels", netdev: "ens3f0", index: uplinkOf(world).index, combined: 5 },
  ]);
});

test("what is not declared is left as it is", async () => {
  const quiet = spec(
    "{version: 1, nics: [{name: data, mode: switchdev, ports: [ens3f0], vfs: 2, channels: {pf: 63}}]}",
  );
  const world = await afterEarly(quiet);
  representorOf(world, 0, 0).channels = { unknown: "nobody asked" };
  assert.deepEqual(check(channels, quiet, world), []);
});
