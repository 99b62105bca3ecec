import assert from "node:assert/strict";
import {
  cpSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import type { RunProgram } from "../../../src/host/linux/system/program.ts";
import { planTree } from "../../../src/operations/tree/plan-tree.ts";
import type { TreePlan } from "../../../src/operations/tree/tree-plan.ts";
import { writeTree } from "../../../src/operations/tree/write-tree.ts";

/** Planning and writing a tree, with an answer of ansible-inventory that was made up. */
let folder = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "vflag-write-"));
  write("etc/inventory/hosts", "");
  write("etc/kolla.yml", "---\n# mine\nkolla_base_distro: debian\n");
  write("etc/inventory/group_vars/b.yml", "# b\nother: 1\n");
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

const spec = (port: string) => ({
  version: 1,
  nics: [{ name: "data", mode: "sriov", ports: [port], vfs: 2, physnet: "physnet2" }],
});
const hostvars = {
  a1: { vflag: spec("ens1") },
  a2: { vflag: spec("ens1") },
  b1: { vflag: spec("ens2") },
  b2: { vflag: spec("ens2") },
  x: { vflag: spec("ens3") },
};
const answer = {
  _meta: { hostvars },
  all: { children: ["a", "b", "ungrouped"] },
  a: { hosts: ["a1", "a2"] },
  b: { hosts: ["b1", "b2"] },
  ungrouped: { hosts: ["x"] },
};

function plan(tree: string, text: unknown = answer, environment: string | null = null): Promise<TreePlan> {
  const run: RunProgram = async (argv, options) => {
    assert.equal(argv[0], "ansible-inventory");
    assert.equal(options?.env?.["LC_ALL"], "C.UTF-8");
    assert.ok((options?.limit ?? 0) >= 120_000);
    return { stdout: JSON.stringify(text), stderr: "", code: 0 };
  };
  const config = join(folder, tree);
  return planTree(
    {
      kind: "kayobe",
      config,
      release: "2024.1",
      environment,
      inventory: null,
      states: null,
      vaultPasswordFile: null,
      hosts: null,
    },
    run,
  );
}

test("a write that is killed anywhere is finished by the next one, and all ways end in the same tree", async () => {
  const { changes } = await plan("etc");
  assert.ok(changes.length >= 6, String(changes.length));
  assert.ok(changes.some(({ kind }) => kind === "link"));
  cpSync(join(folder, "etc"), join(folder, "whole"), { recursive: true });
  await writeTree((await plan("whole")).changes);
  const whole = snapshot("whole");
  assert.match(whole["inventory/group_vars/b.yml"] ?? "", /^# b\nother: 1\n# vflag: [\s\S]*"physnet2:ens2"/);
  for (let done = 0; done <= changes.length; done++) {
    const tree = `killed${done}`;
    cpSync(join(folder, "etc"), join(folder, tree), { recursive: true });
    await writeTree((await plan(tree)).changes.slice(0, done));
    await writeTree((await plan(tree)).changes);
    assert.deepEqual(snapshot(tree), whole, `killed after ${done} of ${changes.length}`);
    assert.deepEqual((await plan(tree)).changes, []);
  }
});

test("what no host needs any more goes, and what people wrote stays", async () => {
  await writeTree((await plan("etc")).changes);
  const without = { ...answer, _meta: { hostvars: { x: hostvars.x } } };
  await writeTree((await plan("etc", without)).changes);
  const left = snapshot("etc");
  assert.equal(left["inventory/group_vars/b.yml"], "# b\nother: 1\n");
  assert.deepEqual(
    Object.keys(left).filter((name) => name.endsWith("vflag-openstack.yml")),
    ["inventory/host_vars/x/vflag-openstack.yml"],
  );
  assert.equal(lstatSync(join(folder, "etc/inventory/group_vars/a"), { throwIfNoEntry: false }), undefined);
});

test("nothing is written where a file is not as it was read any more", async () => {
  const { changes } = await plan("etc");
  write("etc/kolla.yml", "---\nchanged: true\n");
  const before = snapshot("etc");
  await assert.rejects(
    writeTree(changes),
    /nothing was written, since somebody else did meanwhile: kolla\.yml/,
  );
  assert.deepEqual(snapshot("etc"), before);
});

test("a conflict in one file leaves all of them alone, and all conflicts are told", async () => {
  write("etc/kolla.yml", "kolla_enable_neutron_sriov: false\n");
  write("etc/inventory/group_vars/b.yml", "- not\n- a mapping\n");
  write("etc/hooks/overcloud-host-configure/post.d/50-vflag.yml", "mine");
  const { conflicts } = await plan("etc");
  assert.deepEqual(
    conflicts.map(({ name, line }) => [name, line]),
    [
      ["inventory/group_vars/b.yml", null],
      ["kolla.yml", 1],
      ["hooks/overcloud-host-configure/post.d/50-vflag.yml", null],
    ],
  );
});

test("a host without anything of its own, and one whose spec is taken from it, get nothing", async () => {
  const { hosts, changes } = await plan("etc", {
    ...answer,
    _meta: { hostvars: { ...hostvars, x: { vflag: null }, a2: {} } },
  });
  assert.deepEqual([...hosts.keys()], ["a1", "b1", "b2"]);
  assert.deepEqual(
    changes.map(({ name }) => name).filter((name) => name.startsWith("inventory/")),
    ["inventory/group_vars/b.yml", "inventory/host_vars/a1/vflag-openstack.yml"],
  );
});

test("what an environment sets of the same variables is put right there too, and its other files are left alone", async () => {
  write("etc/environments/prod/inventory/hosts", "");
  write(
    "etc/environments/prod/kolla.yml",
    "kolla_overcloud_inventory_pass_through_host_vars_extra:\n  - mine\n",
  );
  write("etc/environments/prod/neutron.yml", "kolla_neutron_ml2_type_drivers: [vlan]\n");
  const { changes, conflicts } = await plan("etc", answer, "prod");
  assert.deepEqual(conflicts, []);
  const after = changes.find(({ name }) => name === "environments/prod/kolla.yml")?.after ?? "";
  assert.match(after, /^ {2}- mine\n[\s\S]*- vflag_pci_passthrough_whitelist$/m);
  assert.equal(
    changes.some(({ name }) => name === "environments/prod/neutron.yml"),
    false,
  );
  write("etc/environments/prod/kolla.yml", "kolla_enable_neutron_sriov: false\n");
  const refused = await plan("etc", answer, "prod");
  assert.deepEqual(
    refused.conflicts.map(({ name, line }) => [name, line]),
    [["environments/prod/kolla.yml", 1]],
  );
});

test("names that are no file's are refused", async () => {
  const { problems } = await plan("etc", {
    _meta: { hostvars: { "../h\u001b": { vflag: spec("ens1") } } },
    ungrouped: { hosts: ["../h\u001b"] },
  });
  assert.match(problems.map(({ text }) => text).join("\n"), /cannot be that of a file/);
});

function snapshot(tree: string): Record<string, string> {
  const root = join(folder, tree);
  const entries = readdirSync(root, { recursive: true, withFileTypes: true }).filter(
    (entry) => !entry.isDirectory(),
  );
  return Object.fromEntries(
    entries
      .map((entry) => {
        const path = join(entry.parentPath, entry.name);
        return [
          path.slice(root.length + 1),
          entry.isSymbolicLink() ? `-> ${readlinkSync(path)}` : readFileSync(path, "utf8"),
        ] as const;
      })
      .sort(),
  );
}

function write(file: string, text: string): void {
  mkdirSync(dirname(join(folder, file)), { recursive: true });
  writeFileSync(join(folder, file), text);
}
