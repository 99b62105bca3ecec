import assert from "node:assert/strict";
import { test } from "node:test";
import { eswitchEncap } from "../../src/requirements/eswitch-encap.ts";
import { eswitchInline } from "../../src/requirements/eswitch-inline.ts";
import { steering } from "../../src/requirements/steering.ts";
import { booted, fresh, spec } from "../support/hosts.ts";
import { actionsOf, adviceOf, brief, check, hold, pfOf, vfOf } from "./view.ts";

/** Steering and encap take effect on the way to switchdev only: a port that is there goes back to legacy first. */

const plain = switchdevWith("");
const dmfs = switchdevWith("steering: dmfs");
const noEncap = switchdevWith("encap: false");
const pf = pfOf(fresh()).address;
const options = [
  { name: "steering", requirement: steering, wanted: dmfs, set: { kind: "set-steering", pf, steering: "dmfs" } },
  { name: "encap", requirement: eswitchEncap, wanted: noEncap, set: { kind: "set-encap", pf, encap: false } },
] as const;

function switchdevWith(option: string) {
  return spec(`{version: 1, nics: [{name: data, mode: switchdev, ports: [ens3f0], vfs: 3, eswitch: {${option}}}]}`);
}

for (const { name, requirement, wanted, set } of options) {
  test(`${name}: in legacy mode it is set as it stands`, () => {
    assert.deepEqual(actionsOf(check(requirement, wanted, fresh())), [set]);
  });

  test(`${name}: in switchdev mode VFs are unbound, the mode goes to legacy, and then it is set`, async () => {
    const world = await booted(plain);
    assert.deepEqual(actionsOf(check(requirement, wanted, world)), [
      ...[0, 1, 2].map((index) => ({ kind: "unbind-vf", pf, vf: vfOf(world, 0, index).address, driver: "mlx5_core" })),
      { kind: "set-eswitch-mode", pf, mode: "legacy" },
      set,
    ]);
  });

  test(`${name}: only VFs that have the NIC's own driver are unbound`, async () => {
    const world = await booted(plain);
    vfOf(world, 0, 0).driver = null;
    vfOf(world, 0, 1).driver = "vfio-pci";
    assert.deepEqual(
      actionsOf(check(requirement, wanted, world)).flatMap((action) => (action.kind === "unbind-vf" ? [action.vf] : [])),
      [vfOf(world, 0, 2).address],
    );
  });

  test(`${name}: a VF in use is in the way, and a person is told which`, async () => {
    const world = await booted(plain);
    hold(vfOf(world, 0, 1));
    const found = check(requirement, wanted, world);
    assert.deepEqual(
      brief(found).map(({ severity, remedy }) => [severity, remedy]),
      [["error", "person"]],
    );
    assert.ok(adviceOf(found).includes(`VF 1 (${vfOf(world, 0, 1).address}) in use by process 4711 (qemu-kvm)`));
  });
}

test("the inline mode needs no way through legacy", async () => {
  const world = await booted(plain);
  assert.deepEqual(actionsOf(check(eswitchInline, switchdevWith("inline: link"), world)), [{ kind: "set-inline", pf, inline: "link" }]);
});

test("what is not declared, or is so already, needs nothing", async () => {
  const world = await booted(plain);
  for (const requirement of [steering, eswitchEncap, eswitchInline]) {
    assert.deepEqual(check(requirement, plain, world), []);
    assert.deepEqual(check(requirement, switchdevWith("steering: smfs, encap: true, inline: none"), world), []);
  }
});
