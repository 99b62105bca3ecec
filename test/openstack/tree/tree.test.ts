import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { entriesOf, optionValue, readIni } from "../../../src/openstack/files/ini.ts";
import { readYamlTop } from "../../../src/openstack/files/yaml-top.ts";
import { kollaFilters } from "../../../src/openstack/nova/nova-filters.ts";
import { releases } from "../../../src/openstack/releases.ts";
import { treeFiles, treeLinks } from "../../../src/openstack/tree/deployment-tree.ts";
import { type TreeFacts, treeVariables } from "../../../src/openstack/tree/tree.ts";
import { roundsFrom } from "../../support/count.ts";
import { specOf } from "../hosts.ts";

const runs = roundsFrom("PROPERTY_RUNS", 100, 400);
const sriov = "mode: sriov, ports: [ens3f0, ens3f1], physnet: physnet2";
const lag = "mode: vf-lag, ports: [ens4f0, ens4f1], bond: bond0, physnet: physnet2";

function facts(nics: string[], more: Partial<TreeFacts> = {}): TreeFacts {
  const found = nics.length === 0 ? [] : specOf(...nics).nics;
  return {
    release: "2024.1",
    kind: "kayobe",
    sriov: found.some(({ mode }) => mode === "sriov"),
    offload: found.some(({ mode }) => mode !== "sriov"),
    nics: found,
    groups: ["compute"],
    ...more,
  };
}

function make(path: string, before: string | null, about: TreeFacts) {
  const file = treeFiles(about).find((one) => one.path === path);
  assert.ok(file, `no file ${path}`);
  const made = file.make(before);
  // A second run changes nothing.
  if (made.conflicts.length === 0 && made.text !== "")
    assert.deepEqual({ ...file.make(made.text), notes: made.notes }, made);
  return made;
}

/** What an operator reads of the conflicts. */
function conflicts(path: string, before: string, about: TreeFacts): string {
  const made = make(path, before, about);
  assert.equal(made.text, before);
  return made.conflicts.map(({ line, why }) => `${line}: ${why}`).join("\n");
}

const handedOver = (text: string, key: string) => {
  const file = readYamlTop(text);
  const entry = "problem" in file ? undefined : file.entries.find((one) => one.key === key);
  return entry?.data;
};
const passed = "kolla_overcloud_inventory_pass_through_host_vars";
const names = Object.values(treeVariables);

describe("kolla.yml of Kayobe", () => {
  test("from Xena on the list of more variables is added to, in its stock place", () => {
    const stock = `---\n# Lists.\n#${passed}:\n\n#${passed}_extra:\n\n# Flags.\n#kolla_enable_neutron_sfc:\n#kolla_enable_neutron_sriov:\n#kolla_enable_neutron_trunk:\n`;
    const { text } = make("kolla.yml", stock, facts([sriov]));
    assert.equal(
      text,
      `---\n# Lists.\n#${passed}:\n\n#${passed}_extra:\n# vflag: what vflag's templates of nova.conf and sriov_agent.ini read on each host\n${passed}_extra:\n${names
        .map((name) => `  - ${name}\n`)
        .join("")}\n# Flags.\n#kolla_enable_neutron_sfc:\n#kolla_enable_neutron_sriov:\n` +
        "# vflag: the SR-IOV agent, for NICs in mode sriov\nkolla_enable_neutron_sriov: true\n#kolla_enable_neutron_trunk:\n",
    );
  });

  test("up to Wallaby the whole list is said, with what the release passes by itself", () => {
    for (const release of ["train", "ussuri", "victoria", "wallaby"] as const) {
      const list = handedOver(make("kolla.yml", null, facts([lag], { release })).text, passed);
      assert.ok(
        Array.isArray(list) && list.length === 16 + 3 && list.includes("kolla_neutron_bridge_names"),
        release,
      );
    }
    const mine = `${passed}: ["ansible_host", "mine"]\n`;
    assert.equal(
      make("kolla.yml", mine, facts([lag], { release: "train" })).text,
      `${passed}: ["ansible_host", "mine", ${names.map((name) => `"${name}"`).join(", ")}]\n`,
    );
  });

  test("a whole list that somebody has said counts alone in later releases too", () => {
    const mine = `${passed}:\n- ansible_host\n`;
    assert.equal(
      make("kolla.yml", mine, facts([lag])).text,
      `${mine}${names.map((name) => `- ${name}\n`).join("")}`,
    );
    const sum = `${passed}: "{{ ['a'] + ${passed}_extra }}"\n`;
    assert.deepEqual(handedOver(make("kolla.yml", sum, facts([lag])).text, `${passed}_extra`), names);
    assert.match(
      conflicts("kolla.yml", `${passed}: "{{ other }}"\n`, facts([lag])),
      /^1: .*a Jinja expression makes the list/,
    );
  });

  test("the agent is enabled for mode sriov only, and an operator's no is a conflict", () => {
    assert.doesNotMatch(make("kolla.yml", null, facts([lag])).text, /neutron_sriov/);
    assert.match(
      conflicts("kolla.yml", "kolla_enable_neutron_sriov: no\n", facts([sriov])),
      /^1: kolla_enable_neutron_sriov: it has another value/,
    );
    assert.equal(make("kolla.yml", "a: 1\n", facts([])).text, "a: 1\n");
  });
});

