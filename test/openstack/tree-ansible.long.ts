import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, describe, test } from "node:test";
import { novaView } from "../../src/openstack/nova/nova-host.ts";
import { pciRules } from "../../src/openstack/nova/pci-rules.ts";
import { isFrom, type Release } from "../../src/openstack/releases.ts";
import { treeFiles } from "../../src/openstack/tree/deployment-tree.ts";
import { type TreeFacts, treeVariables } from "../../src/openstack/tree/tree.ts";
import type { Spec } from "../../src/spec/schema.ts";
import { kollaDefaults } from "../support/kolla-defaults.ts";
import { usersEnvironment, vflag } from "../support/vflag.ts";
import { aboutHost, connectx5, hostWith, specOf } from "./hosts.ts";
import { ask, without } from "./python.ts";

const ansible = "/usr/bin/ansible-playbook";
const noAnsible = existsSync(ansible)
  ? false
  : `no ${ansible}: apt-get install --no-install-recommends ansible-core`;
const noNova = noAnsible || without("nova.pci.whitelist", "python3-nova");
const noNeutron = without("neutron.plugins.ml2.drivers.mech_sriov.agent.sriov_nic_agent", "python3-neutron");

const folder = mkdtempSync(join(tmpdir(), "vflag-tree-"));
after(() => rmSync(folder, { recursive: true, force: true }));

function write(path: string, text: string): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), text);
}

const read = (path: string) => readFileSync(join(folder, path), "utf8");

/** Runs a playbook of the folder as its own little deployment; its output where it succeeds. */
function play(playbook: string, inventory: string, ...more: string[]): string {
  const { stdout, stderr, status } = run(playbook, inventory, ...more);
  assert.equal(status, 0, `${stdout}\n${stderr}`);
  return stdout;
}

function run(playbook: string, inventory: string, ...more: string[]) {
  return spawnSync(ansible, ["-i", join(folder, inventory), join(folder, playbook), ...more], {
    encoding: "utf8",
    timeout: 300_000,
    cwd: folder,
    env: {
      PATH: `${folder}/bin:${process.env["PATH"]}`,
      HOME: folder,
      LC_ALL: "C.UTF-8",
      ANSIBLE_RETRY_FILES_ENABLED: "False",
    },
  });
}

/** Three kinds of hosts: mode sriov on two networks, VF-LAG, and a controller without NICs of vflag's. */
const sriov = specOf(
  "mode: sriov, ports: [ens3f0], physnet: physnet2",
  "mode: sriov, ports: [ens3f1], physnet: physnet3",
);
const lag = specOf("mode: vf-lag, ports: [ens3f0, ens3f1], bond: bond0, physnet: physnet4");
const state = hostWith(2, connectx5);
const rulesOf = (spec: Spec) =>
  pciRules(spec, state, novaView(spec, state), true).rules.map(({ json }) => json);

const own = { vendor_id: "10de", product_id: "1eb8", comment: "a $dollar" };
const hosts: Record<string, Record<string, unknown>> = {
  sriov0: {
    [treeVariables.rules]: rulesOf(sriov),
    [treeVariables.mappings]: ["physnet2:ens3f0", "physnet3:ens3f1"],
    [treeVariables.moreRules]: [own],
  },
  lag0: { [treeVariables.rules]: rulesOf(lag), [treeVariables.mappings]: [] },
  control0: {},
};

const messyNova =
  "# hand-written\r\n[DEFAULT]\r\nreserved_host_memory_mb = 4096 ; kept\r\n{% raw %}\r\nhost = {{ inventory_hostname }}\r\n{% endraw %}\r\n" +
  '[pci]\r\nalias = {"name": "gpu",\r\n\t"vendor_id": "10de"}\r\n\r\n[filter_scheduler]\r\nenabled_filters = ComputeFilter,\r\n    JsonFilter';

type Deployed = Record<string, { readonly nova: string; readonly agent: string }>;
const deployed = new Map<string, Deployed>();

/**
 * The tree's files written, rendered as its kind of deployment renders them; each host's nova.conf and
 * sriov_agent.ini.
 */
