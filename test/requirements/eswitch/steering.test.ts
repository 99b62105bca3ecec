import assert from "node:assert/strict";
import { test } from "node:test";
import { inject } from "../../../src/host/simulated/faults.ts";
import { SimulatedHost } from "../../../src/host/simulated/host.ts";
import { known } from "../../../src/host/state/observed.ts";
import { reconcile } from "../../../src/reconcile/reconcile.ts";
import { steering } from "../../../src/requirements/eswitch/steering.ts";
import { afterEarly, booted, fresh, spec } from "../../support/hosts.ts";
import { actionsOf, adviceOf, brief, check, pfOf } from "../view.ts";
import { pf, plain, switchdevWith, testWayThroughLegacy } from "./through-legacy.ts";

const dmfs = switchdevWith("steering: dmfs");
const smfs = switchdevWith("steering: smfs");

testWayThroughLegacy("steering", steering, dmfs, { kind: "set-steering", pf, steering: "dmfs" });

test("another mode is an error that says which it is", () => {
  assert.deepEqual(brief(check(steering, dmfs, fresh())), [
    { actual: "steering mode smfs", severity: "error", remedy: "actions" },
  ]);
});

test("smfs in switchdev mode: the card is asked first whether it can, and what it refused is not asked again", async () => {
  const world = await booted(dmfs);
  const [question] = actionsOf(check(steering, smfs, world));
  assert.deepEqual(question, { kind: "ask-steering", pf, steering: "smfs" });
  inject(world, "no-smfs");
  await assert.rejects(new SimulatedHost(world).perform({ kind: "ask-steering", pf, steering: "smfs" }), {
    code: "EOPNOTSUPP",
  });
  const found = check(steering, smfs, world);
  assert.deepEqual([actionsOf(found), found.map(({ lasting }) => lasting)], [[], [true]]);
  assert.deepEqual(brief(found), [
    {
      actual:
        'steering mode dmfs: the card refuses it ("Software managed steering is not supported by current device.")',
      severity: "error",
      remedy: "person",
    },
  ]);
  assert.match(adviceOf(found), /drop `steering` from the spec: this card cannot do it/);
  // Another firmware may.
  for (const port of world.state.pfs) port.firmware = "22.99.1000";
  assert.equal(actionsOf(check(steering, smfs, world)).length, 7);
});

test("a driver without the parameter, and a kernel that shows no value for it, are left alone", async () => {
  const world = await booted(plain);
  const eswitch = known(pfOf(world).eswitch);
  assert.ok(eswitch != null);
  eswitch.steering = null;
  const [without, ...more] = check(steering, dmfs, world);
  assert.deepEqual([without?.lasting, more], [true, []]);
  assert.deepEqual(brief(check(steering, dmfs, world)), [
    { actual: "the driver has no flow_steering_mode", severity: "error", remedy: "person" },
  ]);
  inject(world, "steering-without-value");
  assert.deepEqual(brief(check(steering, dmfs, world)), [
    {
      actual: "the kernel shows flow_steering_mode without a value",
      severity: "unknown",
      remedy: "person",
    },
  ]);
});

test("a run that was killed on the way through legacy mode is gone on with: the NIC ends in switchdev mode, also where it refuses the option", async () => {
  const both = (option: string) =>
    spec(
      `{version: 1, nics: [{name: data, mode: switchdev, ports: [ens3f0, ens3f1], vfs: 1, eswitch: {${option}}}]}`,
    );
  const world = await afterEarly(both(""), fresh([{ model: "ConnectX-4 Lx", ports: 2 }], "renames-ports"));
  const host = new SimulatedHost(world);
  // As the run left it that was killed.
  await host.perform({ kind: "set-eswitch-mode", pf: pfOf(world).address, mode: "legacy" });
  const [outcome] = await reconcile(host, both("steering: smfs"), { stages: ["early"] });
  assert.deepEqual(
    world.state.pfs.map((port) => known(port.eswitch)?.mode),
    ["switchdev", "switchdev"],
  );
  assert.deepEqual(
    outcome?.left
      .filter(({ requirement }) => requirement !== "pf-name")
      .map(({ requirement }) => requirement),
    ["steering", "steering"],
  );
});