describe("neutron.yml of Kayobe", () => {
  const key = "kolla_neutron_ml2_mechanism_drivers";

  test("a list of drivers gets what is missing", () => {
    const there = `${key}:\n  - openvswitch # first\n  - l2population\n`;
    assert.equal(make("neutron.yml", there, facts([sriov])).text, `${there}  - sriovnicswitch\n`);
    assert.equal(make("neutron.yml", there, facts([lag])).text, there);
    assert.equal(
      make("neutron.yml", `${key}: [linuxbridge]\n`, facts([sriov, lag])).text,
      `${key}: [linuxbridge, openvswitch, sriovnicswitch]\n`,
    );
    assert.equal(make("neutron.yml", `${key}: [ovn]\n`, facts([lag])).text, `${key}: [ovn]\n`);
  });

  test("without a list Kolla's own counts, but in Train and Ussuri it has no sriovnicswitch", () => {
    for (const release of releases) {
      const { text } = make("neutron.yml", `---\n#${key}:\n`, facts([sriov], { release }));
      const old = release === "train" || release === "ussuri";
      assert.equal(text.includes("sriovnicswitch\n"), old, release);
      assert.equal(make("neutron.yml", null, facts([lag], { release })).text, "");
    }
  });
});

describe("globals.yml", () => {
  test("hardware offload from Yoga on, where a NIC is switched by its eSwitch", () => {
    for (const release of releases) {
      const made = make("kolla/globals.yml", null, facts([lag], { release }));
      const old = ["train", "ussuri", "victoria", "wallaby", "xena"].includes(release);
      if (old) assert.match(made.notes.join(), /no switch for it before Yoga/);
      else
        assert.match(
          made.text,
          release.startsWith("2026") ? /^openvswitch_hw_offload: true$/m : /^openvswitch_hw_offload: "yes"$/m,
        );
      assert.equal(make("kolla/globals.yml", null, facts([sriov], { release })).text, "");
    }
  });

  test("a plain tree has the agent's switch here", () => {
    const stock =
      '---\n#enable_neutron_sfc: "no"\n#enable_neutron_sriov: "no"\n#openvswitch_hw_offload: "no"\n';
    assert.equal(
      make("globals.yml", stock, facts([sriov, lag], { kind: "kolla" })).text,
      '---\n#enable_neutron_sfc: "no"\n#enable_neutron_sriov: "no"\n# vflag: the SR-IOV agent, for NICs in mode sriov\nenable_neutron_sriov: "yes"\n' +
        '#openvswitch_hw_offload: "no"\n# vflag: hardware offload of Open vSwitch, for NICs in mode switchdev or vf-lag\nopenvswitch_hw_offload: "yes"\n',
    );
    assert.match(
      conflicts("globals.yml", 'openvswitch_hw_offload: "no"\n', facts([lag], { kind: "kolla" })),
      /^1: .*another value/,
    );
  });
});

const novaConf = { kayobe: "kolla/config/nova.conf", kolla: "config/nova.conf" } as const;

