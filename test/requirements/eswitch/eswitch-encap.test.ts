import assert from "node:assert/strict";
import { test } from "node:test";
import { SimulatedHost } from "../../../src/host/simulated/host.ts";
import type { World } from "../../../src/host/simulated/world.ts";
import { known } from "../../../src/host/state/observed.ts";
import type { Eswitch } from "../../../src/host/state/state.ts";
import { eswitchEncap } from "../../../src/requirements/eswitch/eswitch-encap.ts";
import { booted, dualPort, fresh } from "../../support/hosts.ts";
import { actionsOf, adviceOf, brief, check, pfOf } from "../view.ts";
import { pf, switchdevWith, testWayThroughLegacy } from "./through-legacy.ts";

const on = switchdevWith("encap: true");
const off = switchdevWith("encap: false");

testWayThroughLegacy("encap", eswitchEncap, off, { kind: "set-encap", pf, encap: false });

/** The eSwitches of a card. */
function setEncap(world: World, encap: Eswitch["encap"], first = 0): World {
  for (const port of world.state.pfs.slice(first, first + 2))
    Object.assign(known(port.eswitch) ?? {}, { encap });
  return world;
}

test("another mode is an error that says which it is", () => {
  const error = (actual: string) => [{ actual, severity: "error", remedy: "actions" }];
  assert.deepEqual(brief(check(eswitchEncap, off, fresh())), error("encap on"));
  assert.deepEqual(brief(check(eswitchEncap, on, setEncap(fresh(), false))), error("encap off"));
});

test("in switchdev mode, where nothing shows that the card can, nothing is taken apart for it", async () => {
  const world = setEncap(await booted(off), false);
  const found = check(eswitchEncap, on, world);
  assert.deepEqual(brief(found), [{ actual: "encap off", severity: "error", remedy: "reboot" }]);
  assert.match(adviceOf(found), /^the early stage sets it before switchdev\./);
  Object.assign(known(pfOf(world, 1).eswitch) ?? {}, { encap: true });
  assert.equal(actionsOf(check(eswitchEncap, on, world)).length, 6);
});

test("the port of another card shows nothing of this one", async () => {
  const world = await booted(off, fresh([{ model: "ConnectX-5", ports: 1 }, dualPort]));
  assert.equal(known(pfOf(world, 1).eswitch)?.encap, true);
  assert.deepEqual(
    brief(check(eswitchEncap, on, world)).map(({ remedy }) => remedy),
    ["reboot"],
  );
});

test("what the card refused is not asked again, and to have it off is never refused", async () => {
  const world = fresh([dualPort], "no-encap");
  await assert.rejects(new SimulatedHost(world).perform({ kind: "set-encap", pf, encap: true }), {
    code: "EOPNOTSUPP",
  });
  const [refused, ...more] = check(eswitchEncap, on, world);
  assert.deepEqual(
    [refused?.severity, refused?.lasting, refused?.remedy.kind, more],
    ["error", true, "person", []],
  );
  assert.match(refused?.actual ?? "", /^encap off: the card refuses it \("/);
  setEncap(world, true);
  assert.deepEqual(actionsOf(check(eswitchEncap, off, world)), [{ kind: "set-encap", pf, encap: false }]);
});

test("a driver without encap mode has none: that is off, and cannot be on", () => {
  const world = setEncap(fresh(), null);
  assert.deepEqual(check(eswitchEncap, off, world), []);
  const found = check(eswitchEncap, on, world);
  assert.deepEqual(brief(found), [
    { actual: "the driver has no encap mode", severity: "error", remedy: "person" },
  ]);
  assert.deepEqual([found[0]?.lasting, adviceOf(found)], [true, "drop `encap` from the spec"]);
});
