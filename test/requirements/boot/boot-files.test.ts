import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { CardOptions } from "../../../src/host/simulated/build.ts";
import { reboot } from "../../../src/host/simulated/events.ts";
import { observeWorld, SimulatedHost } from "../../../src/host/simulated/host.ts";
import type { World } from "../../../src/host/simulated/world.ts";
import type { ManagedFile } from "../../../src/host/state/installation.ts";
import { known } from "../../../src/host/state/observed.ts";
import { rehearse } from "../../../src/reconcile/plan.ts";
import { reconcile } from "../../../src/reconcile/reconcile.ts";
import { bootFiles } from "../../../src/requirements/boot/boot-files.ts";
import { bootUnits } from "../../../src/requirements/boot/boot-units.ts";
import { evaluate } from "../../../src/requirements/evaluate.ts";
import { stages } from "../../../src/requirements/stages.ts";
import type { Spec } from "../../../src/spec/schema.ts";
import { afterEarly, fresh, spec, vfLagSpec } from "../../support/hosts.ts";
import { actionsOf, brief, checkHost, uplinkOf } from "../view.ts";

const rules = "/etc/udev/rules.d/70-vflag.rules";
const options = "/etc/modprobe.d/vflag.conf";
const network = "/etc/systemd/network/00-vflag.network";

const nicSpec = (keys: string) =>
  spec(`version: 1\nnics:\n  - {name: data, ports: [ens3f0, ens3f1], ${keys}}\n`);
const byUdev = nicSpec("mode: sriov, vfs: 3, persistence: udev");
const byModule = nicSpec("mode: sriov, vfs: 3, persistence: modprobe");
const x710: CardOptions = { model: "X710", ports: 2 };
const connectX3: CardOptions = { model: "ConnectX-3", ports: 2 };

const look = (wanted: Spec, world: World, requirement = bootFiles) => checkHost(requirement, wanted, world);

async function installed(wanted: Spec, world: World): Promise<World> {
  await reconcile(new SimulatedHost(world), wanted, { stages: ["persistence"] });
  return world;
}

function filesOf(world: World): ManagedFile[] {
  const files = known(world.state.files);
  assert.ok(files !== undefined);
  return files;
}

function rulesOf(world: World): string {
  return filesOf(world).find(({ path }) => path === rules)?.text ?? "";
}

describe("files for the next boot", () => {
  test("what is not there is written, once", async () => {
    const world = fresh();
    assert.deepEqual(brief(look(vfLagSpec, world)), [
      { actual: "not there", severity: "warning", remedy: "actions" },
    ]);
    assert.deepEqual(look(vfLagSpec, await installed(vfLagSpec, world)), []);
  });

  test("what somebody edited is written anew", async () => {
    const world = await installed(vfLagSpec, fresh());
    for (const file of filesOf(world)) file.text += "# a remark\n";
    const found = look(vfLagSpec, world);
    assert.deepEqual(brief(found), [
      { actual: "not as this version wants it", severity: "warning", remedy: "actions" },
    ]);
    assert.deepEqual(
      actionsOf(found).map((action) => "path" in action && action.path),
      [rules],
    );
  });

  test("what vflag made and nobody wants any more is removed, and an operator's own file of that name is not", async () => {
    const world = await installed(byModule, fresh([connectX3]));
    filesOf(world).push({ path: "/etc/NetworkManager/conf.d/vflag.conf", text: "[keyfile]\n", mode: 0o644 });
    const sysfs = nicSpec("mode: sriov, vfs: 3");
    assert.deepEqual(actionsOf(look(sysfs, world)), [{ kind: "remove-file", path: options, reload: null }]);
    for (const file of filesOf(world)) if (file.path === options) file.text = "options mlx4_core num_vfs=1\n";
    assert.deepEqual(look(sysfs, world), []);
  });

  test("rules are left as they are while a port is missing", async () => {
    const world = await installed(vfLagSpec, fresh());
    world.state.pfs.pop();
    assert.deepEqual(look(vfLagSpec, world), []);
  });

  test("systemd-networkd is told only where it runs", () => {
    const world = fresh();
    const unit = { name: "systemd-networkd.service", path: null, result: "success" };
    for (const [enabled, active, wanted] of [
      ["disabled", "inactive", false],
      ["enabled", "inactive", true],
      ["disabled", "active", true],
    ] as const) {
      world.state.units = [{ ...unit, enabled, active }];
      assert.equal(
        look(vfLagSpec, world).some(({ subject }) => subject === network),
        wanted,
        `${enabled}, ${active}`,
      );
    }
  });

  test("what could not be observed is unknown", () => {
    const world = fresh();
    world.state.files = { unknown: "/etc could not be read" };
    assert.deepEqual(brief(look(vfLagSpec, world)), [
      { actual: "/etc could not be read", severity: "unknown", remedy: "person" },
    ]);
  });
});