describe("nova.conf", () => {
  const rules =
    "passthrough_whitelist = {{ ((vflag_pci_passthrough_whitelist | default([], true)) + (vflag_pci_passthrough_whitelist_extra | default([], true))" +
    " + ((nova_pci_passthrough_whitelist | default([], true)) | difference([{'physical_network': 'sriovnet1', 'devname': tunnel_interface}])))" +
    " | to_json | replace('$', '$$') }}";
  const comment = "# vflag: each host's PCI rules, of its inventory variables (vflag kayobe, vflag kolla)";

  test("Kolla renders it once, Kayobe's goes through Jinja before", () => {
    const there =
      "[filter_scheduler]\nenabled_filters = A,PciPassthroughFilter\n[pci]\nalias = {}\n[libvirt]\nx = 1\n";
    for (const kind of ["kolla", "kayobe"] as const) {
      const [begin, end] = kind === "kayobe" ? ["{% raw %}\n", "\n{% endraw %}"] : ["", ""];
      assert.equal(
        make(novaConf[kind], there, facts([sriov], { kind })).text,
        there.replace("alias = {}", () => `alias = {}\n${begin}${comment}\n${rules}${end}`),
      );
    }
  });

  test("a raw block that is there is not put into another", () => {
    const there =
      "{% raw %}\n[filter_scheduler]\nenabled_filters = PciPassthroughFilter\n[pci]\nalias = {{ a }}\n{% endraw %}\n";
    const { text } = make(novaConf.kayobe, there, facts([sriov]));
    assert.equal(
      text,
      there.replace("alias = {{ a }}", () => `alias = {{ a }}\n${comment}\n${rules}`),
    );
    assert.match(
      conflicts(novaConf.kolla, there, facts([sriov], { kind: "kolla" })),
      /ends inside of \{% raw %\}/,
    );
  });

  test("rules of others are a conflict with their line and the way out", () => {
    const cases = [
      [
        '[pci]\npassthrough_whitelist = {"devname": "p4p1"}\n',
        /^2: .*move them into the inventory as the list vflag_pci_passthrough_whitelist_extra/,
      ],
      ['[PCI]\n\ndevice_spec = [{"vendor_id": "8086"}]\n', /^3: .*vflag_pci_passthrough_whitelist_extra/],
      ['[DEFAULT]\npci_passthrough_whitelist = {"devname": "p4p1"}\n', /^2: /],
      [
        "[pci]\n{% raw %}\npassthrough_whitelist = [{% for d, p in sriov_physnet_mappings.items() %}{{ d }}{% endfor %}]\n{% endraw %}\n",
        /^3: an expression makes these/,
      ],
      ["{% if a %}\n[pci]\ndevice_spec = {}\n{% endif %}\n", /^3: an expression/],
      ["x = 1\n", /^1: oslo.config refuses/],
      [
        "[filter_scheduler]\nenabled_filters = {{ filters }}\n",
        /^2: .*a Jinja expression decides about enabled_filters/,
      ],
    ] as const;
    for (const [text, why] of cases)
      assert.match(conflicts(novaConf.kayobe, text, facts([sriov])), why, text);
    assert.match(
      make(novaConf.kayobe, "[pci]\ndevice_spec = {}\n", facts([sriov], { release: "yoga" })).notes.join(),
      /line 2: device_spec is not known before Zed/,
    );
    const later = "kolla/config/nova/nova-compute.conf";
    assert.match(
      conflicts(later, "[pci]\ndevice_spec = {}\n", facts([sriov])),
      /^2: this file comes after nova.conf/,
    );
    assert.equal(make(later, "[DEFAULT]\ncpu = 1\n", facts([sriov])).text, "[DEFAULT]\ncpu = 1\n");
  });

  test("what vflag wrote before follows: literal rules, another expression", () => {
    const before = `[pci]\nalias = {}\n# vflag: NIC nic0, mode sriov: the VFs of ens3f0, by its name\npassthrough_whitelist = {"devname": "ens3f0"}\n[filter_scheduler]\nenabled_filters = PciPassthroughFilter\n`;
    assert.equal(
      make(novaConf.kolla, before, facts([sriov], { kind: "kolla" })).text,
      `[pci]\nalias = {}\n${comment}\n${rules}\n[filter_scheduler]\nenabled_filters = PciPassthroughFilter\n`,
    );
    const { text } = make(novaConf.kayobe, null, facts([sriov]));
    assert.equal(make(novaConf.kayobe, text.replace("to_json", "to_nice_json"), facts([sriov])).text, text);
  });

  test("Kolla merges sections by their exact names, so the rules stand in [pci], whatever other forms there are", () => {
    const there = "[PCI]\nalias = {}\n[filter_scheduler]\nenabled_filters = PciPassthroughFilter\n";
    assert.equal(
      make(novaConf.kolla, there, facts([sriov], { kind: "kolla" })).text,
      `${there}\n[pci]\n${comment}\n${rules}\n`,
    );
  });

  test("an own line that has lost its raw block gets one again; one that is in a condition is a conflict", () => {
    const kolla = make(novaConf.kolla, null, facts([sriov], { kind: "kolla" })).text;
    assert.equal(
      make(novaConf.kayobe, kolla, facts([sriov])).text,
      make(novaConf.kayobe, null, facts([sriov])).text,
    );
    const conditional = `{% if x %}\n[pci]\n${comment}\n${rules}\n{% endif %}\n`;
    assert.match(
      conflicts(novaConf.kolla, conditional, facts([sriov], { kind: "kolla" })),
      /^4: .*in a block of Jinja; take it out/,
    );
  });

  test("nothing is written where no host has VFs for guests", () => {
    assert.equal(
      make(novaConf.kayobe, "[pci]\n", facts(["mode: switchdev, ports: [ens3f0]"])).text,
      "[pci]\n",
    );
  });
});

