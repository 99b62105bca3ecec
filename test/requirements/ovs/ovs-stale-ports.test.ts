import assert from "node:assert/strict";
import { test } from "node:test";
import type { OvsInterface } from "../../../src/host/ovs/ovs.ts";
import type { World } from "../../../src/host/simulated/world.ts";
import { pciAddress } from "../../../src/host/state/values.ts";
import { ovsStalePorts } from "../../../src/requirements/ovs/ovs-stale-ports.ts";
import { fresh } from "../../support/hosts.ts";
import { actionsOf, adviceOf } from "../view.ts";
import { apply, found, host, ovsOf, reasons, unlessOvs } from "./open-vswitch.ts";

const dead = (name: string, more: Partial<OvsInterface> = {}): OvsInterface => {
  return {
    name,
    port: name,
    type: "",
    ofport: -1,
    error: `could not open network device ${name} (No such device)`,
    ifaceId: null,
    ...more,
  };
};

async function withPorts(...ports: OvsInterface[]): Promise<World> {
  const world = await host();
  ovsOf(world).bridges[0]?.interfaces.push(...ports);
  return world;
}

test("it is asked where the spec speaks of Open vSwitch and a NIC has flows", () => {
  assert.deepEqual(reasons(ovsStalePorts), unlessOvs);
});

test("a representor's port that cannot come back, and is nobody's, is taken out", async () => {
  const world = await withPorts(dead("ens3f0npf0vf99"), dead("ens3f1nc0pf1vf2"));
  assert.deepEqual(
    actionsOf(found(world)).map((action) => action.kind === "del-ovs-port" && action.port),
    ["ens3f0npf0vf99", "ens3f1nc0pf1vf2"],
  );
  await apply(world);
  assert.deepEqual([found(world), world.hidden.harm], [[], []]);
});

test("a port whose representor is called otherwise now cannot come back either", async () => {
  const world = await withPorts(dead("ens3f0nc0pf0vf1"));
  assert.deepEqual(
    actionsOf(found(world)).map((action) => action.kind === "del-ovs-port" && action.port),
    ["ens3f0nc0pf0vf1"],
  );
});

test("a representor that somebody named counts by that name, and may come back", async () => {
  const world = await withPorts(dead("guest1"));
  const [representor] = world.state.representors;
  assert.ok(representor !== undefined);
  representor.netdev = "guest1";
  assert.deepEqual(
    found(world).map(({ subject, severity, remedy }) => [subject, severity, remedy.kind]),
    [["guest1 in br-int", "warning", "person"]],
  );
  // Of a card that the spec does not declare.
  representor.pf = pciAddress("0000:5d:00.0");
  assert.deepEqual(found(world), []);
});

test("one of Neutron's, and one that may come back, are left to a person", async () => {
  const world = await withPorts(dead("ens3f0npf0vf99", { ifaceId: "0f2c" }), dead("ens3f0npf0vf1"));
  world.state.netdevs = world.state.netdevs.filter(({ name }) => name !== "ens3f0npf0vf1");
  assert.deepEqual(
    found(world).map(({ severity, remedy }) => [severity, remedy.kind]),
    [
      ["warning", "person"],
      ["warning", "person"],
    ],
  );
  assert.match(
    adviceOf(found(world)),
    /Neutron port 0f2c: stop and start the guest[\s\S]*if nothing needs it any more: ovs-vsctl --if-exists del-port br-int/,
  );
});

test("one whose netdev is there is an error that a person puts right", async () => {
  const world = await withPorts(dead("ens3f0npf0vf1"));
  assert.deepEqual(
    found(world).map(({ severity, remedy }) => [severity, remedy.kind]),
    [["error", "person"]],
  );
  assert.match(adviceOf(found(world)), /add it anew/);
});

test("a name that means something to a shell is quoted in the words for a person", async () => {
  const world = await withPorts(dead("ens3f0npf0vf1"));
  const [bridge] = ovsOf(world).bridges;
  assert.ok(bridge !== undefined);
  bridge.name = "br;reboot";
  assert.match(adviceOf(found(world)), /del-port 'br;reboot' ens3f0npf0vf1 -- add-port 'br;reboot'/);
});

test("what is not the NIC's, and a bond that networking has still to make, are not its business", async () => {
  const world = await withPorts(
    dead("tap0"),
    dead("ens9f0npf0vf99"),
    dead("ens3f0npf0vf99x"),
    dead("ens3f0npf0vf"),
  );
  assert.deepEqual(found(world), []);
  const early = fresh();
  assert.deepEqual(
    found(early).filter(({ requirement }) => requirement === "ovs-stale-ports"),
    [],
  );
});
