import assert from "node:assert/strict";
import { test } from "node:test";
import { observeWorld } from "../../../src/host/simulated/host.ts";
import { ovsRunning } from "../../../src/requirements/ovs/ovs-running.ts";
import { verdicts } from "../../../src/verdict/verdict.ts";
import { booted, dualPort, fresh, spec, vfLagSpec } from "../../support/hosts.ts";
import { adviceOf } from "../view.ts";
import {
  brief,
  found,
  host,
  ovsOf,
  reasons,
  restart,
  sriov,
  unlessOvs,
  wanted,
  withOvs,
} from "./open-vswitch.ts";

test("a healthy Open vSwitch needs nothing, whatever is allowed", async () => {
  const world = await host();
  assert.deepEqual(brief(found(world)), []);
  assert.deepEqual(brief(found(world, withOvs("tcPolicy: none"), restart)), []);
});

test("where the spec does not speak of Open vSwitch, or no NIC has flows, nobody looks", async () => {
  assert.deepEqual(reasons(ovsRunning), unlessOvs);
  const world = await host("ovs-stopped");
  assert.deepEqual(found(world, vfLagSpec), []);
  assert.deepEqual(found(world, sriov), []);
  world.state.ovs = { unknown: "this command does not look at it" };
  assert.deepEqual(found(world, sriov), []);
});

test("not found, not to be seen, not running: each is told, and nothing else is guessed", async () => {
  const world = await host("ovs-stopped");
  assert.deepEqual(brief(found(world)), ["ovs-running error person: ovs-vswitchd does not answer"]);
  assert.match(adviceOf(found(world)), /then systemctl restart openvswitch-switch\.service$/);
  ovsOf(world).source = { kind: "container", engine: "podman", name: "openvswitch_vswitchd" };
  assert.match(adviceOf(found(world)), /then podman restart openvswitch_vswitchd$/);
  world.state.ovs = null;
  assert.deepEqual(brief(found(world)), ["ovs-running error person: not found"]);
  world.state.ovs = { unknown: "docker: Cannot connect to the Docker daemon" };
  assert.deepEqual(brief(found(world)), [
    "ovs-running unknown person: docker: Cannot connect to the Docker daemon",
  ]);
});

test("it does not concern a NIC in mode sriov", async () => {
  const world = await booted(vfLagSpec, fresh([dualPort, { model: "ConnectX-6 Dx", ports: 2 }]));
  world.state.ovs = null;
  const both = {
    ...wanted,
    nics: [
      ...wanted.nics,
      ...spec("{version: 1, nics: [{name: plain, mode: sriov, ports: [ens4f0], vfs: 2}]}").nics,
    ],
  };
  const answers = verdicts(both, observeWorld(world), ["ovs"]).map(({ nic, answer }) => [nic, answer]);
  assert.deepEqual(answers, [
    ["data", "broken"],
    ["plain", "works"],
  ]);
});
