import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { vflag as program } from "../support/vflag.ts";
import { ansibleCore, demoSpec, Workplace, without } from "./collection.ts";

/**
 * The collection as Ansible's own tools see it, and in a tree of Kayobe's, on simulated hosts of this
 * machine.
 */

const workplace = new Workplace();
after(() => workplace.remove());

async function simulated(name: string): Promise<string> {
  const file = workplace.path(`${name}.json`);
  const { status, output } = await workplace.run(program, [
    "simulate",
    "new",
    file,
    "--nic",
    "ConnectX-5",
    "--bond",
    "bond0",
  ]);
  assert.equal(status, 0, output);
  return file;
}

describe("the collection", { skip: without(ansibleCore), timeout: 600_000 }, () => {
  it("is built by ansible-galaxy, with the version of the program", async () => {
    const { status, output } = await workplace.run("/usr/bin/ansible-galaxy", [
      "collection",
      "build",
      workplace.collection,
      "--output-path",
      workplace.folder,
    ]);
    assert.equal(status, 0, output);
    const { version } = JSON.parse(readFileSync(join(import.meta.dirname, "../../package.json"), "utf8"));
    assert.ok(readdirSync(workplace.folder).includes(`vflag-vflag-${version}.tar.gz`), output);
  });

  it("documents every module, filter and role, so that ansible-doc shows them", async () => {
    const asked: readonly (readonly [kind: string, name: string, words: readonly string[]])[] = [
      ["module", "vflag", ["restart_ovs", "reboot_required", "networking_required"]],
      ["module", "vflag_info", ["vfs_in_use", "gather"]],
      ["module", "nova_host", ["vf_guests", "call_timeout"]],
      ["filter", "waves", ["failure domain"]],
      ["role", "vflag", ["vflag_networking_command", "ENTRY POINT: install", "vflag_verify_timeout"]],
    ];
    for (const [kind, name, words] of asked) {
      const { status, output } = await workplace.run("/usr/bin/ansible-doc", [
        "-t",
        kind,
        `vflag.vflag.${name}`,
      ]);
      assert.equal(status, 0, output);
      for (const word of words) assert.ok(output.includes(word), `${word} is not in\n${output}`);
      assert.ok(!output.includes("WARNING"), output);
    }
  });

  it("passes ansible-lint's production profile", {
    skip: without(["/usr/bin/ansible-lint", "ansible-lint"]),
  }, () => {
    const { status, stdout, stderr } = spawnSync("/usr/bin/ansible-lint", ["-p", "--offline", "--nocolor"], {
      cwd: workplace.collection,
      encoding: "utf8",
      timeout: 300_000,
      env: { ...workplace.environment, PWD: workplace.collection },
    });
    assert.equal(status, 0, `${stdout}${stderr}`);
  });

  it("sorts hosts into waves by failure domain, whole, across, and of a limited size", async () => {
    const domains = { h1: "b", h2: "a", h3: "b", h4: "b" };
    const ask = async (words: string) => {
      const words2 = [
        "localhost",
        "-m",
        "ansible.builtin.debug",
        "-a",
        `msg={{ domains | vflag.vflag.waves(${words}) | to_json }}`,
      ];
      const { output } = await workplace.run("/usr/bin/ansible", [
        ...words2,
        "-e",
        JSON.stringify({ domains }),
      ]);
      const [, text = ""] = /"msg": "(.*)"/.exec(output) ?? assert.fail(output);
      return JSON.parse(text.replaceAll('\\"', '"'));
    };
    assert.deepEqual(await ask("'domain'"), [["h2"], ["h1", "h3", "h4"]]);
    assert.deepEqual(await ask("'domain', 2"), [["h2"], ["h1", "h3"], ["h4"]]);
    assert.deepEqual(await ask("'across'"), [["h2", "h1"], ["h3"], ["h4"]]);
  });

  it("fails in vflag's own words: an action that was refused, a program that is not there", async () => {
    const host = await simulated("refused");
    const parameters = { host, spec: demoSpec, path: workplace.path("refused.yaml"), executable: program };
    await workplace.run(program, ["simulate", "fault", host, "mode-change-fails"]);
    const refused = await workplace.module("vflag", parameters);
    assert.deepEqual(
      [refused.failed, refused["changed"], refused["works"]],
      [true, true, false],
      refused.output,
    );
    assert.match(refused.msg ?? "", /^data: mlx5_core: Failed setting eswitch to offloads/);
    const kinds = (refused["actions"] as { kind: string }[]).map(({ kind }) => kind);
    assert.ok(
      kinds.includes("set-vf-count") && !kinds.includes("set-eswitch-mode"),
      `what was refused was not done: ${kinds}`,
    );
    const absent = { ...parameters, executable: "no-such-vflag" };
    assert.match(
      (await workplace.module("vflag", absent)).msg ?? "",
      /^no-such-vflag is not on this host: install the package/,
    );
    assert.equal((await workplace.module("vflag", absent, { check: true })).failed, false);
  });

  it("runs from Kayobe's tree as `kayobe playbook run` does: extra variables of every etc/kayobe/*.yml, the group's spec", async () => {
    const config = workplace.path("kayobe-config");
    cpSync(join(workplace.collection, "kayobe/etc/kayobe"), config, { recursive: true });
    const host = await simulated("compute0");
    const own = {
      ansible_connection: "local",
      ansible_python_interpreter: "/usr/bin/python3",
      vflag_become: false,
      vflag_target: host,
    };
    const paths = { vflag_executable: program, vflag_spec_path: workplace.path("compute0.yaml") };
    const hosts = {
      compute_vf_lag: { hosts: { compute0: { ...own, ...paths } } },
      compute: { hosts: { compute1: own } },
    };
    writeFileSync(join(config, "inventory/hosts.json"), JSON.stringify(hosts));
    writeFileSync(join(config, "more.yml"), JSON.stringify({ vflag_install: "none", vflag_drain: "none" }));
    // What kayobe/ansible.py, build_args, makes: the files in the order of their names.
    const extra = ["more.yml", "vflag.yml"].flatMap((name) => ["-e", `@${join(config, name)}`]);
    const words = [
      "--inventory",
      join(config, "inventory"),
      ...extra,
      "-e",
      "vflag_install=none",
      "-e",
      "vflag_drain=none",
      "--check",
      "--diff",
    ];
    const { status, output } = await workplace.run("/usr/bin/ansible-playbook", [
      ...words,
      join(config, "ansible/vflag-roll-out.yml"),
    ]);
    assert.equal(status, 0, output);
    assert.match(output, /compute1/);
    assert.match(output, /echo 8 > \/sys\/bus\/pci\/devices\/0000:37:00\.1\/sriov_numvfs/);
    assert.ok(!output.includes("tasks/host.yml for compute1"), "a host without a spec was worked on");
  });
});
