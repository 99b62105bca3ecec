import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Release, releases } from "../../src/openstack/releases.ts";
import { type Deployment, deploy, treeOf, withoutDeployment } from "./deployment.ts";

const inventory = "localhost ansible_connection=local\n[controllers]\ncontrol0\n[compute]\ncompute0\ncompute1\n[compute_sriov]\ncompute1\n";
/** A tree of the sources: the mapping of devices at three levels, and templates that read it. */
const blog = {
  "inventory/hosts": inventory,
  "inventory/group_vars/all/sriov": "sriov_physnet_mappings:\n  p4p1: physnet2\n",
  "inventory/host_vars/compute1": "sriov_physnet_mappings:\n  p5p1: physnet2\n  p5p2: physnet3\n",
  "kolla.yml": "kolla_enable_neutron_sriov: true\nkolla_overcloud_inventory_pass_through_host_vars_extra: [sriov_physnet_mappings]\n",
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

const kayobe = (files: Record<string, string>, release: Release = "zed", environment?: string): Deployment => {
  const [made] = deploy([{ kind: "kayobe", config: treeOf(files), release, ...(environment !== undefined && { environment }) }]);
  assert.ok(made);
  return made;
};
const kolla = (files: Record<string, string>, release: Release = "zed"): Deployment => {
  const config = treeOf({ "globals.yml": "enable_neutron_sriov: yes\n", hosts: inventory.replace("controllers", "control"), ...files });
  const [made] = deploy([{ kind: "kolla", config, inventory: `${config}/hosts`, release }]);
  assert.ok(made);
  return made;
};
const line = (made: Deployment, host: string, file: string, key: string) =>
  made.hosts[host]?.[file]?.split("\n").find((one) => one.startsWith(`${key} =`));

/** What was seen when the real programs ran, of each of these rules. */
describe("the emulation does what Kayobe and Kolla-Ansible do", { skip: withoutDeployment }, () => {
  test("the sources' templates: the rules are right on each host, and the newline after the loop is lost in sriov_agent.ini", () => {
    const made = kayobe(blog);
    const whitelist = (host: string) => line(made, host, "nova-compute/nova.conf", "passthrough_whitelist");
    assert.equal(whitelist("compute0"), 'passthrough_whitelist = [{ "devname": "p4p1", "physical_network": "physnet2" }]');
    assert.equal(
      whitelist("compute1"),
      'passthrough_whitelist = [{ "devname": "p5p1", "physical_network": "physnet2" },{ "devname": "p5p2", "physical_network": "physnet3" }]',
    );
    const mappings = line(made, "compute1", "neutron-sriov-agent/sriov_agent.ini", "physical_device_mappings");
    assert.equal(mappings, "physical_device_mappings = physnet2:p5p1,physnet3:p5p2exclude_devices =");
  });

  test("Kayobe's inventory variables do not reach Kolla-Ansible unless they are passed through", () => {
    const none = kayobe({ ...blog, "kolla.yml": "kolla_enable_neutron_sriov: true\n" });
    assert.match(none.refused ?? "", /'sriov_physnet_mappings' is undefined/);
    // Before Xena there is no list to add to.
    assert.match(kayobe(blog, "wallaby").refused ?? "", /'sriov_physnet_mappings' is undefined/);
    const whole = "kolla_overcloud_inventory_pass_through_host_vars: [ansible_host, sriov_physnet_mappings]\n";
    const redefined = kayobe({ ...blog, "kolla.yml": `kolla_enable_neutron_sriov: true\n${whole}` }, "wallaby");
    assert.match(line(redefined, "compute0", "nova-compute/nova.conf", "passthrough_whitelist") ?? "", /p4p1/);
  });

  test("a variable of etc/kayobe/*.yml beats the inventory's", () => {
    const made = kayobe({ ...blog, "sriov.yml": "sriov_physnet_mappings:\n  p9p1: physnet9\n" });
    for (const host of ["compute0", "compute1"])
      assert.match(line(made, host, "nova-compute/nova.conf", "passthrough_whitelist") ?? "", /"p9p1"/);
  });

  test("without a raw block each host gets the value of the control host", () => {
    const bare = Object.fromEntries(Object.entries(blog).map(([path, text]) => [path, text.replace(/\{% (end)?raw %\}\n/g, "")]));
    const made = kayobe(bare);
    assert.match(line(made, "compute1", "nova-compute/nova.conf", "passthrough_whitelist") ?? "", /"p4p1"/);
  });

  test("the same key takes the place of Kolla's own value, another name of the option stands beside it", () => {
    const same = kolla({ "config/nova.conf": "[pci]\npassthrough_whitelist = []\n" }).hosts["compute0"]?.["nova-compute/nova.conf"];
    assert.match(same ?? "", /\[pci\]\npassthrough_whitelist = \[\]\n\n/);
    const other = kolla({ "config/nova.conf": "[pci]\ndevice_spec = []\n" }).hosts["compute0"]?.["nova-compute/nova.conf"];
    assert.match(other ?? "", /passthrough_whitelist = \[\{"physical_network": "sriovnet1", "devname": "eth0"\}\]\ndevice_spec = \[\]\n/);
  });

  test("the order of files, repeats, continued lines, and sections that differ in case only", () => {
    const made = kolla({
      "config/global.conf": "[pci]\nalias = a\nalias = b\n",
      "config/nova.conf": "# comment\n[pci]\npassthrough_whitelist: [\n  {},\n  {}\n  ]\nalias = c\n[PCI]\nalias = d\n",
      "config/nova/nova-compute.conf": "[pci]\nalias = e\nalias = f\n",
      "config/nova/compute1/nova.conf": "[pci]\nalias = {{ inventory_hostname }}\n",
    });
    const text = (host: string) => made.hosts[host]?.["nova-compute/nova.conf"] ?? "";
    assert.match(
      text("compute0"),
      /\[pci\]\npassthrough_whitelist = \[\n {24}\{\},\n {24}\{\}\n {24}\]\nalias = e\nalias = f\n\n[\s\S]*\[PCI\]\nalias = d\n/,
    );
    assert.match(text("compute1"), /\nalias = compute1\n/);
    const late = { "config/nova/compute0/nova-compute.conf": "[pci]\nalias = late\n" };
    assert.doesNotMatch(kolla(late, "2023.2").hosts["compute0"]?.["nova-compute/nova.conf"] ?? "", /alias/);
    assert.match(kolla(late, "2024.1").hosts["compute0"]?.["nova-compute/nova.conf"] ?? "", /alias = late/);
    assert.match(kolla({ "config/nova.conf": "[pci]\nno assignment\n" }).refused ?? "", /No ':' or '=' found in assignment/);
  });

  test("what enable_neutron_sriov does in each release", () => {
    const config = treeOf({ "globals.yml": "enable_neutron_sriov: yes\n", hosts: inventory.replace("controllers", "control") });
    const made = deploy(releases.map((release) => ({ kind: "kolla", config, inventory: `${config}/hosts`, release })));
    for (const [index, release] of releases.entries()) {
      const one = made[index];
      assert.ok(one !== undefined && one.refused === undefined, one?.refused);
      const early = release === "train" || release === "ussuri";
      const drivers = line(one, "control0", "neutron-server/ml2_conf.ini", "mechanism_drivers");
      assert.equal(drivers, `mechanism_drivers = openvswitch,l2population${early ? "" : ",sriovnicswitch"}`, release);
      assert.equal(line(one, "compute0", "nova-compute/nova.conf", "passthrough_whitelist") !== undefined, !early, release);
      const mappings = line(one, "compute0", "neutron-sriov-agent/sriov_agent.ini", "physical_device_mappings");
      assert.equal(mappings, "physical_device_mappings = sriovnet1:eth0");
      assert.equal("compute0" in one.switches, releases.indexOf(release) >= releases.indexOf("yoga"), release);
    }
  });

  test("an environment's files: in place of the base's before 2023.2, after them from then on, with no line break between", () => {
    const files = {
      ...blog,
      "environments/site/kolla/config/nova.conf": "[scheduler]\nmax_attempts = 5\n",
      "environments/site/kolla/globals.yml": "openvswitch_hw_offload: yes\n",
    };
    const before = kayobe(files, "zed", "site");
    assert.equal(before.hosts["compute0"]?.["nova-compute/nova.conf"]?.includes("p4p1"), false);
    assert.equal(before.switches["compute0"]?.openvswitch_hw_offload, true);
    const from = kayobe(files, "2024.1", "site").hosts["compute0"]?.["nova-compute/nova.conf"] ?? "";
    assert.match(from, /p4p1[\s\S]*\[scheduler\]\nmax_attempts = 5/);
    const joined = kayobe({ ...files, "kolla/config/nova.conf": "[scheduler]\nmax_attempts = 3\n" }, "2024.1", "site");
    assert.match(joined.hosts["compute0"]?.["nova-compute/nova.conf"] ?? "", /max_attempts = 3\[scheduler\]/);
  });
});
