import assert from "node:assert/strict";
import { test } from "node:test";
import { eswitchMode } from "../../../src/requirements/eswitch/eswitch-mode.ts";
import { afterEarly, spec, vfLagSpec } from "../../support/hosts.ts";
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
    assert.ok(adviceOf(found).includes(`VF 0 (${vf.address}) in use by process 4711 (qemu-kvm)`));
  });
}

test("a port that carries the host's own traffic is not moved: the early stage does it before networking", async () => {
  const world = await afterEarly(vfLagSpec);
  Object.assign(pfOf(world, 0), { users: [{ kind: "netdev", name: "storage", type: "vlan" }] });
  const found = check(eswitchMode, sriov, world);
  assert.deepEqual(
    found.map(({ remedy }) => remedy.kind),
    ["reboot", "actions"],
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
