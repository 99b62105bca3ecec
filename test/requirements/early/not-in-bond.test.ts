import assert from "node:assert/strict";
import { test } from "node:test";
import { network } from "../../../src/host/simulated/events.ts";
import { observeWorld } from "../../../src/host/simulated/host.ts";
import type { World } from "../../../src/host/simulated/world.ts";
import type { Attempts } from "../../../src/host/state/attempts.ts";
import { known } from "../../../src/host/state/observed.ts";
import { notInBond } from "../../../src/requirements/early/not-in-bond.ts";
import { evaluate } from "../../../src/requirements/evaluate.ts";
import { booted, fresh, spec, vfLagSpec } from "../../support/hosts.ts";
import { offering } from "../firmware/offering.ts";
import { adviceOf, brief, check, hold, pfOf, vfOf } from "../view.ts";

const more = spec(
  "{version: 1, nics: [{name: data, mode: vf-lag, ports: [ens3f0, ens3f1], vfs: 8, bond: bond0}]}",
);

/** A host whose networking has made the bond before anything was set up. */
function bonded(world = fresh()): World {
  network(world);
  return world;
}

const late = (actual: string) => ({
  actual: `in bond0 already, with ${actual}`,
  severity: "error",
  remedy: "reboot",
});

test("before the bond, and once all is set up, there is nothing to be late for", async () => {
  assert.deepEqual(check(notInBond, vfLagSpec, fresh()), []);
  assert.deepEqual(check(notInBond, vfLagSpec, await booted(vfLagSpec)), []);
});

test("each port in a bond that is not set up waits for a reboot, and says what it lacks", () => {
  const found = check(notInBond, vfLagSpec, bonded());
  const lacking = late("0 VFs instead of 2 VFs; eSwitch in legacy mode instead of switchdev");
  assert.deepEqual(brief(found), [lacking, lacking]);
  assert.deepEqual(
    found.map(({ subject, expected }) => [subject, expected]),
    [0, 1].map((port) => [`ens3f${port} (0000:37:00.${port})`, "set up before it joins bond0"]),
  );
  assert.match(
    adviceOf(found),
    /^a bonded PF is never touched; at boot the early stage runs before networking$/m,
  );
});

test("a port by itself: only the one that lacks something", async () => {
  const world = await booted(vfLagSpec, fresh(), "port-to-legacy");
  const found = check(notInBond, vfLagSpec, world);
  assert.deepEqual(brief(found), [late("eSwitch in legacy mode instead of switchdev")]);
  assert.equal(found[0]?.pf, pfOf(world, 0).address);
});

test("guests have no part in what the next boot can do, and are to be moved before it", async () => {
  const world = await booted(vfLagSpec);
  hold(vfOf(world, 1, 0));
  assert.deepEqual(check(notInBond, vfLagSpec, world), []);
  const found = check(notInBond, more, world);
  assert.deepEqual(brief(found), [late("2 VFs instead of 8 VFs"), late("2 VFs instead of 8 VFs")]);
  assert.match(
    adviceOf(found.slice(1)),
    /before networking\. Move or stop the guests first: VF 0 \(.*\) in use by process 4711 \(qemu-kvm\)$/,
  );
  assert.doesNotMatch(adviceOf(found.slice(0, 1)), /guests/);
});

test("what no boot mends is not its business: too few VFs in the firmware, options that the card does not have", async () => {
  const short = bonded(offering(4));
  assert.deepEqual(check(notInBond, more, short), []);
  Object.assign(pfOf(short).sriov ?? {}, { total: 8 });
  assert.deepEqual(check(notInBond, more, short), []);
  // The firmware is set: the boot that loads it does the rest too.
  assert.equal(check(notInBond, more, bonded(offering(4, 8))).length, 2);
  const option = spec(`{version: 1, nics: [{name: data, mode: vf-lag, ports: [ens3f0, ens3f1], vfs: 2,
    bond: bond0, eswitch: {steering: hmfs}}]}`);
  const world = await booted(vfLagSpec);
  for (const pf of world.state.pfs) Object.assign(known(pf.eswitch) ?? {}, { steering: null });
  assert.deepEqual(check(notInBond, option, world), []);
  for (const pf of world.state.pfs) Object.assign(known(pf.eswitch) ?? {}, { steering: "smfs" });
  assert.deepEqual(
    brief(check(notInBond, option, world)),
    Array(2).fill(late("steering mode smfs instead of hmfs")),
  );
});

test("an eSwitch that could not be looked at is not taken for one in another mode", async () => {
  const world = await booted(vfLagSpec);
  for (const pf of world.state.pfs) pf.eswitch = { unknown: "devlink gave no answer" };
  assert.deepEqual(check(notInBond, vfLagSpec, world), []);
});

test("VFs that are still to appear are not waited for by a reboot", async () => {
  const world = await booted(vfLagSpec, fresh(), "port-to-legacy");
  pfOf(world).vfs.pop();
  assert.deepEqual(brief(check(notInBond, vfLagSpec, world)), [
    late("eSwitch in legacy mode instead of switchdev"),
  ]);
});

const entry = (
  requirement: string,
  expected: string,
  refused: string | null,
): NonNullable<Attempts["early"]>[number] => ({
  nic: "data",
  requirement,
  subject: "ens3f0 (0000:37:00.0)",
  pf: pfOf(fresh()).address,
  expected,
  refused,
});

test("what this boot's early stage was refused, the next one is too: then the refusal speaks for itself", async () => {
  const world = await booted(vfLagSpec, fresh(), "port-to-legacy");
  const early = [entry("eswitch-mode", "switchdev", "EBUSY")];
  world.state.attempts = { early, latest: [] };
  assert.deepEqual(check(notInBond, vfLagSpec, world), []);
  // Left without a refusal: it came too late for it.
  world.state.attempts = { early: [entry("eswitch-mode", "switchdev", null)], latest: [] };
  assert.equal(check(notInBond, vfLagSpec, world).length, 1);
});

test("a bond that this boot's early stage found already is there before it at the next one too", () => {
  const world = bonded();
  const remedies = () =>
    evaluate(vfLagSpec, observeWorld(world)).flatMap(({ deviations }) =>
      deviations.filter(({ requirement }) => requirement === "not-in-bond").map(({ remedy }) => remedy.kind),
    );
  assert.deepEqual(remedies(), ["reboot", "reboot"]);
  const early = [entry("not-in-bond", "set up before it joins bond0", null)];
  world.state.attempts = { early, latest: [] };
  assert.deepEqual(remedies(), ["person", "reboot"]);
});
