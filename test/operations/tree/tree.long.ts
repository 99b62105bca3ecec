import assert from "node:assert/strict";
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { withoutAnsible } from "./ansible.ts";
import {
  expect,
  folder,
  kayobe,
  macOf,
  ownFiles,
  read,
  snapshot,
  sriov,
  throughAnsible,
  write,
} from "./test-tree.ts";

/** `vflag kayobe` and `vflag kolla` with the real ansible-inventory, which most of the time is for. */
describe("with the real ansible-inventory", { skip: withoutAnsible }, () => {
  test("specs at the three levels, with states, name the VFs meant and nothing else", async () => {
    write("etc/inventory/group_vars/all/vflag.yml", sriov("{vendor: '15b3', product: '1017'}", "physnet1"));
    write(
      "etc/inventory/group_vars/compute_sriov/vflag.yml",
      sriov("{mac: '*'}", "physnet2").replace("'*'", `'${await macOf("h2")}'`),
    );
    write("etc/inventory/host_vars/h3/vflag.yml", sriov("ens3f1", "physnet3"));
    await expect(0, kayobe("write", "--states", "states"));
    const ids = { vendor_id: "15b3", product_id: "1018" };
    assert.deepEqual(throughAnsible(), {
      h1: {
        rules: [{ ...ids, physical_network: "physnet1" }],
        mappings: ["physnet1:ens3f0", "physnet1:ens3f1"],
      },
      h2: {
        rules: [{ address: "0000:37:00.0", ...ids, physical_network: "physnet2" }],
        mappings: ["physnet2:ens3f0"],
      },
      h3: {
        rules: [{ devname: "ens3f1", ...ids, physical_network: "physnet3" }],
        mappings: ["physnet3:ens3f1"],
      },
    });
  });

  test("-o json has every file, and each host's values", async () => {
    write("etc/inventory/group_vars/compute/vflag.yml", sriov("ens3f0", "physnet2"));
    const answer = JSON.parse((await expect(2, kayobe("diff", "-o", "json"))).stdout);
    assert.equal(answer.schema, "vflag/tree/1");
    assert.equal(answer.written, false);
    const own = answer.changes.find(
      ({ file }: { file: string }) => file === "inventory/group_vars/compute/vflag-openstack.yml",
    );
    assert.equal(own.kind, "file");
    assert.match(own.diff, /^\+ {2}- \{"devname": "ens3f0", "physical_network": "physnet2"\}$/m);
    assert.deepEqual(answer.hosts.h3, {
      rules: [{ devname: "ens3f0", physical_network: "physnet2" }],
      mappings: ["physnet2:ens3f0"],
    });
  });

  test("an environment's values stand in its inventory, and not in the one that others share", async () => {
    write("etc/inventory/group_vars/compute/vflag.yml", sriov("ens3f0", "physnet2"));
    write("etc/environments/test/inventory/hosts", "[compute]\nt1\n");
    write("etc/environments/test/inventory/group_vars/compute/vflag.yml", sriov("ens4f0", "physnet4"));
    await expect(0, kayobe("write", "--environment", "test"));
    assert.deepEqual(ownFiles(), []);
    assert.match(
      read("etc/environments/test/inventory/group_vars/compute/vflag-openstack.yml"),
      /"devname": "ens4f0"/,
    );
    assert.match(
      (await expect(1, kayobe("diff", "--environment", "prod"))).stderr,
      /there is no etc\/environments\/prod/,
    );
    // Values for all environments would be mixed with this one's.
    await expect(0, kayobe("write"));
    assert.match(
      (await expect(1, kayobe("diff", "--environment", "test"))).stdout,
      /conflict {2}inventory\/group_vars\/compute\/vflag-openstack\.yml:1: it was written for all/,
    );
  });

  test("an inventory that has variables for all environments, and no hosts, is one too; a file in it that cannot be read is not", async () => {
    rmSync(join(folder, "etc/inventory"), { recursive: true });
    write("etc/inventory/group_vars/all/vflag.yml", sriov("ens3f0", "physnet2"));
    write("etc/environments/test/inventory/hosts", "[compute]\nt1\n");
    const answer = JSON.parse(
      (await expect(2, kayobe("diff", "--environment", "test", "-o", "json"))).stdout,
    );
    assert.deepEqual(answer.hosts.t1.mappings, ["physnet2:ens3f0"]);
    write("etc/inventory/more.yml", "broken: [\n");
    assert.match(
      (await expect(1, kayobe("diff", "--environment", "test"))).stderr,
      /left a part of the inventory out/,
    );
  });

  test("a file of a group stays what it is: a directory beside it would hide it from Ansible", async () => {
    write(
      "etc/inventory/group_vars/compute.yml",
      `# mine\r\nother: [1,\t2]  # kept\r\n${sriov("ens3f0", "physnet2").replaceAll("\n", "\r\n")}`,
    );
    const before = read("etc/inventory/group_vars/compute.yml");
    await expect(0, kayobe("write"));
    assert.equal(existsSync(join(folder, "etc/inventory/group_vars/compute")), false);
    assert.ok(read("etc/inventory/group_vars/compute.yml").startsWith(before));
    assert.doesNotMatch(read("etc/inventory/group_vars/compute.yml"), /[^\r]\n/);
    assert.deepEqual(throughAnsible().h3?.mappings, ["physnet2:ens3f0"]);
    assert.match((await expect(0, kayobe("write"))).stdout, /Nothing is to be changed/);
    write(
      "etc/inventory/group_vars/compute.yml",
      read("etc/inventory/group_vars/compute.yml").replace("mode: sriov", "mode: switchdev"),
    );
    await expect(0, kayobe("write"));
    assert.deepEqual(throughAnsible().h3?.mappings, []);
  });

  describe("what is refused, and why; nothing is written then", () => {
    const refused = async (pattern: RegExp, ...more: string[]) => {
      const before = snapshot();
      const { stdout, stderr } = await expect(1, kayobe("write", ...more));
      assert.match(stdout + stderr, pattern);
      assert.deepEqual(snapshot(), before);
    };

    test("a mapping in the other direction", async () => {
      write(
        "etc/inventory/group_vars/compute/sriov.yml",
        "a: 1\nsriov_physnet_mappings:\n  physnet2: ens3f0\n",
      );
      await refused(
        /h1, h2, h3: inventory\/group_vars\/compute\/sriov\.yml:2: sriov_physnet_mappings: it reads as physnet: device .*write \{ens3f0: physnet2\}/,
      );
    });

    test("one of which nothing tells the direction, unless the host's state does", async () => {
      write("etc/inventory/group_vars/compute/sriov.yml", "sriov_physnet_mappings: {data: storage}\n");
      await refused(
        /either the device data on the physnet storage, or the device storage on the physnet data/,
      );
    });

    test("values that an extra variable hides", async () => {
      write("etc/sriov.yml", "---\n\nsriov_physnet_mappings: {ens3f0: physnet2}\n");
      write("etc/inventory/host_vars/h3", "sriov_physnet_mappings: {eno6: physnet2}\n");
      await refused(
        /conflict {2}sriov\.yml:3: it is an extra variable there, which beats inventory\/host_vars\/h3:1: the values of h3 are hidden/,
      );
    });

    test("a selector without the host's state", async () => {
      write("etc/inventory/group_vars/compute_sriov/vflag.yml", sriov("{mac: '24:8a:07:*'}", "physnet2"));
      await refused(
        /h2, h3: .*vflag\.yml:1: vflag: NIC data: which ports are meant by .* can only be told from the host's state: ssh HOST vflag inspect -o json > states\/none\/HOST\.json/,
        "--states",
        "states/none",
      );
    });

    test("a state whose host is not in the inventory", async () => {
      write("etc/inventory/group_vars/compute/vflag.yml", sriov("ens3f0", "physnet2"));
      write("states/h9.json", "{}");
      await refused(/h9: --states has a state of it, and the inventory no such host/, "--states", "states");
    });

    test("a port that the host does not have", async () => {
      write("etc/inventory/group_vars/compute/vflag.yml", sriov("ens9f0", "physnet2"));
      await refused(/h1, h2, h3: .*ens9f0 matches no port; this host has ens3f0 /, "--states", "states");
    });

    test("a wrong spec, with the line of the file that it is in", async () => {
      write(
        "etc/inventory/group_vars/compute/vflag.yml",
        "# note\nvflag:\n  version: 1\n  nics:\n    - name: data\n      mode: sriow\n      ports: [ens3f0]\n      vfs: 2\n",
      );
      await refused(
        /h1, h2, h3: inventory\/group_vars\/compute\/vflag\.yml:6: vflag nics\[0\]\.mode: must be one of .*did you mean "sriov"/,
      );
    });

    test("an expression, which nobody resolves", async () => {
      write("etc/inventory/group_vars/compute/vflag.yml", sriov("'{{ port }}'", "physnet2"));
      await refused(/vflag nics\[0\]\.ports\[0\]: is a Jinja expression/);
    });

    test("variables of vflag that somebody else sets", async () => {
      write(
        "etc/inventory/group_vars/compute/vflag.yml",
        `${sriov("ens3f0", "physnet2")}vflag_pci_passthrough_whitelist: []\n`,
      );
      await refused(/conflict {2}inventory\/group_vars\/compute\/vflag\.yml:5: vflag writes this variable/);
    });

    test("broken YAML, as ansible-inventory reports it", async () => {
      write("etc/inventory/group_vars/compute/vflag.yml", "vflag: [\nx: 1\n");
      await refused(
        /ansible-inventory cannot read the inventory:\n {2}ERROR! [\s\S]*group_vars\/compute\/vflag\.yml': line 3/,
      );
    });

    test("an inventory of which Ansible leaves a part out", async () => {
      write("etc/inventory/more", "h4 what is this\n");
      await refused(/left a part of the inventory out[\s\S]*inventory\/more/);
    });

    test("an inventory in which no host has anything to say", async () => {
      await refused(/no host of the inventory has the variable vflag \(a spec\), or sriov_physnet_mappings/);
    });
  });

  test("Kolla-Ansible's inventory is a file: the values stand beside it", async () => {
    write("kolla/globals.yml", "---\nkolla_base_distro: debian\n");
    write("multinode", "[compute]\nh1\nh2\n");
    write("group_vars/compute.yml", sriov("ens3f0", "physnet2"));
    const kolla = (command: string) => [
      "kolla",
      command,
      "--config",
      "kolla",
      "--inventory",
      "multinode",
      "--release",
      "2024.1",
    ];
    await expect(2, kolla("diff"));
    await expect(0, kolla("write"));
    assert.match(read("group_vars/compute.yml"), /"physnet2:ens3f0"/);
    assert.match((await expect(0, kolla("write"))).stdout, /Nothing is to be changed/);
  });
});
