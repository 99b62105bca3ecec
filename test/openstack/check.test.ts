import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { checkConfiguration } from "../../src/openstack/check.ts";
import type { Configuration } from "../../src/openstack/check-finding.ts";
import { ml2Conf } from "../../src/openstack/neutron/ml2-conf.ts";
import { sriovAgentConf } from "../../src/openstack/neutron/sriov-agent.ts";
import { type ConfRequest, novaConf } from "../../src/openstack/nova/nova-conf.ts";
import { releases } from "../../src/openstack/releases.ts";
import { connectx5, hostWith, specOf } from "./hosts.ts";

const request = (more: Partial<ConfRequest> = {}): ConfRequest => {
  const spec = specOf(
    "mode: sriov, ports: [ens3f0, ens3f1], physnet: physnet2",
    "mode: switchdev, ports: [ens4f0, ens4f1], physnet: null",
  );
  return { spec, state: hostWith(2, connectx5, connectx5), release: "zed", deployment: "plain", ...more };
};
const filters = "[filter_scheduler]\nenabled_filters = PciPassthroughFilter\n";
const found = (files: Configuration, more: Partial<ConfRequest> = {}) =>
  checkConfiguration(files, request(more)).map(
    ({ kind, file, line, text }) => `${kind} ${file}:${line} ${text}`,
  );
const nova = (lines: string, more: Partial<ConfRequest> = {}) =>
  found({ nova: `[pci]\n${lines}\n${filters}` }, more).join("\n");
/** What is found at a line; VFs that no rule is about are so at none. */
const atLines = (lines: string, more: Partial<ConfRequest> = {}) =>
  found({ nova: `[pci]\n${lines}\n${filters}` }, more).filter((each) => !each.includes(" nova:null "));

test("nothing is off with what vflag writes, in every release", () => {
  for (const release of releases) {
    const asked = request({ release });
    const ranges = "[ml2_type_vlan]\nnetwork_vlan_ranges = physnet2:100:200\n";
    const files = {
      nova: novaConf("", asked).text,
      sriovAgent: sriovAgentConf("", asked).text,
      ml2: ml2Conf(ranges, asked).text,
    };
    assert.deepEqual(found(files, { release }), [], release);
  }
});

describe("PCI rules", () => {
  test("that are about everything, about nothing, or about more than VFs", () => {
    assert.match(
      nova('device_spec = {"mac_address": "24:8a:07:*:*:*"}'),
      /^wrong nova:2 it is about every PCI device of the host/m,
    );
    assert.match(
      nova('device_spec = {"address": "0000:*:*.*", "physical_network": "a"}'),
      /^wrong nova:2 it is about every PCI device/m,
    );
    assert.match(
      nova('device_spec = {"vendor_id": "8086"}'),
      /^doubtful nova:2 it is about every device of vendor 8086/m,
    );
    assert.match(nova('device_spec = {"devname": "ens9f0"}'), /^wrong nova:2 there is no interface ens9f0/m);
    assert.match(
      nova('device_spec = {"address": "0000:99:00.*", "physical_network": "a"}'),
      /^wrong nova:2 it matches no SR-IOV function/m,
    );
    assert.match(
      nova('device_spec = {"vendor_id": "10de", "product_id": "1eb8"}'),
      /^unknown nova:2 .*vflag sees no others/m,
    );
    assert.match(
      nova('device_spec = {"devname": "ens3f0", "physical_network": "physnet2"}'),
      /^doubtful nova:2 it offers the port 0000:37:00\.0 of NIC nic0 itself/m,
    );
    assert.match(
      nova('device_spec = {"vendor_id": "15b3", "product_id": "1017", "physical_network": "physnet2"}'),
      /no rule offers 2 VFs \(0000:37:00\.2, \.\.\.\) of ens3f0/,
    );
    assert.match(
      nova('device_spec = {"vendor_id": "15b3", "product_id": "1018", "physical_network": "physnet2"}', {
        spec: specOf("mode: sriov, ports: [ens3f0, ens3f1], physnet: physnet2"),
      }),
      /offers VFs of ports that the spec does not declare \(0000:5d:00\.0, 0000:5d:00\.1\)/,
    );
  });

  test("that leave VFs out, or give them another network", () => {
    assert.match(
      nova('device_spec = {"address": "0000:37:00.0", "physical_network": "physnet9"}'),
      /the rule for 2 VFs .* of ens3f0 \(NIC nic0\) says "physnet9", and the spec "physnet2"/,
    );
    assert.match(
      nova('device_spec = {"address": "0000:5d:00.0"}'),
      /of ens4f0 \(NIC nic1\) says no physical_network, and the spec null/,
    );
    assert.match(nova(""), /no rule offers 2 VFs .* of ens4f1/);
  });

  test("that cannot be judged, which leaves open whether something is missing", () => {
    assert.match(nova("device_spec = {'devname': 'x'}"), /^wrong nova:2 nova-compute refuses it/m);
    assert.equal(
      nova('device_spec = {"devname": "$x"}'),
      "unknown nova:2 it takes another option's value in ($), which is not known here ($$ stands for a dollar)",
    );
  });
});

