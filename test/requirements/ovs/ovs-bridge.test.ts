import assert from "node:assert/strict";
import { test } from "node:test";
import { ovsBridge } from "../../../src/requirements/ovs/ovs-bridge.ts";
import { afterEarly, booted, fresh, spec, vfLagSpec } from "../../support/hosts.ts";
import { adviceOf, netdevOf } from "../view.ts";
import { bondBridge, brief, found, host, ovsOf, reasons, unlessOvs, wanted } from "./open-vswitch.ts";

test("it is asked where the spec speaks of Open vSwitch and a NIC has flows", () => {
  assert.deepEqual(reasons(ovsBridge), unlessOvs);
});

test("a bond in no bridge is a warning, in a Linux bridge or on the userspace datapath an error", async () => {
  const world = await host();
  const external = bondBridge(world);
  external.datapathType = "netdev";
  assert.deepEqual(brief(found(world)), ["ovs-bridge error person: in br-ex, whose datapath is netdev"]);
  assert.match(adviceOf(found(world)), /^ovs-vsctl set bridge br-ex datapath_type=system: /);
  external.interfaces = [];
  assert.deepEqual(brief(found(world)), ["ovs-bridge warning person: in no bridge"]);
  assert.match(adviceOf(found(world)), /^ovs-vsctl add-port BRIDGE bond0, /);
  world.state.netdevs.push({ ...netdevOf(world, "br-int"), name: "br-lan", kind: "bridge", index: 99 });
  netdevOf(world, "bond0").master = "br-lan";
  assert.deepEqual(brief(found(world)), ["ovs-bridge error person: in the Linux bridge br-lan"]);
  assert.match(adviceOf(found(world)), /^take bond0 out of the Linux bridge br-lan, /);
});

test("whether OVS-DPDK or OVS-DOCA offloads by itself is not known", async () => {
  for (const key of ["dpdk", "doca"] as const) {
    const world = await host();
    bondBridge(world).datapathType = "netdev";
    ovsOf(world)[key] = true;
    assert.deepEqual(
      brief(found(world)),
      ["ovs-bridge unknown person: in br-ex, whose datapath is netdev"],
      key,
    );
  }
});

test("a bond that networking has not made yet is not missed", async () => {
  const world = await afterEarly(vfLagSpec);
  bondBridge(world).interfaces = [];
  assert.deepEqual(found(world), []);
});

test("in mode switchdev one port in a bridge is enough", async () => {
  const switchdev = {
    ...wanted,
    nics: spec("{version: 1, nics: [{name: data, mode: switchdev, ports: [ens3f0, ens3f1], vfs: 2}]}").nics,
  };
  const world = await booted(switchdev, fresh([{ model: "ConnectX-5", ports: 2 }]));
  assert.deepEqual(brief(found(world, switchdev)), ["ovs-bridge warning person: in no bridge"]);
  const uplink = { name: "ens3f1", port: "ens3f1", type: "", ofport: 2, error: null, ifaceId: null };
  ovsOf(world).bridges[0]?.interfaces.push(uplink);
  assert.deepEqual(found(world, switchdev), []);
});
