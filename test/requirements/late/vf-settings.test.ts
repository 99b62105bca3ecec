import assert from "node:assert/strict";
import { test } from "node:test";
import type { World } from "../../../src/host/simulated/world.ts";
import type { VfSettings } from "../../../src/host/state/state.ts";
import { vfSettings } from "../../../src/requirements/late/vf-settings.ts";
import { booted, spec } from "../../support/hosts.ts";
import { actionsOf, adviceOf, brief, check, hold, pfOf, uplinkOf, vfOf } from "../view.ts";

const addressed = spec(`
version: 1
nics:
  - {name: data, mode: switchdev, ports: [ens3f0, ens3f1], vfs: 2, vfSettings: {mac: "02:5D:00:00:{port}:{vf}"}}
`);
const trusted = sriovWith("{trust: true, spoofCheck: false}");

function sriovWith(settings: string) {
  return spec(
    `{version: 1, nics: [{name: data, mode: sriov, ports: [ens3f0], vfs: 2, vfSettings: ${settings}}]}`,
  );
}

/** One setting of a VF becomes another behind vflag's back. */
function change(world: World, port: number, index: number, settings: Partial<VfSettings>): void {
  Object.assign(vfOf(world, port, index).settings, settings);
}

/** The first VF of the second port gets its declared address. */
function setAddress(world: World) {
  return {
    kind: "set-vf-settings",
    netdev: "ens3f1",
    index: uplinkOf(world, 1).index,
    vf: 0,
    settings: { mac: "02:5d:00:00:01:00" },
  };
}

test("a VF whose address is another is given its own, by port and number", async () => {
  const world = await booted(addressed);
  assert.deepEqual(check(vfSettings, addressed, world), []);
  change(world, 1, 0, { mac: "02:00:00:00:00:99" });
  vfOf(world, 1, 0).driver = null;
  assert.deepEqual(actionsOf(check(vfSettings, addressed, world)), [setAddress(world)]);
});

test("one that is bound to the NIC's driver is unbound for it, because it takes its address when it is bound", async () => {
  const world = await booted(addressed);
  change(world, 1, 0, { mac: "02:00:00:00:00:99" });
  const vf = vfOf(world, 1, 0);
  const unbind = { kind: "unbind-vf", pf: pfOf(world, 1).address, vf: vf.address, driver: "mlx5_core" };
  assert.deepEqual(actionsOf(check(vfSettings, addressed, world)), [unbind, setAddress(world)]);
  vf.driver = "vfio-pci";
  assert.deepEqual(actionsOf(check(vfSettings, addressed, world)), [setAddress(world)]);
});

test("only what is off is set", async () => {
  const world = await booted(trusted);
  change(world, 0, 1, { trust: false });
  const found = check(vfSettings, trusted, world);
  assert.deepEqual(brief(found), [{ actual: "trust off", severity: "error", remedy: "actions" }]);
  assert.deepEqual(actionsOf(found), [
    {
      kind: "set-vf-settings",
      netdev: "ens3f0",
      index: uplinkOf(world).index,
      vf: 1,
      settings: { trust: true },
    },
  ]);
});

test("a VF in use belongs to the orchestrator: its address is not looked at", async () => {
  const world = await booted(addressed);
  change(world, 0, 0, { mac: "fa:16:3e:00:00:01" });
  change(world, 0, 1, { mac: "fa:16:3e:00:00:02" });
  hold(vfOf(world, 0, 0));
  vfOf(world, 0, 1).holders = { unknown: "/proc could not be read" };
  assert.deepEqual(check(vfSettings, addressed, world), []);
});

test("settings that could not be seen are not known, and a person is told how to look", async () => {
  const world = await booted(addressed);
  vfOf(world, 1, 1).settings = { unknown: "the kernel told of 1 VF only" };
  const found = check(vfSettings, addressed, world);
  assert.deepEqual(brief(found), [
    { actual: "the kernel told of 1 VF only", severity: "unknown", remedy: "person" },
  ]);
  assert.ok(adviceOf(found).includes("ip link show ens3f1"));
});

test("settings that could not be seen do not matter where none are declared", async () => {
  const quiet = sriovWith("{}");
  const world = await booted(quiet);
  vfOf(world, 0, 0).settings = { unknown: "the kernel told of 1 VF only" };
  assert.deepEqual(check(vfSettings, quiet, world), []);
});

test("a port without a netdev has nobody to ask, and is another requirement's affair", async () => {
  const byAddress = spec(`
version: 1
nics:
  - {name: data, mode: sriov, ports: [{address: "0000:37:00.0"}], vfs: 2, vfSettings: {trust: true}}
`);
  const world = await booted(byAddress);
  change(world, 0, 0, { trust: false });
  pfOf(world).netdev = null;
  assert.deepEqual(check(vfSettings, byAddress, world), []);
});

test("a VF that has another address than its PF administers is for a person: vflag does not bind it again and again", async () => {
  const world = await booted(addressed);
  const { address } = vfOf(world, 0, 1);
  const netdev = world.state.netdevs.find((candidate) => candidate.device === address);
  assert.equal(netdev?.mac, "02:5d:00:00:00:01");
  Object.assign(netdev, { mac: "3a:c0:00:00:00:07" });
  const found = check(vfSettings, addressed, world);
  assert.deepEqual(brief(found), [{ actual: "MAC 3a:c0:00:00:00:07", severity: "error", remedy: "person" }]);
  assert.ok(adviceOf(found).includes(`echo ${address} > /sys/bus/pci/drivers/mlx5_core/unbind`));
});

test("in mode sriov a VF that switchdev left without a link gets one, unless it is declared to have none", async () => {
  for (const [declared, actions] of [
    ["{}", 1],
    ["{linkState: disable}", 0],
  ] as const) {
    const world = await booted(sriovWith(declared));
    change(world, 0, 0, { linkState: "disable" });
    change(world, 0, 1, { linkState: declared === "{}" ? "auto" : "disable" });
    const set = {
      kind: "set-vf-settings",
      netdev: "ens3f0",
      index: uplinkOf(world).index,
      vf: 0,
      settings: { linkState: "auto" },
    };
    assert.deepEqual(actionsOf(check(vfSettings, sriovWith(declared), world)), Array(actions).fill(set));
  }
});
