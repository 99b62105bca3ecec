import assert from "node:assert/strict";
import { test } from "node:test";
import { earlyUnit, lateUnit } from "../../../src/boot/units.ts";
import { SimulatedHost } from "../../../src/host/simulated/host.ts";
import type { World } from "../../../src/host/simulated/world.ts";
import type { Unit } from "../../../src/host/state/installation.ts";
import { known } from "../../../src/host/state/observed.ts";
import { reconcile } from "../../../src/reconcile/reconcile.ts";
import { bootUnits } from "../../../src/requirements/boot/boot-units.ts";
import type { Spec } from "../../../src/spec/schema.ts";
import { fresh, spec, vfLagSpec } from "../../support/hosts.ts";
import { actionsOf, adviceOf, brief, checkHost } from "../view.ts";

const byUdev = spec(
  "{version: 1, nics: [{name: data, mode: sriov, ports: [ens3f0, ens3f1], vfs: 3, persistence: udev}]}",
);
const names = ["vflag-early.service", "vflag-late.service"];
const both = (actual: string, remedy = "actions") =>
  names.map(() => ({ actual, severity: "warning", remedy }));

const look = (world: World, wanted: Spec = vfLagSpec) => checkHost(bootUnits, wanted, world);

async function installed(wanted: Spec = vfLagSpec, world: World = fresh()): Promise<World> {
  await reconcile(new SimulatedHost(world), wanted, { stages: ["persistence"] });
  return world;
}

function unitsOf(world: World): Unit[] {
  const units = known(world.state.units);
  assert.ok(units !== undefined);
  return units;
}

test("what is not there is written and enabled, and systemd reads it once", async () => {
  const world = fresh();
  const found = look(world);
  assert.deepEqual(brief(found), both("not installed"));
  assert.deepEqual(
    found.map(({ subject, bites }) => [subject, bites]),
    names.map((name) => [name, "at the next boot"]),
  );
  assert.deepEqual(
    actionsOf(found).map((action) => [action.kind, "reload" in action ? action.reload : null]),
    [
      ["write-file", null],
      ["enable-unit", false],
      ["write-file", null],
      ["enable-unit", true],
    ],
  );
  assert.deepEqual(look(await installed()), []);
});

test("one of another version is written anew, and works until then; one that is not enabled does not", async () => {
  const world = await installed();
  for (const file of known(world.state.files) ?? []) file.text += "# a remark\n";
  const edited = look(world);
  assert.deepEqual(brief(edited), both("not as this version wants it"));
  assert.deepEqual(
    edited.map(({ bites }) => bites),
    [undefined, undefined],
  );
  const other = await installed();
  const [early, late] = unitsOf(other);
  assert.ok(early !== undefined && late !== undefined);
  early.enabled = "disabled";
  late.enabled = null;
  const found = look(other);
  assert.deepEqual(
    found.map(({ actual, bites }) => [actual, bites]),
    [
      ["disabled", "at the next boot"],
      ["not enabled", "at the next boot"],
    ],
  );
  assert.deepEqual(
    actionsOf(found),
    names.map((unit, index) => ({ kind: "enable-unit", unit, reload: index === 1 })),
  );
});

test("units that no NIC needs any more are disabled and removed", async () => {
  const world = await installed();
  assert.deepEqual(
    look(world, byUdev).map(({ actual, expected, bites }) => [actual, expected, bites]),
    names.map(() => ["enabled, installed", "gone: no NIC needs it", undefined]),
  );
  assert.deepEqual(
    actionsOf(look(world, byUdev)).map((action) => [action.kind, "reload" in action ? action.reload : null]),
    [
      ["disable-unit", false],
      ["remove-file", null],
      ["disable-unit", false],
      ["remove-file", "systemd"],
    ],
  );
  for (const unit of unitsOf(world)) Object.assign(unit, { enabled: "disabled", result: "timeout" });
  assert.deepEqual(brief(look(world, byUdev)), both("installed"));
  for (const file of known(world.state.files) ?? []) file.text = "[Unit]\nDescription=a person's\n";
  assert.deepEqual(look(world, byUdev), []);
  const gone = await installed(byUdev, await installed());
  assert.deepEqual([look(gone, byUdev), known(gone.state.units)], [[], []]);
});

test("a package's units will do, wherever systemd says that they are", () => {
  const world = fresh();
  for (const folder of ["/lib/systemd/system", "/usr/lib/systemd/system"]) {
    const units = [earlyUnit({ program: "/usr/bin/vflag" }), lateUnit({ program: "/usr/bin/vflag" })];
    world.state.files = units.map(({ name, text }) => ({
      path: `/usr/lib/systemd/system/${name}`,
      text,
      mode: 0o644,
    }));
    const unit = { enabled: "enabled", active: "inactive", result: "success" };
    world.state.units = units.map(({ name }) => ({ ...unit, name, path: `${folder}/${name}` }));
    assert.deepEqual(look(world), []);
    // They start the package's program, whatever path this one has.
    world.state.program = "/home/me/my vflag";
    assert.deepEqual(look(world), []);
    world.state.program = "/usr/bin/vflag";
  }
});

test("no unit is written that starts a program which systemd cannot, or which must not be started", async () => {
  const world = fresh();
  for (const [program, advice] of [
    [
      "/home/me/my vflag",
      /^units cannot start "\/home\/me\/my vflag": systemd takes a path of plain characters/,
    ],
    [{ unknown: "a checkout: install the package" }, /^a checkout: install the package$/m],
  ] as const) {
    world.state.program = program;
    assert.deepEqual(brief(look(world)), both("not installed", "person"));
    assert.deepEqual(
      look(world).map(({ bites }) => bites),
      ["at the next boot", "at the next boot"],
    );
    assert.match(adviceOf(look(world)), advice);
    const old = await installed();
    for (const file of known(old.state.files) ?? []) file.text += "# a remark\n";
    old.state.program = program;
    assert.deepEqual(brief(look(old)), both("not as this version wants it", "person"));
    assert.equal(look(old)[0]?.bites, undefined);
  }
});

test("one that failed at this boot is told, with where to read why", async () => {
  const failed = async (change: Partial<Unit>) => {
    const world = await installed();
    Object.assign(unitsOf(world).find(({ name }) => name === names[0]) ?? assert.fail(), change);
    return look(world);
  };
  const found = await failed({ active: "failed", result: "timeout" });
  assert.deepEqual(brief(found), [{ actual: "failed (timeout)", severity: "warning", remedy: "person" }]);
  assert.deepEqual([found[0]?.subject, found[0]?.bites], [names[0], "at the next boot"]);
  assert.match(adviceOf(found), /^journalctl -b -u vflag-early\.service tells why; .* vflag apply does it$/);
  assert.equal((await failed({ active: "inactive", result: "exit-code" })).length, 1);
  assert.equal((await failed({ active: "failed", result: "success" })).length, 1);
  assert.deepEqual(await failed({ active: "active", result: "success" }), []);
});

test("what could not be observed is unknown, and asked only where units are needed", () => {
  const unseen = names.map(() => ({ actual: "no systemd", severity: "unknown", remedy: "person" }));
  for (const part of ["files", "units"] as const) {
    const world = fresh();
    world.state[part] = { unknown: "no systemd" };
    assert.deepEqual(brief(look(world)), unseen, part);
    assert.match(adviceOf(look(world)), /^look by hand: systemctl status vflag-early\.service$/m);
    assert.deepEqual(look(world, byUdev), []);
  }
});