describe("Placement", () => {
  const on = "report_in_placement = on";
  test("takes no rules by name, no port beside its VFs, and VFs of a port that are alike", () => {
    assert.match(
      nova(`${on}\ndevice_spec = {"devname": "ens3f0"}`),
      /^wrong nova:3 nova-compute takes no devname/m,
    );
    const vf = (index: number, more: string) => `device_spec = {"address": "0000:37:00.${index}", ${more}}`;
    assert.match(
      nova(`${on}\n${vf(2, '"resource_class": "A"')}\n${vf(3, '"resource_class": "B"')}`),
      /^wrong nova:4 .*same resource class .* 0000:37:00\.2 A, 0000:37:00\.3 B$/m,
    );
    assert.match(
      nova(`${on}\n${vf(2, '"traits": "x"')}\n${vf(3, '"traits": "y"')}`),
      /^wrong nova:4 .*same traits/m,
    );
    assert.deepEqual(
      atLines(`${on}\n${vf(2, '"resource_class": "custom_a"')}\n${vf(3, '"resource_class": "A"')}`),
      [],
    );
    assert.match(
      nova(`${on}\ndevice_spec = {"address": "0000:37:00.0", "vendor_id": "15b3"}`),
      /^wrong nova:3 .*either the port 0000:37:00.0 or/m,
    );
    // With a physical network they are not Placement's.
    const networks = `${on}\n${vf(2, '"resource_class": "A", "physical_network": "a"')}\n${vf(3, '"resource_class": "B", "physical_network": "a"')}`;
    assert.deepEqual(atLines(networks), []);
    for (const off of [on.replace("on", "off").replace("= on", "= off"), ""])
      assert.deepEqual(atLines(`${off}\ndevice_spec = {"devname": "ens3f0"}`), [
        'doubtful nova:3 it offers the port 0000:37:00.0 of NIC nic0 itself, not its VFs only: {"devname":"ens3f0"}',
      ]);
    assert.match(
      nova("report_in_placement = {{ x }}", { deployment: "kolla" }),
      /^unknown nova:2 an expression decides/m,
    );
    assert.match(
      nova(
        `${on}\ndevice_spec = {"address": "0000:5d:00.*", "product_id": "1018", "physical_network": null}`,
      ),
      /^doubtful nova:3 .*resource class too/m,
    );
  });

  test("nova diff refuses what Placement does", () => {
    const text = `[pci]\n${on}\ndevice_spec = {"devname": "eno1", "physical_network": "a"}\n`;
    const { conflicts } = novaConf(text, request());
    assert.deepEqual(
      conflicts.map(({ line, why }) => [line, why.slice(0, 32)]),
      [[3, "nova-compute takes no devname wh"]],
    );
  });
});

test("aliases are one object each, with the fields that the release knows", () => {
  assert.match(
    nova('alias = [{"name": "a", "vendor_id": "15b3"}]'),
    /^wrong nova:2 .*it is a list, and has to be one object/m,
  );
  assert.match(nova('alias = {"vendor_id": "15b3"}'), /it has no name/);
  assert.match(nova('alias = {"name": "a", "product_id": "0x1018"}'), /four hexadecimal digits/);
  assert.match(
    nova('alias = {"name": "a", "resource_class": "X"}'),
    /the field resource_class, and zed knows name/,
  );
  assert.deepEqual(atLines('alias = {"name": "a", "resource_class": "X"}', { release: "2024.1" }), []);
  for (const type of ['"vdpa"', '["type-VF"]', '{"toString": 1}'])
    assert.match(nova(`alias = {"name": "a", "device_type": ${type}}`), /device_type is one of/);
  assert.deepEqual(atLines('alias = {"name": "a", "vendor_id": "15b3", "device_type": "type-VF"}'), []);
});