describe("sriov_agent.ini and ml2_conf.ini", () => {
  const agent = "kolla/config/neutron/sriov_agent.ini";
  const ml2 = "config/neutron/ml2_conf.ini";

  test("each host's mappings, in mode sriov only", () => {
    const { text } = make(agent, "[agent]\r\nextensions = qos\r\n", facts([sriov]));
    assert.equal(
      text,
      "[agent]\r\nextensions = qos\r\n\r\n[sriov_nic]\r\n{% raw %}\r\n# vflag: each host's ports of NICs in mode sriov, of its inventory variable (vflag kayobe, vflag kolla)\r\n" +
        "physical_device_mappings = {{ ((vflag_sriov_physical_device_mappings | default([], true)) + (((neutron_sriov_physnets | default('', true))" +
        ".split(',') | reject('equalto', '') | list) | difference(['sriovnet1:' ~ tunnel_interface]))) | unique | join(',') | replace('$', '$$') }}\r\n" +
        "# vflag: no VF is kept from guests\r\nexclude_devices =\r\n{% endraw %}\r\n",
    );
    const offloaded = make(agent, null, facts([lag]));
    assert.equal(offloaded.text, "");
    assert.match(offloaded.notes.join(), /in mode vf-lag the openvswitch driver binds/);
  });

  test("mappings of others are a conflict; what they exclude stays", () => {
    assert.match(
      conflicts(agent, "[sriov_nic]\nphysical_device_mappings = a:b\n", facts([sriov])),
      /^2: vflag's would take its place/,
    );
    const there = "[sriov_nic]\nexclude_devices = ens3f0:0000:37:00.2\n";
    assert.ok(make(agent, there, facts([sriov])).text.startsWith(there));
  });

  test("a plain tree's ml2_conf.ini has the drivers in Train and Ussuri; a list that is there gets what is missing", () => {
    for (const release of releases) {
      const { text } = make(ml2, null, facts([sriov], { release, kind: "kolla" }));
      assert.equal(text.includes("sriovnicswitch"), release === "train" || release === "ussuri", release);
      assert.equal(make(`kolla/${ml2}`, null, facts([sriov], { release })).text, "");
      assert.match(
        make(`kolla/${ml2}`, "[ml2]\nmechanism_drivers = ovn\n", facts([sriov], { release })).text,
        /= ovn,sriovnicswitch$/m,
      );
    }
  });
});

describe("the playbook and its hook", () => {
  test("a hook from Ussuri on, a note in Train, none without a spec", () => {
    assert.deepEqual(treeLinks(facts([lag])), [
      { path: "hooks/overcloud-host-configure/post.d/50-vflag.yml", target: "../../../ansible/vflag.yml" },
    ]);
    assert.deepEqual(treeLinks(facts([lag], { release: "train" })), []);
    assert.match(
      make("ansible/vflag.yml", null, facts([lag], { release: "train" })).notes.join(),
      /kayobe playbook run/,
    );
    assert.deepEqual(treeLinks(facts([sriov], { groups: [] })), []);
    assert.equal(make("ansible/vflag.yml", null, facts([sriov], { groups: [] })).text, "");
    assert.deepEqual(treeLinks(facts([lag], { kind: "kolla" })), []);
  });

  test("it is vflag's alone: another of that name is a conflict, an older one is replaced", () => {
    assert.match(conflicts("ansible/vflag.yml", "- hosts: all\n", facts([lag])), /^1: somebody else made it/);
    const { text } = make("ansible/vflag.yml", null, facts([lag], { groups: ["a", "b"] }));
    assert.match(text, /^ {2}hosts: "a:b"$/m);
    assert.equal(
      make("ansible/vflag.yml", text, facts([lag], { groups: ["c"] })).text,
      text.replace('"a:b"', '"c"'),
    );
  });
});

