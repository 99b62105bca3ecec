import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { earlyUnit, lateUnit } from "../../../src/boot/units.ts";
import { LinuxHost } from "../../../src/host/linux/host.ts";
import type { RunProgram } from "../../../src/host/linux/system/program.ts";
import { observeWorld, SimulatedHost } from "../../../src/host/simulated/host.ts";
import type { World } from "../../../src/host/simulated/world.ts";
import { planRemoval, remove } from "../../../src/operations/host/uninstall.ts";
import { reconcile } from "../../../src/reconcile/reconcile.ts";
import { plain } from "../../../src/report/terminal/style.ts";
import { uninstallText } from "../../../src/report/text/uninstall-text.ts";
import { fakeKernel, fakeNetlink } from "../../host/linux/fake-kernel.ts";
import { makeTree } from "../../host/linux/tree.ts";
import { booted, fresh, vfLagSpec } from "../../support/hosts.ts";
import { keeper } from "../../support/journal.ts";

const own = { path: "/etc/NetworkManager/conf.d/vflag.conf", text: "[keyfile]\n", mode: 0o644 };
const packaged = {
  path: "/usr/lib/systemd/system/vflag-early.service",
  text: earlyUnit({ program: "/usr/bin/vflag" }).text,
  mode: 0o644,
};

async function running(): Promise<World> {
  const world = await booted(vfLagSpec);
  await reconcile(new SimulatedHost(world), vfLagSpec, { stages: ["persistence"] });
  if (Array.isArray(world.state.files)) world.state.files.push(own, packaged);
  return world;
}

test("units are disabled before their files go; NICs, a package's files and an operator's stay", async (t) => {
  const world = await running();
  const nics = JSON.stringify([world.state.pfs, world.state.netdevs, world.state.bonds]);
  const before = observeWorld(world);
  const { actions, stays } = planRemoval(before);
  assert.deepEqual(
    actions.map((action) => [action.kind, "unit" in action ? action.unit : "path" in action && action.path]),
    [
      ["disable-unit", "vflag-early.service"],
      ["disable-unit", "vflag-late.service"],
      ["remove-file", "/etc/systemd/system/vflag-early.service"],
      ["remove-file", "/etc/systemd/system/vflag-late.service"],
      ["remove-file", "/etc/udev/rules.d/70-vflag.rules"],
    ],
  );
  assert.match(
    stays.join("\n"),
    /conf\.d\/vflag\.conf: not made by vflag\n.*vflag-early\.service: a package brought it\n2 VFs of ens3f0, until/,
  );
  const journalFile = join(makeTree(t, {}), "journal.jsonl");
  const { failures, after } = await remove(new SimulatedHost(world), {
    actions,
    before,
    journal: { file: journalFile, keeper },
  });
  assert.deepEqual(failures, []);
  assert.equal(JSON.stringify([world.state.pfs, world.state.netdevs, world.state.bonds]), nics);
  assert.deepEqual(after.files, [own, packaged]);
  assert.deepEqual(planRemoval(after).actions, []);
  // What stood in the files is in the journal.
  const [begin] = readFileSync(journalFile, "utf8").split("\n");
  assert.deepEqual(JSON.parse(begin ?? "").before.files, before.files);
});

test("a host that has nothing of vflag's is told so", () => {
  const removal = planRemoval(observeWorld(fresh()));
  assert.deepEqual(removal.actions, []);
  assert.match(uninstallText(removal, null, plain), /\n\nNothing of vflag is left to be removed\.\n$/);
});

test("a failure is told, and the rest is done all the same", async (t) => {
  const world = await running();
  const before = observeWorld(world);
  const removal = planRemoval(before);
  const missing = { kind: "enable-unit", unit: "no-such.service", reload: true } as const;
  const actions = [missing, ...removal.actions];
  const journalFile = join(makeTree(t, {}), "journal.jsonl");
  const { failures, after } = await remove(new SimulatedHost(world), {
    actions,
    before,
    journal: { file: journalFile, keeper },
  });
  assert.deepEqual(
    failures.map(({ action }) => action),
    [missing],
  );
  assert.deepEqual(planRemoval(after).actions, []);
  assert.match(
    uninstallText({ ...removal, actions }, failures, plain),
    /systemctl enable no-such\.service\n {4}systemctl enable no-such.*\n[\s\S]*1 of 6 actions failed/,
  );
});

test("what could not be observed is said", () => {
  const state = { ...observeWorld(fresh()), units: { unknown: "systemctl: no such program" } };
  assert.match(
    uninstallText(planRemoval(state), null, plain),
    /could not be observed: systemctl: no such program/,
  );
});

test("on a made-up machine: installed and uninstalled, every file is as it was before", async (t) => {
  const root = makeTree(t, {
    etc: { "modprobe.d": { "operator.conf": "options x y=1\n" }, "udev/rules.d": {}, "systemd/system": {} },
    sys: {},
    proc: {},
  });
  const asked: string[] = [];
  const run: RunProgram = async (argv) => {
    asked.push(argv.join(" "));
    return { code: 0, stderr: "", stdout: argv[1] === "show" ? shown(root) : "" };
  };
  const before = treeOf(root);
  using host = LinuxHost.open(fakeKernel(root, fakeNetlink(), { run }));
  const units = [earlyUnit({ program: "/usr/bin/vflag" }), lateUnit({ program: "/usr/bin/vflag" })];
  for (const { name, text } of units) {
    await host.perform({
      kind: "write-file",
      path: `/etc/systemd/system/${name}`,
      text,
      render: name,
      reload: "systemd",
    });
    await host.perform({ kind: "enable-unit", unit: name, reload: true });
  }
  await host.perform({
    kind: "write-file",
    path: "/etc/udev/rules.d/70-vflag.rules",
    text: units[0]?.text ?? "",
    render: "x",
    reload: "udev",
  });
  // A run that was killed left this.
  mkdirSync(join(root, "etc/udev/rules.d"), { recursive: true });
  writeFileSync(join(root, "etc/udev/rules.d/.70-vflag.rules.vflag-999999999-0"), "half");
  asked.length = 0;
  const state = await host.observe();
  const { actions } = planRemoval(state);
  const { failures } = await remove(host, {
    actions,
    before: state,
    journal: { file: join(makeTree(t, {}), "journal.jsonl"), keeper },
  });
  assert.deepEqual(failures, []);
  assert.deepEqual(treeOf(root), before);
  assert.deepEqual(
    asked.filter((line) => /^(systemctl(?! show)|udevadm)\b/.test(line)),
    [
      "systemctl disable --no-reload -- vflag-early.service",
      "systemctl disable --no-reload -- vflag-late.service",
      "systemctl daemon-reload",
      "udevadm control --reload",
    ],
  );
});

/** What `systemctl show` says of the units that are there, all enabled. */
function shown(root: string): string {
  const names = ["vflag-early.service", "vflag-late.service"].filter((name) =>
    existsSync(join(root, "etc/systemd/system", name)),
  );
  const block = (name: string) =>
    `Id=${name}\nLoadState=loaded\nFragmentPath=/etc/systemd/system/${name}\nUnitFileState=enabled\nActiveState=inactive\nResult=success\n`;
  return names.map(block).join("\n");
}

/** Every file with its content and mode. */
function treeOf(root: string): Record<string, unknown> {
  const paths = readdirSync(root, { recursive: true, encoding: "utf8" }).sort();
  return Object.fromEntries(
    paths.map((path) => {
      const stats = statSync(join(root, path));
      return [path, [stats.mode, stats.isFile() ? readFileSync(join(root, path), "utf8") : dirname(path)]];
    }),
  );
}
