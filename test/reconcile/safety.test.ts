import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Action } from "../../src/host/action.ts";
import { known } from "../../src/host/observed.ts";
import { observeWorld } from "../../src/host/simulated/host.ts";
import type { World } from "../../src/host/simulated/world.ts";
import type { Holder } from "../../src/host/state.ts";
import { pciAddress } from "../../src/host/values.ts";
import { forbidden, needsLastLook } from "../../src/reconcile/safety.ts";
import { afterEarly, spec } from "../support/hosts.ts";

/** DESIGN 6, points 1 and 2: for every kind of action, on which host it is done and on which it is not. */

const sriov = spec("{version: 1, nics: [{name: data, mode: sriov, ports: [ens3f0, ens3f1], vfs: 2}]}");
const pf = pciAddress("0000:37:00.0");
const vf = pciAddress("0000:37:00.2");

const actions: { readonly [Kind in Action["kind"]]: Extract<Action, { kind: Kind }> } = {
  "set-vf-autoprobe": { kind: "set-vf-autoprobe", pf, on: true },
  "set-vf-count": { kind: "set-vf-count", pf, count: 0 },
  "unbind-vf": { kind: "unbind-vf", pf, vf, driver: "mlx5_core" },
  "bind-vf": { kind: "bind-vf", pf, vf, driver: "mlx5_core" },
  "set-steering": { kind: "set-steering", pf, steering: "dmfs" },
  "set-inline": { kind: "set-inline", pf, inline: "none" },
  "set-encap": { kind: "set-encap", pf, encap: false },
  "set-eswitch-mode": { kind: "set-eswitch-mode", pf, mode: "switchdev" },
  "ask-steering": { kind: "ask-steering", pf, steering: "smfs" },
  "ask-eswitch-mode": { kind: "ask-eswitch-mode", pf, mode: "legacy" },
  "set-tc-offload": { kind: "set-tc-offload", netdev: "ens3f0", on: true },
  "set-channels": { kind: "set-channels", netdev: "ens3f0", combined: 4 },
  "set-vf-settings": { kind: "set-vf-settings", netdev: "ens3f0", vf: 0, settings: { trust: true } },
  "activate-lag": { kind: "activate-lag", pf, seconds: 10 },
  "set-firmware": { kind: "set-firmware", pf, tool: "mstconfig", settings: { NUM_OF_VFS: "16" } },
  "write-file": { kind: "write-file", path: "/etc/modprobe.d/vflag.conf", text: "", render: "vflag.conf", reload: null },
  "remove-file": { kind: "remove-file", path: "/etc/modprobe.d/vflag.conf", reload: null },
  "enable-unit": { kind: "enable-unit", unit: "vflag-early.service", reload: true },
  "disable-unit": { kind: "disable-unit", unit: "vflag-early.service", reload: true },
  "set-ovs": { kind: "set-ovs", source: { kind: "native", unit: null }, key: "hw-offload", value: "true" },
  "restart-ovs": { kind: "restart-ovs", source: { kind: "native", unit: null } },
  "del-ovs-port": { kind: "del-ovs-port", source: { kind: "native", unit: null }, bridge: "br-int", port: "ens3f0npf0vf99" },
  "update-boot-loader": { kind: "update-boot-loader" },
  "set-kernel-arguments": { kind: "set-kernel-arguments", add: ["iommu=pt"], remove: [] },
};
type Kind = keyof typeof actions;

/** In legacy mode, in no bond, the first VF bound to its driver and free. */
const free: Change = () => {};
const enslaved: Change = ({ netdev }) => Object.assign(netdev, { master: "bond0" });
const held: Change = ({ first }) => heldBy(first, { kind: "process", pid: 4711, command: "qemu-kvm" });
const inContainer: Change = ({ first }) => heldBy(first, { kind: "namespace", name: "cni-5a1e" });
const perhapsHeld: Change = ({ first }) => Object.assign(first, { holders: { unknown: "/proc could not be read" } });
const otherHeld: Change = ({ second }) => heldBy(second, { kind: "process", pid: 4712, command: "qemu-kvm" });
/** Whoever was seen with it before has it no longer: without a driver nobody reaches a VF. */
const unbound: Change = ({ first }) => Object.assign(first, { driver: null, holders: { unknown: "/proc could not be read" } });
const sameMode: Change = ({ port }) => Object.assign(port.eswitch ?? {}, { mode: "switchdev" });
const otherPortEnslaved: Change = ({ world }) => Object.assign(netdevOf(world, "ens3f1"), { master: "bond0" });
const gone: Change = ({ world }) => {
  world.state.pfs = world.state.pfs.filter(({ address }) => address !== pf);
  world.state.netdevs = world.state.netdevs.filter(({ name }) => name !== "ens3f0");
};

type Change = (parts: Awaited<ReturnType<typeof host>>) => unknown;

async function host() {
  const world = await afterEarly(sriov);
  const [port] = world.state.pfs;
  const [first, second] = port?.vfs ?? [];
  assert.ok(port !== undefined && first !== undefined && second !== undefined);
  assert.equal(first.address, vf);
  for (const bound of [first, second]) bound.driver = "mlx5_core";
  return { world, port, first, second, netdev: netdevOf(world, "ens3f0") };
}

function netdevOf({ state }: World, name: string) {
  const found = state.netdevs.find((netdev) => netdev.name === name);
  assert.ok(found !== undefined);
  return found;
}