test("VFs of a NIC that the host switches are not a DPU's", () => {
  const rule =
    '{"address": "0000:37:00.0", "vendor_id": "15b3", "product_id": "1018", "physical_network": "physnet2", "remote_managed": "true"}';
  assert.match(nova(`device_spec = ${rule}`), /^wrong nova:2 remote_managed is for VFs that a DPU manages/m);
});

test("QoS takes the agent's extension", () => {
  const agent = sriovAgentConf("", request()).text;
  const wide = agent.replace(
    "exclude_devices",
    "resource_provider_bandwidths = ens3f0:1000:1000\nexclude_devices",
  );
  assert.match(
    found({ sriovAgent: wide }).join(),
    /doubtful sriovAgent:\d+ resource_provider_bandwidths is set, and .*without qos/,
  );
  assert.match(
    found({ sriovAgent: agent, ml2: "[ml2]\nextension_drivers = qos\n" }).join(),
    /has the extension driver qos/,
  );
  assert.deepEqual(found({ sriovAgent: `${wide}\n[agent]\nextensions = fdb,qos\n` }), []);
});

test("names that a release does not know", () => {
  assert.match(
    nova('device_spec = {"devname": "ens3f0"}', { release: "yoga" }),
    /^wrong nova:2 \[pci\] device_spec is not known before zed, and ignored/m,
  );
  assert.match(
    nova('device_spec = {"devname": "ens3f0", "live_migratable": "yes"}'),
    /live_migratable means nothing to Nova before 2025\.1/,
  );
  assert.match(nova("devicespec = []"), /^doubtful nova:2 vflag knows no option devicespec/m);
  assert.match(
    found(
      { nova: "[filter_scheduler]\nenabled_filters = AvailabilityZoneFilter\n" },
      { release: "2024.1" },
    ).join("\n"),
    /without PciPassthroughFilter[\s\S]*AvailabilityZoneFilter is not there any more/,
  );
  assert.match(
    found({ ml2: "[ml2]\nmechanism_drivers = linuxbridge\n" }, { release: "2025.1" }).join("\n"),
    /linuxbridge is not there any more/,
  );
});

test("the agent's mappings against the interfaces and VFs that there are", () => {
  const agent = (mappings: string, more = "") =>
    found({ sriovAgent: `[sriov_nic]\nphysical_device_mappings = ${mappings}\n${more}` }).join("\n");
  assert.match(
    agent("physnet2:ens9f0"),
    /^wrong sriovAgent:2 ens9f0 is mapped to physnet2, and there is no such interface/m,
  );
  assert.match(agent("physnet2:eno1"), /eno1 is mapped to physnet2, and it can have no VFs/);
  assert.match(agent("physnet9:ens3f0"), /ens3f0 is mapped to physnet9, and the spec says "physnet2"/);
  assert.match(agent("physnet2:ens4f0"), /its NIC nic1 is in mode switchdev/);
  assert.match(agent("physnet2:ens3f0"), /ens3f1 of NIC nic0 has no mapping/);
  const both = "physnet2:ens3f0,physnet2:ens3f1";
  assert.equal(agent(both, "exclude_devices = ens3f0:0000:37:00.2\n"), "");
  assert.match(agent(both, "exclude_devices = ens3f0:notapci\n"), /notapci is no VF of ens3f0/);
  assert.match(agent(both, "exclude_devices = ens5f0:0000:37:00.2\n"), /names no mapped device/);
});

test("drivers and networks of neutron-server", () => {
  assert.match(
    found({ ml2: "[ml2]\nmechanism_drivers = openvswitch\n" }).join("\n"),
    /^wrong ml2:2 mechanism_drivers lacks .* openvswitch,sriovnicswitch$/m,
  );
  assert.match(
    found({ ml2: "[ml2]\nmechanism_drivers = openvswitch,sriovnicswitch\n" }).join("\n"),
    /^doubtful ml2:null neither network_vlan_ranges nor flat_networks/m,
  );
  assert.deepEqual(
    found({
      ml2: "[ml2]\nmechanism_drivers = openvswitch,sriovnicswitch\n[ml2_type_flat]\nflat_networks = *\n",
    }),
    [],
  );
});