describe("an environment of Kayobe's", () => {
  const paths = (release: TreeFacts["release"]) =>
    treeFiles(facts([sriov], { release, environment: "prod" })).map(({ path }) => path);
  const own = "environments/prod";
  const about = (release: TreeFacts["release"], more: Partial<TreeFacts> = {}) =>
    facts([sriov, lag], { release, environment: "prod", ...more });

  /** All files of a tree that has some already, as a write leaves them. */
  function written(there: Readonly<Record<string, string>>, facts: TreeFacts): Record<string, string> {
    const tree: Record<string, string> = { ...there };
    for (const { path, make: made } of treeFiles(facts)) {
      const { text, conflicts: against } = made(tree[path] ?? null, (other) => there[other] ?? null);
      assert.deepEqual(against, [], path);
      if (text !== "") tree[path] = text;
    }
    return tree;
  }

  test("files that are combined are looked at in all layers, and only its own are written", () => {
    const both = (path: string) => [path, `${own}/${path}`];
    const config = [
      ...["global.conf", "nova.conf", "nova/nova-scheduler.conf", "nova/nova-compute.conf"],
      ...["neutron/sriov_agent.ini", "neutron/ml2_conf.ini"],
    ].map((path) => `kolla/config/${path}`);
    const variables = [`${own}/kolla.yml`, `${own}/neutron.yml`, "kolla.yml", "neutron.yml"];
    const alone = config.map((path) => `${own}/${path}`);
    const playbook = `${own}/ansible/vflag.yml`;
    assert.deepEqual(paths("wallaby"), [...variables, `${own}/kolla/globals.yml`, ...alone, playbook]);
    for (const release of ["xena", "zed", "2023.1"] as const)
      assert.deepEqual(paths(release), [...variables, ...both("kolla/globals.yml"), ...alone, playbook]);
    assert.deepEqual(paths("2023.2"), [
      ...variables,
      ...both("kolla/globals.yml"),
      ...config.flatMap(both),
      playbook,
    ]);
    const shared = {
      "kolla.yml": `kolla_enable_neutron_sriov: no\n${passed}_extra: [mine]\n`,
      "kolla/globals.yml": "openvswitch_hw_offload: no\n",
      "kolla/config/nova.conf": "[filter_scheduler]\nenabled_filters = A,B\n",
      "kolla/config/neutron/ml2_conf.ini": "[ml2]\nmechanism_drivers = ovn\n",
      [`${own}/kolla.yml`]: "a: 1\n",
    };
    for (const release of releases) {
      const tree = written(shared, about(release));
      for (const [path, text] of Object.entries(shared))
        if (!path.startsWith(own)) assert.equal(tree[path], text, `${release} ${path}`);
      assert.ok(Object.keys(tree).every((path) => path in shared || path.startsWith(own)));
      assert.match(tree[`${own}/kolla.yml`] ?? "", /^a: 1\n(?:.*\n)*kolla_enable_neutron_sriov: true$/m);
      // The list of the environment's takes the place of the shared one, so it says that again.
      const list = handedOver(tree[`${own}/kolla.yml`] ?? "", `${passed}_extra`);
      if (release !== "train" && release in { xena: 1, "2024.1": 1, "2026.1": 1 })
        assert.deepEqual(list, ["mine", ...names]);
    }
    const tree = written(shared, about("2024.1"));
    assert.match(
      tree[`${own}/kolla/config/nova.conf`] ?? "",
      /^enabled_filters = A,B,PciPassthroughFilter$/m,
    );
    assert.match(
      tree[`${own}/kolla/config/neutron/ml2_conf.ini`] ?? "",
      /^mechanism_drivers = ovn,sriovnicswitch$/m,
    );
    assert.match(tree[`${own}/kolla/globals.yml`] ?? "", /^openvswitch_hw_offload: "yes"$/m);
    // Once more on top of it: nothing changes.
    assert.deepEqual(written(tree, about("2024.1")), tree);
    // Merging can be switched off: the environment's files count alone, and none of the shared lists.
    const apart = written(shared, about("2024.1", { layering: { dependencies: [], merged: false } }));
    assert.doesNotMatch(apart[`${own}/kolla/config/nova.conf`] ?? "", /A,B/);
  });

  test("what an earlier run wrote into shared files is enough", () => {
    const before = written({}, facts([sriov, lag]));
    assert.deepEqual(Object.keys(written(before, about("2024.1"))), [
      ...Object.keys(before),
      `${own}/ansible/vflag.yml`,
    ]);
  });

  test("environments that it depends on stand between", () => {
    const layering = { dependencies: ["base"], merged: true };
    const tree = written(
      {
        "kolla/config/nova.conf": "[filter_scheduler]\nenabled_filters = A\n",
        "environments/base/kolla/config/nova.conf": "[filter_scheduler]\nenabled_filters = B\n",
        "environments/base/neutron.yml": "kolla_neutron_ml2_mechanism_drivers: [ovn]\n",
      },
      about("2024.1", { layering, variableFiles: ["environments/base/neutron.yml"] }),
    );
    assert.match(tree[`${own}/kolla/config/nova.conf`] ?? "", /^enabled_filters = B,PciPassthroughFilter$/m);
    assert.match(
      tree[`${own}/neutron.yml`] ?? "",
      /^kolla_neutron_ml2_mechanism_drivers:\n {2}- ovn\n {2}- sriovnicswitch$/m,
    );
  });

  test("rules that others wrote into shared files are conflicts there; its own files have to agree", () => {
    const here = about("2024.1");
    for (const path of ["kolla/config/nova.conf", `${own}/kolla/config/nova.conf`])
      assert.match(
        conflicts(path, "[pci]\ndevice_spec = {}\n", here),
        /^2: .*vflag_pci_passthrough_whitelist_extra/,
      );
    for (const path of [
      "kolla/config/neutron/sriov_agent.ini",
      `${own}/kolla/config/neutron/sriov_agent.ini`,
    ])
      assert.match(conflicts(path, "[sriov_nic]\nphysical_device_mappings = a:b\n", here), /^2: /);
    assert.match(
      conflicts(`${own}/kolla.yml`, "x: 1\nkolla_enable_neutron_sriov: no\n", here),
      /^2: .*another value/,
    );
    assert.match(
      make(`${own}/kolla.yml`, `${passed}_extra: [mine]\n`, here).text,
      /^\S+: \[mine, vflag_pci_passthrough_whitelist, /m,
    );
    assert.match(
      conflicts(`${own}/kolla/globals.yml`, "openvswitch_hw_offload: no\n", here),
      /^1: .*another value/,
    );
  });

  test("its playbook names the path that it has", () => {
    const path = "environments/prod/ansible/vflag.yml";
    const made = treeFiles(about("2024.1", { groups: ["compute"] })).find((file) => file.path === path);
    assert.match(
      made?.make(null).text ?? "",
      /kayobe playbook run \$KAYOBE_CONFIG_PATH\/environments\/prod\/ansible\/vflag\.yml\n/,
    );
  });

  test("its hook is its own from 2024.1 on; before, it is all environments', and takes leave", () => {
    const hook = "hooks/overcloud-host-configure/post.d/50-vflag.yml";
    assert.deepEqual(treeLinks(about("2024.1")), [
      { path: `${own}/${hook}`, target: "../../../ansible/vflag.yml" },
    ]);
    assert.deepEqual(treeLinks(about("2023.2")), []);
    assert.deepEqual(treeLinks(about("2023.2", { shared: true })), [
      { path: hook, target: "../../../environments/prod/ansible/vflag.yml" },
    ]);
  });
});

describe("variables in other files", () => {
  const others = (texts: Readonly<Record<string, string>>, more: Partial<TreeFacts> = {}) => {
    const about = facts([sriov, lag], { variableFiles: Object.keys(texts), ...more });
    return Object.fromEntries(
      treeFiles(about).flatMap(({ path, make: made }) => {
        const { text, conflicts: against } = made(texts[path] ?? null, (other) => texts[other] ?? null);
        return path.includes("/") || path === "ansible/vflag.yml" ? [] : [[path, against[0]?.why ?? text]];
      }),
    );
  };

  test("a list in another file of extra variables gets the names there, wherever it stands", () => {
    for (const name of ["a.yml", "zz.yml"]) {
      const made = others({ [name]: `${passed}_extra: [mine]\n` });
      assert.match(made[name] ?? "", /^\S+: \[mine, vflag_pci_passthrough_whitelist, /);
      assert.doesNotMatch(made["kolla.yml"] ?? "", new RegExp(passed));
    }
    // The last one counts.
    const made = others({ "a.yml": `${passed}_extra: [one]\n`, "b.yml": `${passed}_extra: [two]\n` });
    assert.deepEqual(
      [made["a.yml"], handedOver(made["b.yml"] ?? "", `${passed}_extra`)],
      [`${passed}_extra: [one]\n`, ["two", ...names]],
    );
  });

  test("a switch that a later file turns off is a conflict there", () => {
    assert.match(
      others({ "zz.yml": "kolla_enable_neutron_sriov: false\n" })["zz.yml"] ?? "",
      /^kolla_enable_neutron_sriov: it has another/,
    );
    assert.equal(
      others({ "zz.yml": "kolla_enable_neutron_sriov: yes\n" })["zz.yml"],
      "kolla_enable_neutron_sriov: yes\n",
    );
  });

  test("what the inventory says would be hidden: a conflict with its place", () => {
    const hidden = [
      { key: `${passed}_extra`, value: ["mine"], place: "inventory/group_vars/all/kolla.yml:3" },
    ];
    assert.match(
      others({}, { hidden })["kolla.yml"] ?? "",
      /^inventory\/group_vars\/all\/kolla.yml:3 sets .* an extra variable would hide/,
    );
  });

  test("a plain tree's globals.d comes after globals.yml", () => {
    const about = facts([sriov, lag], { kind: "kolla", variableFiles: ["globals.yml", "globals.d/net.yml"] });
    const texts: Record<string, string> = {
      "globals.yml": "a: 1\n",
      "globals.d/net.yml": "openvswitch_hw_offload: no\n",
    };
    const of = (path: string) =>
      treeFiles(about)
        .find((one) => one.path === path)
        ?.make(texts[path] ?? null, (other) => texts[other] ?? null);
    assert.match(of("globals.d/net.yml")?.conflicts[0]?.why ?? "", /another value/);
    assert.doesNotMatch(of("globals.yml")?.text ?? "", /hw_offload/);
  });
});

describe("the scheduler's filters", () => {
  const [global, nova, scheduler] = ["global.conf", "nova.conf", "nova/nova-scheduler.conf"].map(
    (name) => `kolla/config/${name}`,
  ) as [string, string, string];
  const filtersIn = (text: string | undefined) => /^enabled_filters = (.*)$/m.exec(text ?? "")?.[1];
  /** What each file lists in the end. */
  function listed(there: Readonly<Record<string, string>>, more: Partial<TreeFacts> = {}) {
    const about = facts([sriov], more);
    const tree: Record<string, string> = { ...there };
    for (const path of [global, nova, scheduler]) {
      const file = treeFiles(about).find((one) => one.path === path);
      const made = file?.make(there[path] ?? null, (other) => there[other] ?? null);
      assert.deepEqual(made?.conflicts, []);
      if (made?.text !== undefined && made.text !== "") tree[path] = made.text;
    }
    return [global, nova, scheduler].map((path) => filtersIn(tree[path]));
  }
  const list = (...filters: string[]) => `[filter_scheduler]\nenabled_filters = ${filters.join(",")}\n`;
  const kolla = (filters: TreeFacts["kolla"]) => ({
    kolla: filters ?? { filters: null, filtersAfterGlobal: false, keepsPlaceholder: false },
  });

  test("the filter joins the list that counts, in its file", () => {
    assert.deepEqual(listed({ [scheduler]: list("A") }), [undefined, undefined, "A,PciPassthroughFilter"]);
    assert.deepEqual(listed({ [global]: list("A") }), ["A,PciPassthroughFilter", undefined, undefined]);
    assert.deepEqual(listed({ [global]: list("A"), [nova]: list("B") }), [
      "A",
      "B,PciPassthroughFilter",
      undefined,
    ]);
    assert.deepEqual(listed({ [nova]: list("B"), [scheduler]: list("C") }), [
      undefined,
      "B,PciPassthroughFilter",
      "C,PciPassthroughFilter",
    ]);
  });

  test("Kolla-Ansible's own list with Blazar is what is added to, in every release; it goes when Blazar goes", () => {
    for (const release of releases) {
      const filters = {
        list: kollaFilters(release, "blazar"),
        from: "the filters that Kolla-Ansible has by itself with Blazar",
      };
      const facts = { filters, filtersAfterGlobal: false, keepsPlaceholder: false };
      const [, made = ""] = listed({}, { release, ...kolla(facts) });
      assert.match(made, /ServerGroupAffinityFilter,BlazarFilter,PciPassthroughFilter$/);
      assert.equal(
        made.startsWith("AvailabilityZoneFilter"),
        !["2023", "2024", "2025", "2026"].includes(release.slice(0, 4)),
        release,
      );
    }
    const off = kolla(undefined);
    const on = kolla({
      ...off.kolla,
      filters: {
        list: kollaFilters("2024.1", "blazar"),
        from: "the filters that Kolla-Ansible has by itself with Blazar",
      },
    });
    const first = make(nova, null, facts([sriov], off)).text;
    const later = make(nova, first, facts([sriov], on)).text;
    assert.match(filtersIn(later) ?? "", /,BlazarFilter,PciPassthroughFilter$/);
    assert.equal(make(nova, later, facts([sriov], off)).text, first);
    // A list that somebody wrote stays theirs.
    assert.match(
      make(nova, list("A"), facts([sriov], on)).text,
      /^enabled_filters = A,PciPassthroughFilter$/m,
    );
  });

  test("a list that vflag made goes where somebody else's begins to count", () => {
    const made = make(nova, null, facts([sriov])).text;
    assert.deepEqual(listed({ [nova]: made, [scheduler]: list("C") }), [
      undefined,
      undefined,
      "C,PciPassthroughFilter",
    ]);
  });

  test("PCI rules in global.conf are a conflict: nova.conf comes after it", () => {
    assert.match(
      conflicts(global, '[pci]\npassthrough_whitelist = {"devname": "a"}\n', facts([sriov])),
      /^2: nova.conf comes after this file/,
    );
    assert.equal(make(global, "[DEFAULT]\ndebug\n", facts([sriov])).text, "[DEFAULT]\ndebug\n");
  });
});

/** Lines that people have in such files. */
const line = fc.constantFrom(
  "[pci]",
  "[PCI]",
  "[DEFAULT]",
  "[sriov_nic]",
  "[filter_scheduler]",
  "[ml2]",
  "[libvirt]",
  "# comment",
  "; comment",
  "",
  'alias = {"name": "gpu"}',
  "cpu_mode = host-passthrough  # not a comment",
  "path = $state_path/x",
  "price = 10$$ 50%",
  "key: value",
  "\tcontinued\tvalue",
  "   continued,",
  "enabled_filters = ComputeFilter,\n   MyFilter",
  "available_filters = mine.Filter",
  "exclude_devices = a:0000:01:00.1",
  "mechanism_drivers = openvswitch,l2population",
  "{% if groups['x'] %}",
  "{% endif %}",
  "{# why #}",
  "host = {{ inventory_hostname }}",
  "über = straße",
  "x = 1",
  "x = 2",
);
const messy = fc
  .tuple(fc.array(line, { maxLength: 12 }), fc.boolean(), fc.boolean())
  .map(([lines, windows, ended]) => {
    const text = `[x]\n${lines.join("\n")}${ended ? "\n" : ""}`;
    return windows ? text.replaceAll("\n", "\r\n") : text;
  });

describe("messy files of the tree", () => {
  test("only vflag's lines come in, all others stay, and a second run changes nothing", () => {
    let changed = 0;
    fc.assert(
      fc.property(
        messy,
        fc.constantFrom(...releases),
        fc.constantFrom("kayobe" as const, "kolla" as const),
        (text, release, kind) => {
          const about = facts([sriov, lag], { release, kind });
          const config = kind === "kayobe" ? "kolla/config" : "config";
          for (const path of [
            `${config}/nova.conf`,
            `${config}/neutron/sriov_agent.ini`,
            `${config}/neutron/ml2_conf.ini`,
          ]) {
            const made = make(path, text, about);
            if (made.conflicts.length > 0 || made.text === text) {
              assert.equal(made.text, text);
              continue;
            }
            changed++;
            const [before, after] = [readIni(text, "template"), readIni(made.text, "template")];
            assert.deepEqual(after.problems, []);
            const ours = [
              "passthrough_whitelist",
              "physical_device_mappings",
              "exclude_devices",
              "enabled_filters",
              "available_filters",
              "mechanism_drivers",
            ];
            const others = (ini: typeof before) =>
              ini.entries
                .filter(({ key }) => !ours.includes(key))
                .map(({ section, key, value, start, end }) => [
                  section,
                  key,
                  value,
                  ini.text.slice(start, end),
                ]);
            assert.deepEqual(others(after), others(before));
            const comments = (one: string) =>
              one.split(/\r?\n/).filter((each) => /^(?:[;{]|# c)/.test(each) && !/raw %\}$/.test(each));
            assert.deepEqual(comments(made.text), comments(text));
            if (path.endsWith("nova.conf")) {
              assert.equal(entriesOf(after, "pci", "passthrough_whitelist").length, 1);
              assert.match(
                optionValue(after, "filter_scheduler", "enabled_filters") ?? "",
                /(?:^|,)PciPassthroughFilter$/,
              );
            }
            if (text.includes("\r\n")) assert.doesNotMatch(made.text, /[^\r]\n/);
          }
        },
      ),
      { numRuns: runs },
    );
    assert.ok(changed > runs / 2, `only ${changed} files were changed`);
  });
});
