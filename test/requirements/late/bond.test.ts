import assert from "node:assert/strict";
import { test } from "node:test";
import type { OvsInterface } from "../../../src/host/ovs/ovs.ts";
import { inject } from "../../../src/host/simulated/faults.ts";
import type { World } from "../../../src/host/simulated/world.ts";
import { known } from "../../../src/host/state/observed.ts";
import type { Bond } from "../../../src/host/state/state.ts";
import { bond } from "../../../src/requirements/late/bond.ts";
import { afterEarly, booted, fresh, spec, vfLagSpec } from "../../support/hosts.ts";
import { adviceOf, brief, check, netdevOf, pfOf, uplinkOf, whyNotAsked } from "../view.ts";

const look = (world: World) => check(bond, vfLagSpec, world);
const person = (actual: string, severity = "error") => [{ actual, severity, remedy: "person" }];

/** A host that works, but for its bond. */
async function withBond(change: Partial<Bond>): Promise<World> {
  const world = await booted(vfLagSpec);
  Object.assign(world.state.bonds[0] ?? assert.fail(), change);
  return world;
}

test("it is asked in mode vf-lag", () => {
  const switchdev = spec("{version: 1, nics: [{name: data, mode: switchdev, ports: [ens3f0], vfs: 2}]}");
  assert.equal(whyNotAsked(bond, switchdev, fresh()), "mode switchdev has no bond");
  assert.equal(whyNotAsked(bond, vfLagSpec, fresh()), null);
});

test("the modes that can be offloaded need nothing; another is an error that says which it is", async () => {
  for (const mode of ["802.3ad", "active-backup", "balance-xor"])
    assert.deepEqual(look(await withBond({ mode })), [], mode);
  for (const mode of ["balance-rr", "broadcast", "balance-tlb", "balance-alb"])
    assert.deepEqual(brief(look(await withBond({ mode }))), person(`mode ${mode}`));
  assert.match(
    adviceOf(look(await withBond({ mode: "balance-rr" }))),
    /^set the mode of bond0 to 802\.3ad, active-backup or balance-xor in the network configuration/,
  );
});

test("a slave that is not the NIC's, and a port that is not in it, are told by name, both", async () => {
  const third = await booted(vfLagSpec, fresh(), "third-slave");
  assert.deepEqual(brief(look(third)), person("eno1 is in it too"));
  assert.match(adviceOf(look(third)), /^take eno1 out of bond0 .*: ip link set eno1 nomaster$/);
  inject(third, "slave-missing");
  assert.deepEqual(brief(look(third)), [...person("eno1 is in it too"), ...person("ens3f1 is missing")]);
  assert.match(adviceOf(look(third)), /^add ens3f1 to bond0 .*\(was the port renamed\?\)$/m);
  assert.deepEqual(
    look(third).map(({ expected }) => expected),
    ["no slave but ens3f0 and ens3f1", "ens3f0 and ens3f1 in it"],
  );
});

test("one that does not exist yet is networking's to make; where the ports are in another, a person decides", async () => {
  const world = await afterEarly(vfLagSpec);
  assert.deepEqual(brief(look(world)), [
    { actual: "it does not exist yet", severity: "error", remedy: "networking" },
  ]);
  assert.match(adviceOf(look(world)), /^networking makes it \(ifup bond0, .*\); then vflag boot late$/);
  uplinkOf(world, 1).master = "bond7";
  assert.deepEqual(brief(look(world)), person("it does not exist"));
  assert.match(adviceOf(look(world)), /^the ports are in bond7: name that one as `bond`/);
  pfOf(world, 1).netdev = null;
  const byAddress = spec(`{version: 1, nics: [{name: data, mode: vf-lag,
    ports: [{address: "0000:37:00.*"}], vfs: 2, bond: bond0}]}`);
  assert.deepEqual(brief(check(bond, byAddress, world)), [
    { actual: "it does not exist yet", severity: "error", remedy: "networking" },
  ]);
});

test("a netdev of this name that is no bond is told as what it is", async () => {
  const world = await afterEarly(vfLagSpec);
  const netdev = { ...netdevOf(world, "eno1"), name: "bond0", index: 99 };
  world.state.netdevs.push(netdev);
  assert.deepEqual(brief(look(world)), person("a netdev of kind ethernet"));
  netdev.kind = "bridge";
  assert.deepEqual(brief(look(world)), person("a netdev of kind bridge"));
});

test("a team will do; its runner is seen only by the LAG that the NIC makes of it", async () => {
  const world = await booted(vfLagSpec);
  world.state.bonds = [];
  netdevOf(world, "bond0").kind = "team";
  assert.deepEqual(look(world), []);
  pfOf(world).lag = { unknown: "debugfs is not mounted" };
  assert.deepEqual(look(world), []);
  inject(world, "debugfs-missing");
  assert.deepEqual(brief(look(world)), person("a team, whose runner is not seen", "warning"));
  assert.match(adviceOf(look(world)), /^teamdctl bond0 state shows the runner: /);
  uplinkOf(world, 1).master = null;
  assert.deepEqual(brief(look(world)).slice(0, 1), person("ens3f1 is missing"));
});

test("a bond of Open vSwitch's own is none: what takes it apart, and what to make in its place", async () => {
  const world = await afterEarly(vfLagSpec);
  const ovs = known(world.state.ovs);
  const bridge = ovs?.bridges.find(({ name }) => name === "br-ex");
  assert.ok(ovs != null && bridge !== undefined);
  const slave = (name: string): OvsInterface => {
    return { name, port: "ovsbond", type: "", ofport: 2, error: null, ifaceId: null };
  };
  bridge.interfaces = [slave("ens3f0")];
  assert.equal(look(world)[0]?.remedy.kind, "networking");
  bridge.interfaces.push(slave("ens3f1"));
  assert.deepEqual(
    brief(look(world)),
    person("ovsbond in br-ex is a bond of Open vSwitch's own, of which the kernel and the NIC know nothing"),
  );
  assert.match(
    adviceOf(look(world)),
    /ovs-vsctl del-port br-ex ovsbond; let .* make the kernel's bond bond0 of ens3f0 and ens3f1 .* ovs-vsctl add-port br-ex bond0 /,
  );
  ovs.source = { kind: "container", engine: "podman", name: "openvswitch_vswitchd" };
  assert.match(adviceOf(look(world)), /podman exec openvswitch_vswitchd ovs-vsctl del-port br-ex ovsbond/);
});
