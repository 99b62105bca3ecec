import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { type Release, releases } from "../../src/openstack/releases.ts";
import { type Deployment, type DeploymentRequest, deploy, treeOf, withoutDeployment } from "./deployment.ts";

const inventory =
  "localhost ansible_connection=local\n[controllers]\ncontrol0\n[compute]\ncompute0\ncompute1\n[compute_sriov]\ncompute1\n";
/** A tree of the sources: the mapping of devices at three levels, and templates that read it. */
const blog = {
  "inventory/hosts": inventory,
  "inventory/group_vars/all/sriov": "sriov_physnet_mappings:\n  p4p1: physnet2\n",
  "inventory/host_vars/compute1": "sriov_physnet_mappings:\n  p5p1: physnet2\n  p5p2: physnet3\n",
  "kolla.yml":
    "kolla_enable_neutron_sriov: true\nkolla_overcloud_inventory_pass_through_host_vars_extra: [sriov_physnet_mappings]\n",
  "kolla/config/nova.conf": `[pci]
{% raw %}
passthrough_whitelist = [{% for dev, physnet in sriov_physnet_mappings.items() %}{{ (loop.index0 > 0)|ternary(',','') }}{ "devname": "{{ dev }}", "physical_network": "{{ physnet }}" }{% endfor %}]
{% endraw %}
`,
  "kolla/config/neutron/sriov_agent.ini": `[sriov_nic]
{% raw %}
physical_device_mappings = {% for dev, physnet in sriov_physnet_mappings.items() %}{{ (loop.index0 > 0)|ternary(',','') }}{{ physnet }}:{{ dev }}{% endfor %}
exclude_devices =
{% endraw %}
`,
};

/** Trees that are looked at here: all of them are made in one process. */
const requests: DeploymentRequest[] = [];
let all: readonly Deployment[] = [];
const made = (request: number): Deployment => {
  const found = all[request];
  assert.ok(found);
  return found;
};
/** A Kayobe configuration; its number among the trees. */
const kayobe = (files: Record<string, string>, release: Release = "zed", environment?: string) =>
  requests.push({
    kind: "kayobe",
    config: treeOf(files),
    release,
    ...(environment !== undefined && { environment }),
  }) - 1;
/** A Kolla-Ansible configuration; its number among the trees. */
const kolla = (files: Record<string, string>, release: Release = "zed") => {
  const config = treeOf({
    "globals.yml": "enable_neutron_sriov: yes\n",
    hosts: inventory.replace("controllers", "control"),
    ...files,
  });
  return requests.push({ kind: "kolla", config, inventory: `${config}/hosts`, release }) - 1;
};
const fileOf = (tree: number, host: string, file = "nova-compute/nova.conf") =>
  made(tree).hosts[host]?.[file] ?? "";
const line = (tree: number, host: string, key: string, file?: string) =>
  fileOf(tree, host, file)
    .split("\n")
    .find((one) => one.startsWith(`${key} =`)) ?? "";