function heldBy(target: { holders: unknown }, holder: Holder): void {
  target.holders = [holder];
}

async function answer(kind: Kind, change: Change): Promise<string | null> {
  const parts = await host();
  change(parts);
  return forbidden(actions[kind], observeWorld(parts.world));
}

const eswitchOptions: Kind[] = ["set-steering", "set-inline", "set-encap"];
const harmless: Kind[] = [
  "ask-steering",
  "set-vf-autoprobe",
  "bind-vf",
  "set-tc-offload",
  "set-vf-settings",
  "activate-lag",
  "set-firmware",
];
const qemu = `VF 0 (${vf}) in use by process 4711 (qemu-kvm)`;
const container = `VF 0 (${vf}) in use by network namespace cni-5a1e`;
const perhaps = `VF 0 (${vf}) perhaps in use (/proc could not be read)`;
const other = "VF 1 (0000:37:00.3) in use by process 4712 (qemu-kvm)";
const bonded = `ens3f0 (${pf}) is in bond0`;
const there = "it is no longer there";

const rows: readonly [host: string, change: Change, kinds: readonly Kind[], answer: string | null][] = [
  ["a free host", free, Object.values(actions).map(({ kind }) => kind), null],
  ["a port in a bond", enslaved, ["set-vf-count", "set-eswitch-mode", "ask-eswitch-mode", ...eswitchOptions], bonded],
  ["a port in a bond", enslaved, [...harmless, "unbind-vf", "set-channels"], null],
  ["only the other port in a bond", otherPortEnslaved, Object.values(actions).map(({ kind }) => kind), null],
  ["a VF in use by a guest", held, ["set-vf-count", "set-eswitch-mode", "unbind-vf"], qemu],
  ["a VF in use by a guest", held, [...harmless, ...eswitchOptions, "set-channels"], null],
  ["a VF in a container", inContainer, ["set-vf-count", "set-eswitch-mode", "unbind-vf"], container],
  ["a VF that may be in use", perhapsHeld, ["set-vf-count", "set-eswitch-mode", "unbind-vf"], perhaps],
  ["another VF in use", otherHeld, ["set-vf-count", "set-eswitch-mode"], other],
  ["another VF in use", otherHeld, ["unbind-vf"], null],
  ["a VF without a driver", unbound, ["set-vf-count", "set-eswitch-mode", "unbind-vf"], null],
  ["the mode that is there", sameMode, ["set-eswitch-mode"], `the eSwitch of ens3f0 (${pf}) is in switchdev mode already`],
  ["the mode that is there", sameMode, ["set-vf-count", ...eswitchOptions], null],
  ["another mode than was asked about", sameMode, ["ask-eswitch-mode"], `the eSwitch of ens3f0 (${pf}) is not in legacy mode any more`],
  ["a port that is gone", gone, ["set-vf-count", "set-eswitch-mode", "ask-eswitch-mode", ...eswitchOptions], there],
  ["a port that is gone", gone, [...harmless, "unbind-vf", "set-channels"], null],
];

describe("the last look before an action", () => {
  for (const [name, change, kinds, expected] of rows) {
    for (const kind of kinds) {
      test(`${name}: ${kind} is ${expected === null ? "done" : "not done"}`, async () =>
        assert.equal(await answer(kind, change), expected));
    }
  }

  test("all VFs in use are named, and the bond comes first", async () => {
    const both: Change = (parts) => [held(parts), otherHeld(parts)];
    assert.equal(await answer("set-vf-count", both), `${qemu}; ${other}`);
    assert.equal(await answer("set-eswitch-mode", (parts) => [both(parts), enslaved(parts)]), bonded);
  });

  test("a port of Open vSwitch is taken out only where its netdev is gone and it is nobody's", async () => {
    const { world } = await host();
    const take = () => forbidden(actions["del-ovs-port"], observeWorld(world));
    const port = { name: "ens3f0npf0vf99", port: "ens3f0npf0vf99", type: "", ofport: -1, error: "gone", ifaceId: null };
    known(world.state.ovs)?.bridges[0]?.interfaces.push(port);
    assert.equal(take(), null);
    known(world.state.ovs)?.bridges[0]?.interfaces.push({ ...port, ifaceId: "0f2c" });
    assert.equal(take(), "ens3f0npf0vf99 belongs to Neutron port 0f2c");
    Object.assign(netdevOf(world, "ens3f1"), { name: port.name });
    assert.equal(take(), "ens3f0npf0vf99 exists");
  });

  test("channels of a representor are set, whatever it is in", async () => {
    const { world, netdev } = await host();
    world.state.netdevs.push({ ...netdev, name: "ens3f0npf0vf0", index: 99, master: "ovs-system" });
    assert.equal(forbidden({ ...actions["set-channels"], netdev: "ens3f0npf0vf0" }, observeWorld(world)), null);
  });

  test("what can cut somebody off is looked at once more right before it is done", () => {
    const looked: Kind[] = ["set-vf-count", "set-eswitch-mode", "unbind-vf", "del-ovs-port", ...eswitchOptions];
    for (const kind of looked) assert.equal(needsLastLook(actions[kind]), true, kind);
    for (const kind of harmless) assert.equal(needsLastLook(actions[kind]), false, kind);
  });
});
