import assert from "node:assert/strict";
import { test } from "node:test";
import { SimulatedHost } from "../../../src/host/simulated/host.ts";
import type { World } from "../../../src/host/simulated/world.ts";
import { pciAddress } from "../../../src/host/state/values.ts";
import { reconcile } from "../../../src/reconcile/reconcile.ts";
import { eswitchMode } from "../../../src/requirements/eswitch/eswitch-mode.ts";
import { afterEarly, dualPort, fresh, spec, vfLagSpec } from "../../support/hosts.ts";
import { actionsOf, adviceOf, brief, check, hold, pfOf, vfOf } from "../view.ts";

const sriov = spec("{version: 1, nics: [{name: data, mode: sriov, ports: [ens3f0, ens3f1], vfs: 2}]}");
const modes = ["legacy", "switchdev"] as const;

test("the wanted mode needs nothing, VFs in use or not", async () => {
  const world = await afterEarly(vfLagSpec);
  hold(vfOf(world, 0, 0));
  assert.deepEqual(check(eswitchMode, vfLagSpec, world), []);
});

test("each port in another mode is changed, to legacy in mode sriov", async () => {
  const world = await afterEarly(vfLagSpec);
  assert.deepEqual(
    actionsOf(check(eswitchMode, sriov, world)),
    [0, 1].map((port) => ({ kind: "set-eswitch-mode", pf: pfOf(world, port).address, mode: "legacy" })),
  );
  // Each mode has its own reason.
  assert.match(
    check(eswitchMode, sriov, world)[0]?.why ?? "",
    /^In switchdev mode a VF reaches the network only/,
  );
  assert.equal(check(eswitchMode, vfLagSpec, fresh())[0]?.why, undefined);
});

for (const mode of modes) {
  test(`a port in ${mode} mode with a VF in use is left to a person, who is told which VF and whose`, async () => {
    const world = await afterEarly(mode === "switchdev" ? vfLagSpec : sriov);
    const vf = vfOf(world, 1, 0);
    hold(vf);
    const found = check(eswitchMode, mode === "switchdev" ? sriov : vfLagSpec, world);
    assert.deepEqual(brief(found), [
      { actual: `eSwitch in ${mode} mode`, severity: "error", remedy: "actions" },
      { actual: `eSwitch in ${mode} mode`, severity: "error", remedy: "person" },
    ]);
    assert.equal(
      adviceOf(found.slice(1)),
      `a mode change cuts off VFs in use: VF 0 (${vf.address}) in use by process 4711 (qemu-kvm). ` +
        "Move or stop the guests, then apply again",
    );
  });
}

test("a port that carries the host's own traffic is not moved: the early stage does it before networking", async () => {
  const world = await afterEarly(vfLagSpec);
  Object.assign(pfOf(world, 0), { users: [{ kind: "netdev", name: "storage", type: "vlan" }] });
  const found = check(eswitchMode, sriov, world);
  assert.deepEqual(
    found.map(({ severity, remedy }) => [severity, remedy.kind]),
    [
      ["error", "reboot"],
      ["error", "actions"],
    ],
  );
  assert.match(adviceOf(found), /the host's own traffic off this port \(vlan storage\)/);
});

test("a bound VF of which nobody can tell who uses it is taken for one in use", async () => {
  const world = await afterEarly(vfLagSpec);
  Object.assign(vfOf(world, 0, 1), { driver: "mlx5_core", holders: { unknown: "/proc could not be read" } });
  assert.deepEqual(
    check(eswitchMode, sriov, world).map(({ remedy }) => remedy.kind),
    ["person", "actions"],
  );
});

test("a driver that could not undo a change of mode is asked for nothing, on any port of its card", () => {
  const halfWay = (address: string) => {
    const world = fresh([dualPort, dualPort]);
    const text = `mlx5_core ${address} ens3f1: failed to rollback to orig profile, -12`;
    const line = { seconds: 9, level: 3, device: pciAddress(address), text };
    world.state.kernelLog = { complete: true, omitted: 0, lines: [line] };
    return check(eswitchMode, vfLagSpec, world);
  };
  const found = halfWay("0000:37:00.1");
  assert.deepEqual(
    brief(found),
    [0, 1].map(() => ({ actual: "eSwitch in legacy mode", severity: "error", remedy: "reboot" })),
  );
  assert.match(
    adviceOf(found),
    /could not undo a change of mode that failed \("mlx5_core 0000:37:00\.1 ens3f1: /,
  );
  assert.deepEqual(
    halfWay("0000:5d:00.0").map(({ remedy }) => remedy.kind),
    ["actions", "actions"],
  );
});

/** Neither there nor absent: nothing is done. */
const unseen = { actual: "devlink gave no answer", severity: "unknown", remedy: "person" };

function withUnknownEswitch(port: number): World {
  const world = fresh();
  pfOf(world, port).eswitch = { unknown: "devlink gave no answer" };
  return world;
}

test("an eSwitch that could not be looked at has a mode that is not known, whichever is wanted", () => {
  const on = (mode: string) =>
    spec(`{version: 1, nics: [{name: data, mode: ${mode}, ports: [ens3f0], vfs: 2}]}`);
  for (const mode of ["switchdev", "sriov"])
    assert.deepEqual(brief(check(eswitchMode, on(mode), withUnknownEswitch(0))), [unseen]);
});

test("each port speaks for itself", () => {
  const found = check(eswitchMode, vfLagSpec, withUnknownEswitch(1));
  assert.deepEqual(brief(found), [
    { actual: "eSwitch in legacy mode", severity: "error", remedy: "actions" },
    unseen,
  ]);
});

test("a NIC without an eSwitch is in the mode that sriov wants", () => {
  const world = fresh([{ model: "82576", ports: 2 }]);
  assert.deepEqual(check(eswitchMode, sriov, world), []);
});

test("nothing is done to a NIC whose eSwitch is not known", async () => {
  const [outcome] = await reconcile(new SimulatedHost(withUnknownEswitch(1)), vfLagSpec, {
    stages: ["early"],
  });
  assert.equal(outcome?.status, "stopped");
  assert.deepEqual(outcome?.steps, []);
});