function deploy(kind: "kayobe" | "kolla", release: Release, novaConf: string | null): Deployed {
  const done = deployed.get(`${kind} ${release}`);
  if (done !== undefined) return done;
  const facts: TreeFacts = {
    kind,
    release,
    sriov: true,
    offload: true,
    nics: [...sriov.nics, ...lag.nics],
    groups: ["compute"],
  };
  const before: Record<string, string> =
    novaConf === null ? {} : { "kolla/config/nova.conf": novaConf, "config/nova.conf": novaConf };
  for (const { path, make } of treeFiles(facts)) {
    const { text, conflicts } = make(before[path] ?? null);
    assert.deepEqual(conflicts, []);
    if (text !== "") write(`tree/${path}`, text);
  }
  const files = ["nova.conf", "neutron/sriov_agent.ini"];
  for (const [name, variables] of Object.entries(hosts))
    write(`kayobe-inventory/host_vars/${name}.json`, JSON.stringify(variables));
  const names = Object.keys(hosts).join("\n");
  write(
    "kayobe-inventory/hosts",
    `[overcloud]\n${names}\n[all:vars]\nansible_connection=local\nansible_python_interpreter=/usr/bin/python3\n`,
  );
  const { tunnel_interface } = kollaDefaults;
  write(
    "kolla-ansible/group_vars/all.json",
    JSON.stringify(isFrom(release, "victoria") ? kollaDefaults : { tunnel_interface }),
  );
  write(
    "kolla-ansible/second.yml",
    `- hosts: overcloud\n  gather_facts: no\n  tasks:\n  - ansible.builtin.template:\n      src: "{{ config }}/{{ item }}"\n      dest: "${folder}/out/{{ inventory_hostname }}-{{ item | basename }}"\n    loop: ${JSON.stringify(files)}\n`,
  );
  mkdirSync(join(folder, "out"), { recursive: true });
  if (kind === "kolla") {
    play("kolla-ansible/second.yml", "kayobe-inventory", "-e", `config=${folder}/tree/config`);
  } else {
    // As Kayobe does: its files are rendered on the control host, and of a host's variables only those that
    // are named reach Kolla's inventory.
    write("kolla-inventory/hosts", read("kayobe-inventory/hosts"));
    mkdirSync(join(folder, "kolla-inventory/host_vars"), { recursive: true });
    mkdirSync(join(folder, "kolla-config/neutron"), { recursive: true });
    const list = `kolla_overcloud_inventory_pass_through_host_vars${release === "train" ? "" : "_extra"}`;
    write(
      "first.yml",
      `- hosts: localhost
  connection: local
  gather_facts: no
  tasks:
  - ansible.builtin.template:
      src: "${folder}/tree/kolla/config/{{ item }}"
      dest: "${folder}/kolla-config/{{ item }}"
    loop: ${JSON.stringify(files)}
- hosts: overcloud
  gather_facts: no
  tasks:
  - ansible.builtin.copy:
      content: "{{ dict(names | zip(names | map('extract', hostvars[inventory_hostname]))) | to_json }}"
      dest: "${folder}/kolla-inventory/host_vars/{{ inventory_hostname }}.json"
    vars:
      names: "{{ ${list} | select('in', hostvars[inventory_hostname]) | list }}"
`,
    );
    play("first.yml", "kayobe-inventory", "-e", `@${folder}/tree/kolla.yml`);
    play("kolla-ansible/second.yml", "kolla-inventory", "-e", `config=${folder}/kolla-config`);
  }
  const made = Object.fromEntries(
    Object.keys(hosts).map((name) => [
      name,
      { nova: read(`out/${name}-nova.conf`), agent: read(`out/${name}-sriov_agent.ini`) },
    ]),
  );
  deployed.set(`${kind} ${release}`, made);
  return made;
}

