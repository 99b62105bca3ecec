import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { readIni } from "../../src/openstack/files/ini.ts";
import { ml2Conf } from "../../src/openstack/neutron/ml2-conf.ts";
import { readMappings, sriovAgentConf } from "../../src/openstack/neutron/sriov-agent.ts";
import type { ConfRequest } from "../../src/openstack/nova/nova-conf.ts";
import { releases } from "../../src/openstack/releases.ts";
import { roundsFrom } from "../support/count.ts";
import { connectx5, hostWith, specOf } from "./hosts.ts";
import { ask, without } from "./python.ts";

const request = (nics: string[], more: Partial<ConfRequest> = {}): ConfRequest => {
  return {
    spec: specOf(...nics),
    state: hostWith(2, connectx5, connectx5),
    release: "zed",
    deployment: "plain",
    ...more,
  };
};
const sriov = "mode: sriov, ports: [ens3f0, ens3f1], physnet: physnet2";
const lag = "mode: vf-lag, ports: [ens3f0, ens3f1], bond: bond0, physnet: physnet2";
const noNeutron = without("neutron.plugins.ml2.drivers.mech_sriov.agent.sriov_nic_agent", "python3-neutron");

describe("sriov_agent.ini", () => {
  test("mode sriov: each port on its physnet, none excluded", () => {
    const { text, conflicts } = sriovAgentConf(
      "",
      request([sriov, "mode: sriov, ports: [ens4f0], physnet: physnet3"]),
    );
    assert.deepEqual(conflicts, []);
    assert.equal(
      text,
      "[sriov_nic]\n# vflag: the ports of NICs in mode sriov (nic0, nic1)\n" +
        "physical_device_mappings = physnet2:ens3f0,physnet2:ens3f1,physnet3:ens4f0\n# vflag: no VF is kept from guests\nexclude_devices =\n",
    );
    assert.equal(
      sriovAgentConf(text, request([sriov, "mode: sriov, ports: [ens4f0], physnet: physnet3"])).text,
      text,
    );
  });

  test("merged: other devices, the excluded ones and everything else stay", () => {
    const there =
      "# agent\r\n[SRIOV_NIC]\r\nphysical_device_mappings=physnet9:p9p1,\r\n   physnet2:ens3f0\r\nexclude_devices = p9p1:0000:07:00.2;0000:07:00.3\r\n[securitygroup]\r\nfirewall_driver = noop";
    const { text, conflicts } = sriovAgentConf(there, request([sriov]));
    assert.deepEqual(conflicts, []);
    assert.equal(
      text,
      there.replace(
        "physical_device_mappings=physnet9:p9p1,\r\n   physnet2:ens3f0",
        "# vflag: the ports of NICs in mode sriov (nic0)\r\nphysical_device_mappings=physnet9:p9p1,physnet2:ens3f0,physnet2:ens3f1",
      ),
    );
    assert.equal(sriovAgentConf(text, request([sriov])).text, text);
  });

  test("vf-lag and switchdev: nothing is written, and the reason is said", () => {
    const { text, notes } = sriovAgentConf("", request([lag]));
    assert.equal(text, "");
    assert.match(
      notes.join(),
      /in mode vf-lag the openvswitch driver binds ports .* which sriovnicswitch refuses/,
    );
  });

  test("conflicts are shown, and nothing is written", () => {
    const cases = [
      ["physnet9:ens3f0", [sriov], /ens3f0 is on physnet9 here, and on physnet2 in the spec/],
      ["physnet2:ens3f0", [lag], /ens3f0 is of NIC nic0 in mode vf-lag/],
      ["physnet2", [sriov], /"physnet2" is no physnet:device pair/],
      ["$maps", [sriov], /another option's value/],
      [
        "physnet2:ens3f0\nexclude_devices = gone:0000:01:00.0",
        [sriov],
        /gone has no mapping: the agent does not start/,
      ],
      ["", ["mode: sriov, ports: [ens9f9], physnet: a"], /ens9f9 matches no port/],
    ] as const;
    for (const [mappings, nics, why] of cases) {
      const text = `[sriov_nic]\nphysical_device_mappings = ${mappings}\n`;
      const result = sriovAgentConf(text, request([...nics]));
      assert.match(result.conflicts.map((one) => one.why).join("\n"), why);
      assert.equal(result.text, text);
    }
    const blog =
      "{% raw %}\n[sriov_nic]\nphysical_device_mappings = {% for d in x %}{{ d }}{% endfor %}\n{% endraw %}\n";
    const templated = sriovAgentConf(blog, request([sriov], { deployment: "kolla" }));
    assert.match(templated.conflicts[0]?.why ?? "", /a Jinja expression makes the mappings/);
    assert.equal(templated.text, blog);
  });
});

describe("ml2_conf.ini", () => {
  test("sriovnicswitch in addition to what is there", () => {
    const there = "[ml2]\nmechanism_drivers = openvswitch, l2population\n";
    const { text } = ml2Conf(there, request([sriov]));
    assert.equal(
      text,
      "[ml2]\n# vflag: sriovnicswitch binds the VFs of NICs in mode sriov\nmechanism_drivers = openvswitch,l2population,sriovnicswitch\n",
    );
    assert.equal(ml2Conf(text, request([sriov])).text, text);
    assert.match(
      ml2Conf("", request([sriov])).text,
      /^mechanism_drivers = openvswitch,l2population,sriovnicswitch$/m,
    );
  });

  test("vf-lag: openvswitch or ovn binds, sriovnicswitch is neither added nor taken from others", () => {
    assert.match(
      ml2Conf("", request([lag])).text,
      /^# vflag: openvswitch \(or ovn\), not sriovnicswitch, .*\nmechanism_drivers = openvswitch,l2population$/m,
    );
    for (const there of [
      "[ml2]\nmechanism_drivers = ovn\n",
      "[ml2]\nmechanism_drivers = openvswitch,sriovnicswitch\n",
    ]) {
      assert.equal(ml2Conf(there, request([lag])).text, there);
    }
    assert.match(ml2Conf("", request([lag])).notes.join(), /which sriovnicswitch refuses/);
  });

  test("drivers that a release does not have are said", () => {
    const there = "[ml2]\nmechanism_drivers = linuxbridge,ovn\n";
    assert.match(
      ml2Conf(there, request([sriov], { release: "2025.1" })).notes.join(),
      /linuxbridge is not there any more/,
    );
    assert.match(
      ml2Conf(there, request([sriov], { release: "train" })).notes.join(),
      /ovn is not there before Ussuri/,
    );
  });

  test("Kolla's own list stays where the file has none, from Victoria on", () => {
    const kolla = (nic: string, release: "ussuri" | "victoria") =>
      ml2Conf("", request([nic], { deployment: "kolla", release }));
    assert.equal(kolla(sriov, "victoria").text, "");
    assert.match(kolla(sriov, "victoria").notes.join(), /set enable_neutron_sriov: true/);
    assert.match(kolla(sriov, "ussuri").text, /openvswitch,l2population,sriovnicswitch/);
    assert.equal(kolla(lag, "ussuri").text, "");
    const there = "[ml2]\nmechanism_drivers = ovn\n";
    assert.match(ml2Conf(there, request([sriov], { deployment: "kolla" })).text, /= ovn,sriovnicswitch$/m);
  });

  test("drivers that Jinja decides about are a conflict", () => {
    const there = "[ml2]\nmechanism_drivers = {{ drivers }}\n";
    const { text, conflicts } = ml2Conf(there, request([sriov], { deployment: "kolla" }));
    assert.equal(text, there);
    assert.match(conflicts[0]?.why ?? "", /Jinja expression decides/);
  });
});

describe("Neutron itself", { skip: noNeutron }, () => {
  interface Answer {
    readonly refused?: string;
    readonly mappings: Record<string, string[]>;
    readonly drivers: string[];
    readonly unknown: string[];
  }

  test("the agent's own parser takes what is written, for every release, and the drivers have entry points", async () => {
    const made = releases.flatMap((release) =>
      [
        [sriov],
        [sriov, "mode: sriov, ports: [ens4f0], physnet: physnet3"],
        [lag, "mode: sriov, ports: [ens4f1], physnet: physnet3"],
      ].map((nics) => {
        const there = "[sriov_nic]\nphysical_device_mappings = 'physnet9:p9p1,'\n";
        const asked = request(nics, { release });
        return { agent: sriovAgentConf(there, asked).text, ml2: ml2Conf("", asked).text };
      }),
    );
    const answers = (await ask("neutron_agent.py", made)) as Answer[];
    for (const [index, { refused, mappings, drivers, unknown }] of answers.entries()) {
      assert.equal(refused, undefined, `${made[index]?.agent}`);
      const wanted = [
        { physnet9: ["p9p1"], physnet2: ["ens3f0", "ens3f1"] },
        { physnet9: ["p9p1"], physnet2: ["ens3f0", "ens3f1"], physnet3: ["ens4f0"] },
        { physnet9: ["p9p1"], physnet3: ["ens4f1"] },
      ][index % 3];
      assert.deepEqual(mappings, wanted);
      assert.deepEqual([drivers, unknown], [["openvswitch", "l2population", "sriovnicswitch"], []]);
    }
  });

  test("mappings are read as the agent reads them, and refused where it exits", async () => {
    const part = fc.constantFrom("physnet2", "a", "ens3f0", "{a", "p4p1}", "", " ");
    const pair = fc.oneof(
      { weight: 8, arbitrary: fc.tuple(part, part).map(([a, b]) => `${a}:${b}`) },
      { weight: 1, arbitrary: fc.constantFrom("a", "", "a:b:c") },
    );
    const numRuns = roundsFrom("PROPERTY_RUNS", 200, 1000);
    const values = fc
      .sample(fc.array(pair, { maxLength: 3 }), { numRuns, seed: 6 })
      .map((pairs) => pairs.join(","));
    const texts = values.map((value) => `[sriov_nic]\nphysical_device_mappings = ${value}\n`);
    const answers = (await ask(
      "neutron_agent.py",
      texts.map((agent) => ({ agent })),
    )) as Answer[];
    let read = 0;
    for (const [index, { refused, mappings }] of answers.entries()) {
      const problems: string[] = [];
      const mine: Record<string, string[]> = {};
      for (const { physnet, device } of readMappings(readIni(texts[index] ?? ""), (why) =>
        problems.push(why),
      )) {
        mine[physnet] = [...new Set([...(mine[physnet] ?? []), device])];
      }
      assert.equal(problems.length > 0, refused !== undefined, `${values[index]}: ${refused}`);
      if (refused !== undefined) continue;
      read++;
      assert.deepEqual(
        mine,
        Object.fromEntries(
          Object.entries(mappings).map(([physnet, devices]) => [physnet, [...new Set(devices)]]),
        ),
        `${values[index]}`,
      );
    }
    assert.ok(read > numRuns / 10, `${read}`);
  });
});
