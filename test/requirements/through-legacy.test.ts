import assert from "node:assert/strict";
import { test } from "node:test";
import { inject } from "../../src/host/simulated/faults.ts";
import { SimulatedHost } from "../../src/host/simulated/host.ts";
import { isUnknown } from "../../src/host/state/observed.ts";
import { eswitchEncap } from "../../src/requirements/eswitch/eswitch-encap.ts";
import { eswitchInline } from "../../src/requirements/eswitch/eswitch-inline.ts";
import { steering } from "../../src/requirements/eswitch/steering.ts";
import { booted, fresh, spec } from "../support/hosts.ts";
import { actionsOf, adviceOf, brief, check, hold, pfOf, vfOf } from "./view.ts";

/**
 * Steering and encap take effect on the way to switchdev only: a port that is there goes back to legacy
 * first.
 */

const plain = switchdevWith("");
const dmfs = switchdevWith("steering: dmfs");
const noEncap = switchdevWith("encap: false");
const pf = pfOf(fresh()).address;
const options = [
  {
    name: "steering",
    requirement: steering,
    wanted: dmfs,
    set: { kind: "set-steering", pf, steering: "dmfs" },
  },
  { name: "encap", requirement: eswitchEncap, wanted: noEncap, set: { kind: "set-encap", pf, encap: false } },
] as const;

function switchdevWith(option: string) {
  return spec(
    `{version: 1, nics: [{name: data, mode: switchdev, ports: [ens3f0], vfs: 3, eswitch: {${option}}}]}`,
  );
}

for (const { name, requirement, wanted, set } of options) {
  test(`${name}: in legacy mode it is set as it stands`, () => {
    assert.deepEqual(actionsOf(check(requirement, wanted, fresh())), [set]);
  });

  test(`${name}: in switchdev mode VFs are unbound, the mode goes to legacy, and then it is set`, async () => {
    const world = await booted(plain);
    assert.deepEqual(actionsOf(check(requirement, wanted, world)), [
      { kind: "ask-eswitch-mode", pf, mode: "switchdev" },
      ...[0, 1, 2].map((index) => ({
        kind: "unbind-vf",
        pf,
        vf: vfOf(world, 0, index).address,
        driver: "mlx5_core",
      })),
      { kind: "set-eswitch-mode", pf, mode: "legacy" },
      set,
    ]);
  });

  test(`${name}: only VFs that have the NIC's own driver are unbound`, async () => {
    const world = await booted(plain);
    vfOf(world, 0, 0).driver = null;
    vfOf(world, 0, 1).driver = "vfio-pci";
    assert.deepEqual(
      actionsOf(check(requirement, wanted, world)).flatMap((action) =>
        action.kind === "unbind-vf" ? [action.vf] : [],
      ),
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
    assert.ok(
      adviceOf(found).includes(`VF 1 (${vfOf(world, 0, 1).address}) in use by process 4711 (qemu-kvm)`),
    );
  });
}

test("smfs in switchdev mode: the card is asked first whether it can, and what it refused is not asked again", async () => {
  const world = await booted(dmfs);
  const smfs = switchdevWith("steering: smfs");
  const [question] = actionsOf(check(steering, smfs, world));
  assert.deepEqual(question, { kind: "ask-steering", pf, steering: "smfs" });
  inject(world, "no-smfs");
  await assert.rejects(new SimulatedHost(world).perform({ kind: "ask-steering", pf, steering: "smfs" }), {
    code: "EOPNOTSUPP",
  });
  const found = check(steering, smfs, world);
  assert.deepEqual([actionsOf(found), found.map(({ lasting }) => lasting)], [[], [true]]);
  assert.match(adviceOf(found), /drop `steering` from the spec: this card cannot do it/);
  // Another firmware may.
  for (const port of world.state.pfs) port.firmware = "22.99.1000";
  assert.equal(actionsOf(check(steering, smfs, world)).length, 7);
});

test("encap in switchdev mode: where nothing shows that the card can, nothing is taken apart for it", async () => {
  const world = await booted(noEncap);
  const wanted = switchdevWith("encap: true");
  for (const port of world.state.pfs)
    if (!isUnknown(port.eswitch) && port.eswitch !== null) port.eswitch.encap = false;
  assert.deepEqual(
    brief(check(eswitchEncap, wanted, world)).map(({ remedy }) => remedy),
    ["reboot"],
  );
  const other = world.state.pfs[1]?.eswitch ?? assert.fail();
  Object.assign(other, { encap: true });
  assert.equal(actionsOf(check(eswitchEncap, wanted, world)).length, 6);
});

test("the inline mode needs no way through legacy", async () => {
  const world = await booted(plain);
  assert.deepEqual(actionsOf(check(eswitchInline, switchdevWith("inline: link"), world)), [
    { kind: "set-inline", pf, inline: "link" },
  ]);
});

test("what is not declared, or is so already, needs nothing", async () => {
  const world = await booted(plain);
  for (const requirement of [steering, eswitchEncap, eswitchInline]) {
    assert.deepEqual(check(requirement, plain, world), []);
    assert.deepEqual(
      check(requirement, switchdevWith("steering: smfs, encap: true, inline: none"), world),
      [],
    );
  }
});
