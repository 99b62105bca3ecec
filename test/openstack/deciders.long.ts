import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { runProgram } from "../../src/host/linux/system/program.ts";
import { listValue, readIni } from "../../src/openstack/files/ini.ts";
import type { Release } from "../../src/openstack/releases.ts";
import { planTree } from "../../src/operations/tree/plan-tree.ts";
import type { TreePlan } from "../../src/operations/tree/tree-plan.ts";
import { writeTree } from "../../src/operations/tree/write-tree.ts";
import { type Deployment, deploy, treeOf, withoutDeployment } from "./deployment.ts";

/** What Kolla-Ansible, other files and other environments decide: a write neither breaks nor withdraws it. */

const hosts = "localhost ansible_connection=local\n[controllers]\nctl0\n[compute]\ncmp0\ncmp1\n";
const nics = (...lines: string[]) =>
  `---\nvflag:\n  version: 1\n  nics:\n${lines.map((line) => `    - {${line}}\n`).join("")}`;
const lag = "name: data, mode: vf-lag, ports: [ens3f0, ens3f1], vfs: 8, bond: bond0, physnet: physnet1";
const sriov = "name: st, mode: sriov, ports: [ens4f0], vfs: 4, physnet: physnet2";
const base = {
  "inventory/hosts": hosts,
  "inventory/group_vars/compute/vflag": nics(lag, sriov),
  "kolla.yml": "---\nkolla_enable_neutron_sriov: true\n",
  "kolla/globals.yml": "---\nfoo: bar\n",
  "kolla/config/nova.conf": "[DEFAULT]\nreserved_host_memory_mb = 4096\n",
};
type Files = Readonly<Record<string, string>>;

interface Seen {
  readonly before: Deployment;
  readonly after: Deployment;
  readonly plan: TreePlan;
}

/** A tree's final files without vflag, and as it writes it; a second look has nothing left to change. */
async function seen(
  files: Files,
  release: Release = "2024.1",
  environment: string | null = null,
): Promise<Seen> {
  const config = treeOf(files);
  const question = { kind: "kayobe", config, release, ...(environment !== null && { environment }) } as const;
  const [before] = await deploy([question]);
  const request = {
    ...question,
    environment,
    inventory: null,
    states: null,
    vaultPasswordFile: null,
    hosts: null,
  };
  const plan = await planTree(request, runProgram);
  assert.deepEqual([plan.conflicts, plan.problems], [[], []]);
  await writeTree(plan.changes);
  assert.deepEqual((await planTree(request, runProgram)).changes, []);
  const [after] = await deploy([question]);
  assert.ok(before !== undefined && after !== undefined);
  assert.deepEqual([before.refused, after.refused], [undefined, undefined]);
  return { before, after, plan };
}

async function conflictsOf(
  files: Files,
  release: Release = "2024.1",
  environment: string | null = null,
): Promise<string[]> {
  const config = treeOf(files);
  const request = {
    kind: "kayobe",
    config,
    release,
    environment,
    inventory: null,
    states: null,
    vaultPasswordFile: null,
    hosts: null,
  } as const;
  const { conflicts } = await planTree(request, runProgram);
  return conflicts.map(({ name, line, why }) => `${name}:${line}: ${why}`);
}

const fileOf = ({ hosts: all }: Deployment, host: string, file: string) => all[host]?.[file] ?? "";
const valuesOf = (text: string, section: string, key: string) =>
  readIni(text).entries.flatMap((entry) =>
    entry.section === section && entry.key === key ? [entry.value] : [],
  );
const filters = (one: Deployment) =>
  valuesOf(fileOf(one, "ctl0", "nova-scheduler/nova.conf"), "filter_scheduler", "enabled_filters").at(-1);
const rules = (one: Deployment, host: string) =>
  valuesOf(fileOf(one, host, "nova-compute/nova.conf"), "pci", "passthrough_whitelist").flatMap(
    (text) => JSON.parse(text) as object[],
  );
const mappings = (one: Deployment, host: string) =>
  valuesOf(
    fileOf(one, host, "neutron-sriov-agent/sriov_agent.ini"),
    "sriov_nic",
    "physical_device_mappings",
  ).at(-1);

/**
 * Every value of every final file is there as before, or in a list that has become longer; but for Kolla's
 * made-up network.
 */
function assertNothingLost({ before, after }: Pick<Seen, "before" | "after">): void {
  for (const [host, files] of Object.entries(before.hosts)) {
    for (const [name, text] of Object.entries(files)) {
      const now = readIni(fileOf(after, host, name)).entries;
      for (const { section, key, value } of readIni(text).entries) {
        const values = now
          .filter((entry) => entry.section === section && entry.key === key)
          .map((entry) => entry.value);
        const items = (one: string): unknown[] => (one.startsWith("[{") ? JSON.parse(one) : listValue(one));
        const there = new Set(values.flatMap(items).map((item) => JSON.stringify(item)));
        const lost = items(value).filter(
          (item) => !there.has(JSON.stringify(item)) && !JSON.stringify(item).includes("sriovnet1"),
        );
        assert.deepEqual(
          lost,
          [],
          `${host} ${name} [${section}] ${key}: ${value} became ${values.join(" | ")}`,
        );
      }
    }
  }
}

