import assert from "node:assert/strict";
import { test } from "node:test";
import type { World } from "../../../src/host/simulated/world.ts";
import { known } from "../../../src/host/state/observed.ts";
import { eswitchInline } from "../../../src/requirements/eswitch/eswitch-inline.ts";
import { afterEarly, booted, spec, vfLagSpec } from "../../support/hosts.ts";
import { actionsOf, adviceOf, brief, check, pfOf, whyNotAsked } from "../view.ts";
import { pf, plain, switchdevWith } from "./through-legacy.ts";

const sriov = spec("{version: 1, nics: [{name: data, mode: sriov, ports: [ens3f0, ens3f1], vfs: 2}]}");

/** As the driver has it after a change to switchdev that failed, before Linux 6.5. */
async function afterFailure(): Promise<World> {
  const world = await afterEarly(vfLagSpec);
  Object.assign(known(pfOf(world, 1).eswitch) ?? {}, { inline: "link" });
  return world;
}

test("what a driver takes is its affair where the spec says nothing", async () => {
  assert.deepEqual(check(eswitchInline, vfLagSpec, await afterEarly(vfLagSpec)), []);
});

test("link on a card that takes only none keeps flows out of the hardware, and needs a start of the driver", async () => {
  const found = check(eswitchInline, vfLagSpec, await afterFailure());
  assert.deepEqual(brief(found), [
    {
      actual: "inline mode link, which a change to switchdev that failed has left",
      severity: "error",
      remedy: "reboot",
    },
  ]);
  assert.match(adviceOf(found), /only when it starts/);
});

test("it matters to nobody in mode sriov", async () => {
  assert.deepEqual(check(eswitchInline, sriov, await afterFailure()), []);
});

test("a ConnectX-4 Lx has link from the start", async () => {
  const world = await afterFailure();
  pfOf(world, 1).product = "1015";
  assert.deepEqual(check(eswitchInline, vfLagSpec, world), []);
});

test("a declared one is set as it stands, in switchdev mode too: it needs no way through legacy", async () => {
  const world = await booted(plain);
  const found = check(eswitchInline, switchdevWith("inline: link"), world);
  assert.deepEqual(brief(found), [{ actual: "inline mode none", severity: "error", remedy: "actions" }]);
  assert.deepEqual(actionsOf(found), [{ kind: "set-inline", pf, inline: "link" }]);
});

test("what is not declared, or is so already, needs nothing", async () => {
  const world = await booted(plain);
  assert.equal(whyNotAsked(eswitchInline, plain, world), "the spec declares no eswitch.inline");
  assert.equal(whyNotAsked(eswitchInline, switchdevWith("inline: none"), world), null);
  for (const wanted of [plain, switchdevWith("steering: smfs, encap: true, inline: none")])
    assert.deepEqual(check(eswitchInline, wanted, world), []);
});