/** Each of these was seen when the real programs ran, or is in their code. */
describe("the emulation does what Kayobe and Kolla-Ansible do", { skip: withoutDeployment }, () => {
  before(async () => {
    all = await deploy(requests);
  });

  const plain = kayobe(blog);
  test("the sources' templates: the rules are right on each host, and the line break after the loop is lost in sriov_agent.ini", () => {
    assert.equal(
      line(plain, "compute0", "passthrough_whitelist"),
      'passthrough_whitelist = [{ "devname": "p4p1", "physical_network": "physnet2" }]',
    );
    assert.equal(
      line(plain, "compute1", "passthrough_whitelist"),
      'passthrough_whitelist = [{ "devname": "p5p1", "physical_network": "physnet2" },{ "devname": "p5p2", "physical_network": "physnet3" }]',
    );
    const mappings = line(
      plain,
      "compute1",
      "physical_device_mappings",
      "neutron-sriov-agent/sriov_agent.ini",
    );
    assert.equal(mappings, "physical_device_mappings = physnet2:p5p1,physnet3:p5p2exclude_devices =");
  });

  const notPassed = kayobe({ ...blog, "kolla.yml": "kolla_enable_neutron_sriov: true\n" });
  const early = kayobe(blog, "wallaby");
  const whole = "kolla_overcloud_inventory_pass_through_host_vars: [ansible_host, sriov_physnet_mappings]\n";
  const redefined = kayobe({ ...blog, "kolla.yml": `kolla_enable_neutron_sriov: true\n${whole}` }, "wallaby");
  test("Kayobe's inventory variables do not reach Kolla-Ansible unless they are passed through", () => {
    assert.match(made(notPassed).refused ?? "", /'sriov_physnet_mappings' is undefined/);
    // Before Xena there is no list to add to.
    assert.match(made(early).refused ?? "", /'sriov_physnet_mappings' is undefined/);
    assert.match(line(redefined, "compute0", "passthrough_whitelist"), /p4p1/);
  });

  const extra = kayobe({ ...blog, "sriov.yml": "sriov_physnet_mappings:\n  p9p1: physnet9\n" });
  test("a variable of etc/kayobe/*.yml beats the inventory's", () => {
    for (const host of ["compute0", "compute1"])
      assert.match(line(extra, host, "passthrough_whitelist"), /"p9p1"/);
  });

  const bare = kayobe(
    Object.fromEntries(
      Object.entries(blog).map(([path, text]) => [path, text.replace(/\{% (end)?raw %\}\n/g, "")]),
    ),
  );
  test("without a raw block each host gets the value of the control host", () => {
    assert.match(line(bare, "compute1", "passthrough_whitelist"), /"p4p1"/);
  });

  const empty = kayobe({ ...blog, "neutron.yml": "---\n" });
  test("a file of etc/kayobe/*.yml with nothing in it ends the run", () => {
    assert.match(made(empty).refused ?? "", /neutron\.yml' could not be made into a dictionary/);
  });

  const sameKey = kolla({ "config/nova.conf": "[pci]\npassthrough_whitelist = []\n" });
  const otherKey = kolla({ "config/nova.conf": "[pci]\ndevice_spec = []\n" });
  test("the same key takes the place of Kolla's own value, another name of the option stands beside it", () => {
    assert.match(fileOf(sameKey, "compute0"), /\[pci\]\npassthrough_whitelist = \[\]\n\n/);
    assert.match(
      fileOf(otherKey, "compute0"),
      /passthrough_whitelist = \[\{"physical_network": "sriovnet1", "devname": "eth0"\}\]\ndevice_spec = \[\]\n/,
    );
  });

  const files = kolla({
    "config/global.conf": "[pci]\nalias = a\nalias = b\n",
    "config/nova.conf":
      "# comment\n[pci]\npassthrough_whitelist: [\n  {},\n  {}\n  ]\nalias = c\n[PCI]\nalias = d\n",
    "config/nova/nova-compute.conf": "[pci]\nalias = e\nalias = f\n",
    "config/nova/compute1/nova.conf": "[pci]\nalias = {{ inventory_hostname }}\n",
  });
  const late = { "config/nova/compute0/nova-compute.conf": "[pci]\nalias = late\n" };
  const [before2023, from2023] = [kolla(late, "2023.1"), kolla(late, "2023.2")];
  const broken = kolla({ "config/nova.conf": "[pci]\nno assignment\n" });
  test("the order of files, repeats, continued lines, and sections that differ in case only", () => {
    assert.match(
      fileOf(files, "compute0"),
      /\[pci\]\npassthrough_whitelist = \[\n {24}\{\},\n {24}\{\}\n {24}\]\nalias = e\nalias = f\n\n[\s\S]*\[PCI\]\nalias = d\n/,
    );
    assert.match(fileOf(files, "compute1"), /\nalias = compute1\n/);
    assert.deepEqual(
      [line(before2023, "compute0", "alias"), line(from2023, "compute0", "alias")],
      ["", "alias = late"],
    );
    assert.match(made(broken).refused ?? "", /No ':' or '=' found in assignment/);
  });

  const enabled = releases.map((release) => kolla({}, release));
  test("what enable_neutron_sriov does in each release", () => {
    for (const [index, release] of releases.entries()) {
      const tree = enabled[index] ?? -1;
      assert.equal(made(tree).refused, undefined, release);
      const agentOnly = release === "train" || release === "ussuri";
      const drivers = line(tree, "control0", "mechanism_drivers", "neutron-server/ml2_conf.ini");
      assert.equal(
        drivers,
        `mechanism_drivers = openvswitch,l2population${agentOnly ? "" : ",sriovnicswitch"}`,
        release,
      );
      assert.equal(line(tree, "compute0", "passthrough_whitelist") === "", agentOnly, release);
      const mappings = line(
        tree,
        "compute0",
        "physical_device_mappings",
        "neutron-sriov-agent/sriov_agent.ini",
      );
      assert.equal(mappings, "physical_device_mappings = sriovnet1:eth0");
      assert.equal(
        "compute0" in made(tree).switches,
        releases.indexOf(release) >= releases.indexOf("yoga"),
        release,
      );
    }
  });

  const site = {
    ...blog,
    "environments/site/kolla/config/nova.conf": "[scheduler]\nmax_attempts = 5\n",
    "environments/site/kolla/globals.yml": "openvswitch_hw_offload: yes\n",
  };
  const ignored = kayobe(site, "zed", "site");
  const merged = kayobe(site, "2024.1", "site");
  const both = { ...site, "kolla/config/nova.conf": "[scheduler]\nmax_attempts = 3\n" };
  const [alone, joined, glued] = [
    kayobe(both, "2023.1", "site"),
    kayobe(both, "2024.1", "site"),
    kayobe(both, "2025.2", "site"),
  ];
  test("an environment's files: in place of the base's up to 2023.1, after them then, with no line break between from 2025.2", () => {
    assert.doesNotMatch(fileOf(ignored, "compute0"), /p4p1/);
    assert.equal(made(ignored).switches["compute0"]?.openvswitch_hw_offload, true);
    assert.match(fileOf(merged, "compute0"), /p4p1[\s\S]*\[scheduler\]\nmax_attempts = 5/);
    assert.match(fileOf(alone, "compute0"), /\[scheduler\]\nmax_attempts = 5\n\n/);
    assert.match(fileOf(joined, "compute0"), /\[scheduler\]\nmax_attempts = 3\nmax_attempts = 5\n/);
    assert.match(fileOf(glued, "compute0"), /max_attempts = 3\[scheduler\]/);
  });
});