describe("each host's files, as Ansible renders the tree's", { concurrency: false }, () => {
  for (const [kind, release, before] of [
    ["kayobe", "2024.1", messyNova],
    ["kayobe", "train", null],
    ["kolla", "zed", messyNova],
  ] as const) {
    test(`${kind}, ${release}: Nova offers exactly the VFs meant`, { skip: noNova }, async () => {
      const made = deploy(kind, release, before);
      const specs: Record<string, Spec> = { sriov0: sriov, lag0: lag, control0: lag };
      const questions = Object.keys(made).map((name) => ({
        text: made[name]?.nova,
        ...aboutHost(specs[name] ?? lag, state),
      }));
      const answers = (await ask("nova_pci.py", questions)) as {
        matches: boolean[][];
        tags: object[];
        filters: string[];
        refused?: string;
      }[];
      const offered = answers.map(({ matches, tags, refused }, index) => {
        assert.equal(refused, undefined);
        return (questions[index]?.devices ?? []).flatMap(({ address }, at) =>
          (matches[at] ?? []).includes(true) ? [[address, tags[at]]] : [],
        );
      });
      const tagged = (network: string, ...addresses: string[]) =>
        addresses.map((address) => [address, network]);
      const networks = offered.map((found) =>
        found.map(([address, tags]) => [address, (tags as Record<string, unknown>)["physical_network"]]),
      );
      assert.deepEqual(networks, [
        [
          ...tagged("physnet2", "0000:37:00.2", "0000:37:00.3"),
          ...tagged("physnet3", "0000:37:08.2", "0000:37:08.3"),
        ],
        tagged("physnet4", "0000:37:00.2", "0000:37:00.3", "0000:37:08.2", "0000:37:08.3"),
        [],
      ]);
      assert.deepEqual(
        answers.map(({ matches }) => matches[0]?.length),
        [3, 2, 0],
      );
      for (const { filters } of answers) assert.equal(filters.at(-1), "PciPassthroughFilter");
      assert.match(made["sriov0"]?.nova ?? "", /"comment": "a \$\$dollar"/);
      if (before !== null) {
        assert.match(made["lag0"]?.nova ?? "", /^reserved_host_memory_mb = 4096 ; kept$/m);
        assert.match(
          made["lag0"]?.nova ?? "",
          kind === "kayobe" ? /^host = lag0$/m : /^host = \{\{ inventory_hostname \}\}$/m,
        );
      }
    });

    test(`${kind}, ${release}: the SR-IOV agent starts with exactly the mappings meant`, {
      skip: noAnsible || noNeutron,
    }, async () => {
      const made = deploy(kind, release, before);
      const answers = (await ask(
        "neutron_agent.py",
        Object.values(made).map(({ agent }) => ({ agent })),
      )) as { mappings?: object; excluded?: object; refused?: string }[];
      assert.deepEqual(
        answers.map(({ mappings, excluded, refused }) => ({ mappings, excluded, refused })),
        [{ physnet2: ["ens3f0"], physnet3: ["ens3f1"] }, {}, {}].map((mappings) => ({
          mappings,
          excluded: {},
          refused: undefined,
        })),
      );
    });
  }
});

describe("the playbook", { concurrency: false }, () => {
  /** `vflag` on the hosts' path: this program, on a simulated host of each. */
  const spec = {
    version: 1,
    nics: [
      {
        name: "data",
        mode: "sriov",
        ports: [{ vendor: "15b3", product: "1017" }],
        vfs: 2,
        physnet: "physnet2",
      },
    ],
  };

  test("check mode rehearses and changes nothing; then it brings the hosts to their specs, and changes nothing more", {
    skip: noAnsible,
  }, () => {
    const host = join(folder, "host.json");
    const made = spawnSync(vflag, ["simulate", "new", host, "--nic", "ConnectX-5"], {
      encoding: "utf8",
      timeout: 60_000,
      env: usersEnvironment,
    });
    assert.equal(made.status, 0, made.stderr);
    const writeVflag = () => {
      write(
        "bin/vflag",
        `#!/bin/sh\necho "$*" >>'${folder}/calls'\ncase "$1" in --version) exec '${vflag}' "$@" ;; *) exec '${vflag}' "$@" --host '${host}' ;; esac\n`,
      );
      chmodSync(join(folder, "bin/vflag"), 0o755);
    };
    write(
      "inventory/hosts",
      "[compute]\nhost0\nhost1\n[compute:vars]\nansible_connection=local\nansible_python_interpreter=/usr/bin/python3\n",
    );
    write("inventory/host_vars/host0.json", JSON.stringify({ vflag: spec }));
    const facts: TreeFacts = {
      kind: "kayobe",
      release: "2024.1",
      sriov: true,
      offload: false,
      nics: [],
      groups: ["compute"],
    };
    const text =
      treeFiles(facts)
        .find(({ path }) => path === "ansible/vflag.yml")
        ?.make(null).text ?? "";
    // Not on the machine of the tests: its own /etc, and no other user.
    write(
      "vflag.yml",
      text.replaceAll("/etc/vflag", `${folder}/etc-vflag`).replace("become: true", "become: false"),
    );
    const without = run("vflag.yml", "inventory");
    assert.notEqual(without.status, 0);
    assert.match(without.stdout, /vflag is not installed on host0/);
    writeVflag();
    const first = play("vflag.yml", "inventory", "--check");
    assert.match(first, /host0 +: ok=\d+ +changed=[1-9]/);
    assert.match(first, /host1 +: ok=0 .*skipped=[1-9]/);
    assert.match(first, /sriov_numvfs/);
    assert.ok(!existsSync(join(folder, "etc-vflag")));
    assert.doesNotMatch(read("calls"), /apply/);

    play("vflag.yml", "inventory");
    assert.deepEqual(JSON.parse(read("etc-vflag/vflag.yaml")), spec);
    assert.match(read("calls"), /^apply --spec .*etc-vflag\/vflag.yaml$/m);
    const again = play("vflag.yml", "inventory");
    assert.match(again, /host0 +: ok=\d+ +changed=0 /);
  });
});
