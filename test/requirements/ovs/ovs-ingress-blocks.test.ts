import assert from "node:assert/strict";
import { test } from "node:test";
import { network, reboot } from "../../../src/host/simulated/events.ts";
import { inject } from "../../../src/host/simulated/faults.ts";
import { known } from "../../../src/host/state/observed.ts";
import { ovsIngressBlocks } from "../../../src/requirements/ovs/ovs-ingress-blocks.ts";
import { afterEarly } from "../../support/hosts.ts";
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
  unlessOffload,
  wanted,
} from "./open-vswitch.ts";

test("it is asked where Open vSwitch shall offload", () => {
  assert.deepEqual(reasons(ovsIngressBlocks), unlessOffload);
});

test("the bond and both ports have one block, or it is an error that names who has what", async () => {
  const names = ["bond0", "ens3f0", "ens3f1"];
  for (const name of names) {
    const world = await host();
    const qdiscs = known(world.state.ingressQdiscs) ?? [];
    const qdisc = qdiscs.find(({ netdev }) => netdev === name);
    assert.ok(qdisc?.block != null);
    const shared = qdisc.block;
    for (const block of [null, shared + 1]) {
      qdisc.block = block;
      const blocks = names.map((each) => `${each} ${each === name ? (block ?? "without") : shared}`);
      assert.deepEqual(brief(found(world)), [
        `ovs-ingress-blocks error person: ingress blocks: ${blocks.join(", ")}`,
      ]);
    }
  }
});

test("where none of them has a block, there is none to share", async () => {
  const world = await host();
  for (const qdisc of known(world.state.ingressQdiscs) ?? []) qdisc.block = null;
  assert.deepEqual(brief(found(world)), [
    "ovs-ingress-blocks error person: ingress blocks: bond0 without, ens3f0 without, ens3f1 without",
  ]);
});

test("without an answer of the kernel it is unknown; without a bond in a bridge there is nothing to share", async () => {
  const world = await host();
  world.state.ingressQdiscs = { unknown: "no netlink" };
  assert.deepEqual(brief(found(world)), ["ovs-ingress-blocks unknown person: no netlink"]);
  for (const bridge of ovsOf(world).bridges)
    bridge.interfaces = bridge.interfaces.filter(({ name }) => name !== "bond0");
  assert.deepEqual(
    found(world).map(({ requirement }) => requirement),
    ["ovs-bridge"],
  );
});

test("before it offloads or the bond is made, on another datapath, and without a port, no block is missed", async () => {
  assert.deepEqual(checkHost(ovsIngressBlocks, wanted, await afterEarly(wanted)), []);
  const lacking = () => host("ingress-block-missing");
  assert.equal(checkHost(ovsIngressBlocks, wanted, await lacking()).length, 1);
  const off = await lacking();
  ovsOf(off).offloadInEffect = false;
  assert.deepEqual(checkHost(ovsIngressBlocks, wanted, off), []);
  const netdev = await lacking();
  bondBridge(netdev).datapathType = "netdev";
  assert.deepEqual(checkHost(ovsIngressBlocks, wanted, netdev), []);
  const alone = await lacking();
  inject(alone, "slave-missing");
  assert.deepEqual(checkHost(ovsIngressBlocks, wanted, alone), []);
});

test("a reboot gives the blocks anew", async () => {
  const world = await host("ingress-block-missing");
  reboot(world);
  network(world);
  assert.deepEqual(found(world), []);
});

test("a restart that does not help is not repeated", async () => {
  const world = await host("ovs-forgets-bond", "ingress-block-missing");
  assert.deepEqual(await apply(world, wanted, restart), ["restart-ovs"]);
  assert.deepEqual(
    found(world).map(({ requirement }) => requirement),
    ["ovs-ingress-blocks"],
  );
});

test("in a container it is the container that is restarted", async () => {
  const world = await host("ingress-block-missing");
  ovsOf(world).source = { kind: "container", engine: "docker", name: "openvswitch_vswitchd" };
  assert.match(adviceOf(found(world)), /docker restart openvswitch_vswitchd: it interrupts/);
  assert.match(
    adviceOf(found(world)),
    /docker exec openvswitch_vswitchd ovs-vsctl del-port br-ex bond0 -- add-port br-ex bond0/,
  );
  assert.deepEqual(actionsOf(found(world, wanted, restart)), [
    { kind: "restart-ovs", source: ovsOf(world).source },
  ]);
});