describe("what others decide is neither broken nor withdrawn", { skip: withoutDeployment }, () => {
  const gpu = { vendor_id: "10de", product_id: "20b0" };
  const ib = { devname: "ib0", physical_network: "physnet3" };
  const kollas = `neutron_sriov_physnet_mappings:\n  physnet3: ib0\nnova_pci_passthrough_whitelist:\n  - ${JSON.stringify(gpu)}\n  - ${JSON.stringify(ib)}\n`;

  for (const [where, files] of Object.entries({
    "globals.yml": { "kolla/globals.yml": kollas },
    "group_vars of Kolla's inventory": { "kolla/inventory/group_vars/compute/sriov.yml": kollas },
    kolla_extra_globals: {
      "zz.yml": `kolla_extra_globals:\n  ${kollas.trimEnd().replaceAll("\n", "\n  ")}\n`,
    },
  })) {
    test(`Kolla-Ansible's own rules and mappings in ${where} join vflag's`, async () => {
      const found = await seen({ ...base, ...files });
      assertNothingLost(found);
      const wanted = rules(found.after, "cmp0");
      assert.deepEqual(
        wanted.slice(-2).map((one) => Object.entries(one).sort()),
        [gpu, ib].map((one) => Object.entries(one).sort()),
      );
      assert.ok(JSON.stringify(wanted[0]).includes("ens3f0"));
      assert.equal(mappings(found.after, "cmp1"), "physnet2:ens4f0,physnet3:ib0");
      assert.match(
        found.plan.notes.map(({ text }) => text).join("\n"),
        /:\d+: Kolla-Ansible's own nova_pci_passthrough_whitelist stays/,
      );
    });
  }

  test("Kolla-Ansible's made-up network goes, unless somebody means it", async () => {
    const found = await seen(base, "2025.1");
    assert.match(mappings(found.before, "cmp0") ?? "", /^sriovnet1:eth0$/);
    assert.equal(mappings(found.after, "cmp0"), "physnet2:ens4f0");
    const meant = await seen({
      ...base,
      "kolla/globals.yml": "neutron_sriov_physnet_mappings: {sriovnet1: eth0}\n",
    });
    assert.equal(mappings(meant.after, "cmp0"), "physnet2:ens4f0,sriovnet1:eth0");
  });

  test("what they say of a declared port must not contradict the spec", async () => {
    const globals = (text: string) => conflictsOf({ ...base, "kolla/globals.yml": text });
    assert.match(
      (await globals("a: 1\nneutron_sriov_physnet_mappings: {physnet9: ens4f0}\n")).join(),
      /^kolla\/globals.yml:2: cmp0: ens4f0 is on physnet2 in the spec, and on physnet9/,
    );
    assert.match(
      (await globals("neutron_sriov_physnet_mappings: {physnet1: ens3f0}\n")).join(),
      /mode vf-lag, whose VFs the SR-IOV agent cannot set/,
    );
    assert.match(
      (await globals("enable_neutron_sriov: no\n")).join(),
      /^kolla\/globals.yml:1: enable_neutron_sriov is off there/,
    );
    assert.match(
      (await globals("mechanism_drivers:\n  - {name: ovn, enabled: true}\n")).join(),
      /lacks what binds/,
    );
  });

  test("filters: the scheduler's own file, global.conf, Blazar, and Kayobe's text in front of nova.conf", async () => {
    const list = (text: string) => `[filter_scheduler]\nenabled_filters = ${text}\n`;
    for (const [files, wanted] of [
      [
        { "kolla/config/nova/nova-scheduler.conf": list("ComputeFilter,NUMATopologyFilter") },
        "ComputeFilter,NUMATopologyFilter,PciPassthroughFilter",
      ],
      [{ "kolla/config/global.conf": list("ComputeFilter,A") }, "ComputeFilter,A,PciPassthroughFilter"],
      [
        { "kolla/config/nova/ctl0/nova.conf": list("ComputeFilter,B") },
        "ComputeFilter,B,PciPassthroughFilter",
      ],
      [
        { "zz.yml": "kolla_extra_nova: |\n  [filter_scheduler]\n  enabled_filters = ComputeFilter,C\n" },
        "ComputeFilter,C,PciPassthroughFilter",
      ],
      [
        { "zz.yml": "kolla_extra_global: |\n  [filter_scheduler]\n  enabled_filters = ComputeFilter,D\n" },
        "ComputeFilter,D,PciPassthroughFilter",
      ],
    ] as const) {
      const found = await seen({ ...base, ...files });
      assertNothingLost(found);
      assert.equal(filters(found.after), wanted);
    }
    const blazar = [
      { "blazar.yml": "kolla_enable_blazar: true\n" },
      { "kolla/globals.yml": "enable_blazar: yes\n" },
    ];
    for (const [index, release] of (["zed", "2024.1", "2025.2"] as const).entries()) {
      const found = await seen({ ...base, ...blazar[index % 2] }, release);
      assertNothingLost(found);
      assert.match(filters(found.after) ?? "", /,BlazarFilter,PciPassthroughFilter$/, release);
    }
    assert.match(
      (await conflictsOf({ ...base, "kolla/globals.yml": 'enable_blazar: "{{ x }}"\n' })).join(),
      /^kolla\/globals.yml:1: enable_blazar decides which filters/,
    );
  });

  test("with report_in_placement, wherever it is said, there are no rules by name", async () => {
    const on = "[pci]\nreport_in_placement = true\n";
    for (const files of [
      { "kolla/config/nova.conf": on },
      { "kolla/config/nova/nova-compute.conf": on },
      { "kolla/config/global.conf": on },
      { "kolla/config/nova/cmp0/nova.conf": on, "kolla/config/nova/cmp1/nova-compute.conf": on },
      { "zz.yml": "kolla_extra_nova: |\n  [pci]\n  report_in_placement = true\n" },
    ]) {
      const config = treeOf({ ...base, ...files });
      const request = {
        kind: "kayobe",
        config,
        release: "2024.1",
        environment: null,
        inventory: null,
        states: null,
        vaultPasswordFile: null,
        hosts: null,
      } as const;
      const { problems } = await planTree(request, runProgram);
      assert.deepEqual(new Set(problems.flatMap(({ hosts: about }) => about)), new Set(["cmp0", "cmp1"]));
      assert.match(
        problems.map(({ text }) => text).join("\n"),
        /report_in_placement is on \(.*:\d+\).*--states DIR/,
      );
    }
  });

  test("a write for one environment leaves the final files of the others as they are", async () => {
    const files = {
      ...base,
      "inventory/hosts": "localhost ansible_connection=local\n[compute]\n[controllers]\n",
      "inventory/group_vars/compute/vflag": "---\n",
      "kolla.yml": "---\nkolla_overcloud_inventory_pass_through_host_vars_extra: [ansible_user]\n",
      "kolla/config/nova.conf": "[filter_scheduler]\nenabled_filters = ComputeFilter,A",
      "environments/base/kolla/config/nova.conf": "\n[filter_scheduler]\nenabled_filters = ComputeFilter,B",
      "environments/dev/.kayobe-environment": "dependencies: [base]\n",
      "environments/dev/inventory/hosts": hosts,
      "environments/dev/inventory/group_vars/compute/vflag": nics(lag, sriov),
      "environments/prod/inventory/hosts": hosts.replaceAll("cmp", "prod"),
    };
    for (const release of ["yoga", "2023.1", "2024.1", "2025.2"] as const) {
      const config = treeOf(files);
      const question = (environment: string) => ({ kind: "kayobe", config, release, environment }) as const;
      const [before, dev] = await deploy([question("prod"), question("dev")]);
      const request = {
        ...question("dev"),
        inventory: null,
        states: null,
        vaultPasswordFile: null,
        hosts: null,
      };
      const plan = await planTree(request, runProgram);
      assert.deepEqual([plan.conflicts, plan.problems], [[], []]);
      assert.deepEqual(
        plan.changes.filter(({ name }) => !name.startsWith("environments/dev/")),
        [],
      );
      await writeTree(plan.changes);
      assert.deepEqual((await planTree(request, runProgram)).changes, []);
      const [after, now] = await deploy([question("prod"), question("dev")]);
      assert.deepEqual(after, before, release);
      assert.ok(dev !== undefined && now !== undefined && now.refused === undefined);
      assertNothingLost({ before: dev, after: now });
      assert.equal(mappings(now, "cmp0"), "physnet2:ens4f0");
      const combined = { yoga: "", "2023.1": "", "2024.1": "ComputeFilter,B,", "2025.2": "ComputeFilter,B," }[
        release
      ];
      assert.ok(
        filters(now)?.startsWith(combined === "" ? "ComputeFilter,ComputeCap" : combined),
        `${release}: ${filters(now)}`,
      );
      assert.equal(now.switches["cmp0"]?.openvswitch_hw_offload, true);
    }
    // Where nothing stands between two files, they would run into each other.
    const seam = { ...files, "environments/dev/kolla/config/nova.conf": "[DEFAULT]\nmy_ip = 1\n" };
    assert.match(
      (await conflictsOf(seam, "2025.2", "dev")).join(),
      /^environments\/dev\/kolla\/config\/nova.conf:1: Kayobe of 2025.2 puts this file right behind environments\/base/,
    );
  });
});
