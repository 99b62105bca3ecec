import assert from "node:assert/strict";
import { test } from "node:test";
import { observeWorld } from "../../../src/host/simulated/host.ts";
import type { World } from "../../../src/host/simulated/world.ts";
import { pciAddress } from "../../../src/host/state/values.ts";
import { ovsHwOffload } from "../../../src/requirements/ovs/ovs-hw-offload.ts";
import { fresh, vfLagSpec } from "../../support/hosts.ts";
import { actionsOf, adviceOf, checkHost } from "../view.ts";
import {
  apply,
  bondBridge,
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

test("it is asked where a NIC has flows, to have it on or off, and where the spec speaks of it or it is there", () => {
  assert.deepEqual(reasons(ovsHwOffload), unlessOvs.with(0, null));
  const without = { ...fresh().state, ovs: null };
  assert.deepEqual(reasons(ovsHwOffload, without), unlessOvs.with(0, "there is no Open vSwitch"));
});

test("where the spec does not speak of it, one that carries the NIC and does not offload is an error, and left alone", async () => {
  const undeclared = (world: World) => brief(found(world, vfLagSpec));
  const error = (actual: string) => [`ovs-hw-offload error person: ${actual}, and it carries bond0`];
  const world = await host();
  assert.deepEqual(undeclared(world), []);
  ovsOf(world).offloadInEffect = { unknown: "nothing shows it" };
  assert.deepEqual(undeclared(world), []);
  ovsOf(world).offloadInEffect = false;
  assert.deepEqual(undeclared(world), error("hw-offload on, not in effect"));
  ovsOf(world).hwOffload = false;
  assert.deepEqual(undeclared(world), error("hw-offload off"));
  assert.match(
    adviceOf(found(world, vfLagSpec)),
    /^add `ovs: \{\}` to the spec, then vflag apply; or ovs-vsctl set .*:hw-offload=true && systemctl restart /,
  );
  assert.deepEqual(found(world, sriov), []);
  bondBridge(world).datapathType = "netdev";
  assert.deepEqual(undeclared(world), []);
  bondBridge(world).datapathType = "system";
  ovsOf(world).running = false;
  assert.deepEqual(undeclared(world), []);
  world.state.ovs = { unknown: "this command does not look at it" };
  assert.deepEqual(undeclared(world), []);
});

test("it is set; what then lacks needs a restart, which is done only when allowed", async () => {
  const world = await host("ovs-offload-off");
  assert.deepEqual(brief(found(world)), ["ovs-hw-offload error actions: hw-offload off"]);
  await apply(world);
  const left = found(world);
  assert.deepEqual(
    left.map(({ requirement }) => requirement),
    ["ovs-ingress-blocks"],
  );
  assert.match(
    adviceOf(left),
    /--restart-ovs, or systemctl restart openvswitch-switch\.service: it interrupts the traffic of all guests/,
  );
  assert.deepEqual(await apply(world, wanted, restart), ["restart-ovs"]);
  assert.deepEqual(found(world), []);
});

test("set, but the daemon was started before", async () => {
  const world = await host("ovs-offload-off", "ovs-reads-at-start");
  await apply(world);
  assert.deepEqual(brief(found(world)), [
    "ovs-hw-offload error person: set on, but ovs-vswitchd still works with it off: it was started before",
  ]);
  await apply(world, wanted, restart);
  assert.deepEqual(found(world), []);
});

test("what cannot be told is unknown; before there is any port it is a warning", async () => {
  const world = await host();
  ovsOf(world).offloadInEffect = { unknown: "nothing shows it" };
  assert.deepEqual(brief(found(world)), [
    "ovs-hw-offload unknown person: it cannot be told whether it works: nothing shows it",
  ]);
  const port = { name: "tap0", port: "tap0", type: "", error: "gone", ifaceId: null };
  ovsOf(world).bridges = [
    {
      name: "br-ex",
      datapathType: "system",
      interfaces: [
        { ...port, ofport: -1 },
        { ...port, ofport: 1 },
      ],
    },
  ];
  assert.equal(found(world)[0]?.severity, "unknown");
  ovsOf(world).bridges[0]?.interfaces.pop();
  assert.deepEqual(
    found(world).map(({ requirement, severity }) => [requirement, severity]),
    [
      ["ovs-hw-offload", "warning"],
      ["ovs-bridge", "warning"],
    ],
  );
});

test("who declares it off gets it off, with a warning until the daemon follows", async () => {
  const world = await host();
  const off = withOvs("hwOffload: false");
  assert.deepEqual(brief(found(world, off)), ["ovs-hw-offload warning actions: hw-offload on"]);
  assert.deepEqual(actionsOf(found(world, off)), [
    { kind: "set-ovs", source: ovsOf(world).source, key: "hw-offload", value: "false" },
  ]);
  await apply(world, off);
  assert.deepEqual(brief(found(world, off)), [
    "ovs-hw-offload warning person: set off, but ovs-vswitchd still works with it on: it was started before",
  ]);
  await apply(world, off, restart);
  assert.deepEqual(found(world, off), []);
  assert.deepEqual(observeWorld(world).ingressQdiscs, []);
});

test("a port of the NIC that hw-offload-priority leaves out is an error; the bridge's own is not", async () => {
  const world = await host();
  const bond = ovsOf(world)
    .bridges.flatMap(({ interfaces }) => interfaces)
    .find(({ name }) => name === "bond0");
  assert.ok(bond !== undefined);
  const table = { tc: [], "tc,dpdk": [], "dpdk,tc": [], "tc,none": [], none: [1], "none,tc": [1], dpdk: [1] };
  for (const [priority, errors] of Object.entries(table)) {
    bond.offloadPriority = priority;
    const expected = `ovs-hw-offload error person: hw-offload-priority ${priority}: none of its flows is offloaded`;
    assert.deepEqual(
      brief(found(world)),
      errors.map(() => expected),
      priority,
    );
  }
  assert.match(
    adviceOf(found(world)),
    /^ovs-vsctl remove Interface bond0 other_config hw-offload-priority; then restart/,
  );
  bond.offloadPriority = null;
  for (const port of ovsOf(world).bridges.flatMap(({ interfaces }) => interfaces))
    if (port.type !== "") port.offloadPriority = "none";
  assert.deepEqual(brief(found(world)), []);
});

test("a representor's port counts as the NIC's, on the kernel's datapath", async () => {
  const world = await host();
  const [bridge] = ovsOf(world).bridges;
  assert.ok(bridge !== undefined);
  const port = { name: "ens3f0npf0vf1", port: "tap1", type: "", ofport: 3, error: null, ifaceId: null };
  bridge.interfaces.push({ ...port, offloadPriority: "none" });
  assert.deepEqual(
    found(world).map(({ requirement, subject }) => [requirement, subject]),
    [["ovs-hw-offload", "ens3f0npf0vf1"]],
  );
  bridge.datapathType = "netdev";
  assert.deepEqual(found(world), []);
  bridge.datapathType = "system";
  // Of a card that the spec does not declare.
  for (const representor of world.state.representors) representor.pf = pciAddress("0000:5d:00.0");
  assert.deepEqual(checkHost(ovsHwOffload, wanted, world), []);
});
