import assert from "node:assert/strict";
import { test } from "node:test";
import { ovsTcPolicy } from "../../../src/requirements/ovs/ovs-tc-policy.ts";
import { actionsOf, adviceOf } from "../view.ts";
import {
  apply,
  brief,
  found,
  host,
  ovsOf,
  reasons,
  restart,
  unlessOffload,
  wanted,
  withOvs,
} from "./open-vswitch.ts";

test("it is asked where Open vSwitch shall offload", () => {
  assert.deepEqual(reasons(ovsTcPolicy), unlessOffload);
});

test("skip_hw is an error; another than the declared one a warning; what both allow is left", async () => {
  const world = await host("ovs-skip-hw");
  assert.deepEqual(brief(found(world)), ["ovs-tc-policy error person: tc-policy skip_hw"]);
  assert.match(
    adviceOf(found(world)),
    /or ovs-vsctl set Open_vSwitch \. other_config:tc-policy=none && systemctl restart openvswitch-switch/,
  );
  ovsOf(world).tcPolicy = "skip_sw";
  assert.deepEqual(found(world), []);
  assert.deepEqual(brief(found(world, withOvs("tcPolicy: none"))), [
    "ovs-tc-policy warning person: tc-policy skip_sw",
  ]);
  ovsOf(world).tcPolicy = null;
  assert.deepEqual(brief(found(world, withOvs("tcPolicy: skip_sw"))), [
    "ovs-tc-policy warning person: tc-policy none",
  ]);
});

test("it is set together with a restart, for nobody can tell which one a daemon works with", async () => {
  const world = await host("ovs-skip-hw");
  assert.deepEqual(
    actionsOf(found(world, wanted, restart)).map(({ kind }) => kind),
    ["set-ovs", "restart-ovs"],
  );
  await apply(world, wanted, restart);
  assert.deepEqual(found(world), []);
});

test("before hw-offload is on it is only set", async () => {
  const world = await host("ovs-offload-off", "ovs-skip-hw");
  assert.deepEqual(actionsOf(found(world)), [
    { kind: "set-ovs", source: ovsOf(world).source, key: "tc-policy", value: "none" },
    { kind: "set-ovs", source: ovsOf(world).source, key: "hw-offload", value: "true" },
  ]);
  // Set, and waiting for a restart: that one reads both.
  ovsOf(world).hwOffload = true;
  assert.deepEqual(actionsOf(found(world)), []);
});