describe("names of ports", () => {
  test("a port that is in its bond under another name keeps that", async () => {
    const world = await afterEarly(vfLagSpec, fresh(undefined, "renames-ports"));
    const text = 'NAME="ens3f0", NAME="ens3f1"';
    world.state.files = [{ path: "/etc/udev/rules.d/70-vflag.rules", text, mode: 0o644 }];
    assert.match(rulesAfter(world), /NAME="ens3f0"/);
    uplinkOf(world, 0).master = "bond0";
    assert.doesNotMatch(rulesAfter(world), /NAME="ens3f0"/);
    assert.match(rulesAfter(world), /NAME="ens3f1"/);
  });

  test("a port that has its declared name beside another one keeps the other", () => {
    const world = fresh();
    uplinkOf(world, 0).altNames.push("ens3f0");
    uplinkOf(world, 0).name = "enp55s0f0";
    for (const pf of world.state.pfs.slice(0, 1)) pf.netdev = "enp55s0f0";
    assert.doesNotMatch(rulesAfter(world), /37:00\.0.*NAME=/);
  });

  test("a name that udev would read as something else is not put into a rule", () => {
    const world = fresh();
    const name = 'a"$b';
    uplinkOf(world, 0).name = name;
    for (const pf of world.state.pfs.slice(0, 1)) pf.netdev = name;
    const wanted: Spec = {
      ...vfLagSpec,
      nics: vfLagSpec.nics.map((nic) => ({ ...nic, ports: [name, "ens3f1"] })),
    };
    const [action] = actionsOf(look(wanted, world));
    assert.ok(action?.kind === "write-file");
    assert.doesNotMatch(action.text, /a"\$b/);
    assert.match(action.text, /NAME="ens3f1"/);
  });

  test("with the rules there, ports are not renamed at the next boot", async () => {
    const world = await installed(vfLagSpec, fresh(undefined, "renames-ports"));
    await afterEarly(vfLagSpec, world);
    reboot(world);
    await afterEarly(vfLagSpec, world);
    assert.deepEqual(
      world.state.pfs.map(({ netdev }) => netdev),
      ["ens3f0", "ens3f1"],
    );
  });

  function rulesAfter(world: World): string {
    const [action] = actionsOf(look(vfLagSpec, world));
    return action?.kind === "write-file" ? action.text : rulesOf(world);
  }
});

describe("VFs that come back without vflag", () => {
  for (const [name, wanted, card] of [
    ["by udev", byUdev, x710],
    ["by module options", byModule, connectX3],
  ] as const) {
    test(`${name}: installed, rebooted, and everything holds`, async () => {
      const world = await installed(wanted, fresh([card]));
      reboot(world);
      assert.deepEqual(
        world.state.pfs.map(({ vfs }) => vfs.length),
        [3, 3],
      );
      assert.deepEqual(
        evaluate(wanted, observeWorld(world)).flatMap(({ deviations }) => deviations),
        [],
      );
      assert.ok(known(world.state.units)?.length === 0);
    });
  }

  test("a ConnectX-3's plan is: the options, a reboot, done", async () => {
    const plan = await rehearse(byModule, observeWorld(fresh([connectX3])));
    assert.deepEqual(
      plan.phases.map(({ after }) => after),
      ["now", "reboot", "networking"],
    );
    assert.deepEqual(
      plan.remaining.map(({ answer }) => answer),
      ["works"],
    );
  });
});

test("apply at every stage leaves nothing to be done about files", async () => {
  const world = fresh();
  await reconcile(new SimulatedHost(world), vfLagSpec, { stages });
  assert.deepEqual([...look(vfLagSpec, world), ...look(vfLagSpec, world, bootUnits)], []);
});
