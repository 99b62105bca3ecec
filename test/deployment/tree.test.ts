import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { usersEnvironment, vflag } from "../support/vflag.ts";
import { withoutAnsible } from "./ansible.ts";

/** `vflag kayobe` and `vflag kolla` as a user runs them, with the real ansible-inventory, on trees in a folder of their own. */
let folder = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "vflag-tree-"));
  write("etc/inventory/hosts", "[controllers]\nc1\n[compute]\nh1\n[compute_sriov]\nh2\nh3\n[compute:children]\ncompute_sriov\n");
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

const kayobe = (command: string, ...more: string[]) => [
  "kayobe",
  command,
  "--config",
  "etc",
  "--release",
  "2024.1",
  "--hosts",
  "compute",
  ...more,
];
const sriov = (ports: string, physnet: string, more = "") =>
  `vflag:\n  version: 1\n  nics:\n    - {name: data, mode: sriov, ports: [${ports}], vfs: 2, physnet: ${physnet}${more}}\n`;

describe("with the real ansible-inventory", { skip: withoutAnsible }, () => {
  test("the sources' mapping at global, group and host level gives each host its own", () => {
    write("etc/inventory/group_vars/all/sriov.yml", "sriov_physnet_mappings:\n  p4p1: physnet2\n");
    write("etc/inventory/group_vars/compute_sriov/sriov.yml", "sriov_physnet_mappings:\n  ens3f0: physnet2\n  ens3f1: physnet3\n");
    write("etc/inventory/host_vars/h3/sriov.yml", "sriov_physnet_mappings:\n  eno6: physnet2\n");
    const diff = expect(2, kayobe("diff")).stdout;
    assert.match(diff, /\+\+\+ inventory\/host_vars\/h3\/vflag-openstack\.yml/);
    assert.match(diff, /note {6}h1, h2, h3: rules by name alone offer the port itself too/);
    expect(0, kayobe("write"));
    assert.deepEqual(ownFiles(), ["group_vars/all", "group_vars/compute_sriov", "host_vars/h3"]);
    assert.deepEqual(throughAnsible(), {
      h1: { rules: [{ devname: "p4p1", physical_network: "physnet2" }], mappings: ["physnet2:p4p1"] },
      h2: {
        rules: [
          { devname: "ens3f0", physical_network: "physnet2" },
          { devname: "ens3f1", physical_network: "physnet3" },
        ],
        mappings: ["physnet2:ens3f0", "physnet3:ens3f1"],
      },
      h3: { rules: [{ devname: "eno6", physical_network: "physnet2" }], mappings: ["physnet2:eno6"] },
    });
    const before = snapshot();
    assert.match(expect(0, kayobe("write")).stdout, /Nothing is to be changed in etc: 3 hosts as declared/);
    expect(0, kayobe("diff"));
    assert.deepEqual(snapshot(), before);

    // The host is as its group again: what it needed is gone.
    rmSync(join(folder, "etc/inventory/host_vars/h3/sriov.yml"));
    expect(0, kayobe("write"));
    assert.deepEqual(ownFiles(), ["group_vars/all", "group_vars/compute_sriov"]);
    assert.equal(existsSync(join(folder, "etc/inventory/host_vars/h3")), false);
  });

  test("specs at the three levels, with states, name the VFs meant and nothing else", () => {
    write("etc/inventory/group_vars/all/vflag.yml", sriov("{vendor: '15b3', product: '1017'}", "physnet1"));
    write("etc/inventory/group_vars/compute_sriov/vflag.yml", sriov("{mac: '*'}", "physnet2").replace("'*'", `'${macOf("h2")}'`));
    write("etc/inventory/host_vars/h3/vflag.yml", sriov("ens3f1", "physnet3"));
    expect(0, kayobe("write", "--states", "states"));
    const ids = { vendor_id: "15b3", product_id: "1018" };
    assert.deepEqual(throughAnsible(), {
      h1: { rules: [{ ...ids, physical_network: "physnet1" }], mappings: ["physnet1:ens3f0", "physnet1:ens3f1"] },
      h2: { rules: [{ address: "0000:37:00.0", ...ids, physical_network: "physnet2" }], mappings: ["physnet2:ens3f0"] },
      h3: { rules: [{ devname: "ens3f1", ...ids, physical_network: "physnet3" }], mappings: ["physnet3:ens3f1"] },
    });
  });

  test("-o json has every file, and each host's values", () => {
    write("etc/inventory/group_vars/compute/vflag.yml", sriov("ens3f0", "physnet2"));
    const answer = JSON.parse(expect(2, kayobe("diff", "-o", "json")).stdout);
    assert.equal(answer.schema, "vflag/tree/1");
    assert.equal(answer.written, false);
    const own = answer.changes.find(({ file }: { file: string }) => file === "inventory/group_vars/compute/vflag-openstack.yml");
    assert.equal(own.kind, "file");
    assert.match(own.diff, /^\+ {2}- \{"devname": "ens3f0", "physical_network": "physnet2"\}$/m);
    assert.deepEqual(answer.hosts.h3, { rules: [{ devname: "ens3f0", physical_network: "physnet2" }], mappings: ["physnet2:ens3f0"] });
  });

  test("an environment's values stand in its inventory, and not in the one that others share", () => {
    write("etc/inventory/group_vars/compute/vflag.yml", sriov("ens3f0", "physnet2"));
    write("etc/environments/test/inventory/hosts", "[compute]\nt1\n");
    write("etc/environments/test/inventory/group_vars/compute/vflag.yml", sriov("ens4f0", "physnet4"));
    expect(0, kayobe("write", "--environment", "test"));
    assert.deepEqual(ownFiles(), []);
    assert.match(read("etc/environments/test/inventory/group_vars/compute/vflag-openstack.yml"), /"devname": "ens4f0"/);
    assert.match(expect(1, kayobe("diff", "--environment", "prod")).stderr, /there is no etc\/environments\/prod/);
    // Values for all environments would be mixed with this one's.
    expect(0, kayobe("write"));
    assert.match(
      expect(1, kayobe("diff", "--environment", "test")).stdout,
      /conflict {2}inventory\/group_vars\/compute\/vflag-openstack\.yml:1: it was written for all/,
    );
  });

  test("an inventory that has variables for all environments, and no hosts, is one too; a file in it that cannot be read is not", () => {
    rmSync(join(folder, "etc/inventory"), { recursive: true });
    write("etc/inventory/group_vars/all/vflag.yml", sriov("ens3f0", "physnet2"));
    write("etc/environments/test/inventory/hosts", "[compute]\nt1\n");
    const answer = JSON.parse(expect(2, kayobe("diff", "--environment", "test", "-o", "json")).stdout);
    assert.deepEqual(answer.hosts.t1.mappings, ["physnet2:ens3f0"]);
    write("etc/inventory/more.yml", "broken: [\n");
    assert.match(expect(1, kayobe("diff", "--environment", "test")).stderr, /left a part of the inventory out/);
  });

  test("a file of a group stays what it is: a directory beside it would hide it from Ansible", () => {
    write(
      "etc/inventory/group_vars/compute.yml",
      `# mine\r\nother: [1,\t2]  # kept\r\n${sriov("ens3f0", "physnet2").replaceAll("\n", "\r\n")}`,
    );
    const before = read("etc/inventory/group_vars/compute.yml");
    expect(0, kayobe("write"));
    assert.equal(existsSync(join(folder, "etc/inventory/group_vars/compute")), false);
    assert.ok(read("etc/inventory/group_vars/compute.yml").startsWith(before));
    assert.doesNotMatch(read("etc/inventory/group_vars/compute.yml"), /[^\r]\n/);
    assert.deepEqual(throughAnsible().h3?.mappings, ["physnet2:ens3f0"]);
    assert.match(expect(0, kayobe("write")).stdout, /Nothing is to be changed/);
    write("etc/inventory/group_vars/compute.yml", read("etc/inventory/group_vars/compute.yml").replace("mode: sriov", "mode: switchdev"));
    expect(0, kayobe("write"));
    assert.deepEqual(throughAnsible().h3?.mappings, []);
  });

  describe("what is refused, and why; nothing is written then", () => {
    const refused = (pattern: RegExp, ...more: string[]) => {
      const before = snapshot();
      const { stdout, stderr } = expect(1, kayobe("write", ...more));
      assert.match(stdout + stderr, pattern);
      assert.deepEqual(snapshot(), before);
    };

    test("a mapping in the other direction", () => {
      write("etc/inventory/group_vars/compute/sriov.yml", "a: 1\nsriov_physnet_mappings:\n  physnet2: ens3f0\n");
      refused(
        /h1, h2, h3: inventory\/group_vars\/compute\/sriov\.yml:2: sriov_physnet_mappings: it reads as physnet: device .*write \{ens3f0: physnet2\}/,
      );
    });

    test("one of which nothing tells the direction, unless the host's state does", () => {
      write("etc/inventory/group_vars/compute/sriov.yml", "sriov_physnet_mappings: {data: storage}\n");
      refused(/either the device data on the physnet storage, or the device storage on the physnet data/);
    });

    test("values that an extra variable hides", () => {
      write("etc/sriov.yml", "---\n\nsriov_physnet_mappings: {ens3f0: physnet2}\n");
      write("etc/inventory/host_vars/h3", "sriov_physnet_mappings: {eno6: physnet2}\n");
      refused(
        /conflict {2}sriov\.yml:3: it is an extra variable there, which beats inventory\/host_vars\/h3:1: the values of h3 are hidden/,
      );
    });

    test("a selector without the host's state", () => {
      write("etc/inventory/group_vars/compute_sriov/vflag.yml", sriov("{mac: '24:8a:07:*'}", "physnet2"));
      refused(
        /h2, h3: .*vflag\.yml:1: vflag: NIC data: which ports are meant by .* can only be told from the host's state: ssh HOST vflag inspect -o json > states\/none\/HOST\.json/,
        "--states",
        "states/none",
      );
    });

    test("a state whose host is not in the inventory", () => {
      write("etc/inventory/group_vars/compute/vflag.yml", sriov("ens3f0", "physnet2"));
      write("states/h9.json", "{}");
      refused(/h9: --states has a state of it, and the inventory no such host/, "--states", "states");
    });

    test("a port that the host does not have", () => {
      write("etc/inventory/group_vars/compute/vflag.yml", sriov("ens9f0", "physnet2"));
      refused(/h1, h2, h3: .*ens9f0 matches no port; this host has ens3f0 /, "--states", "states");
    });

    test("a wrong spec, with the line of the file that it is in", () => {
      write(
        "etc/inventory/group_vars/compute/vflag.yml",
        "# note\nvflag:\n  version: 1\n  nics:\n    - name: data\n      mode: sriow\n      ports: [ens3f0]\n      vfs: 2\n",
      );
      refused(/h1, h2, h3: inventory\/group_vars\/compute\/vflag\.yml:6: vflag nics\[0\]\.mode: must be one of .*did you mean "sriov"/);
    });

    test("an expression, which nobody resolves", () => {
      write("etc/inventory/group_vars/compute/vflag.yml", sriov("'{{ port }}'", "physnet2"));
      refused(/vflag nics\[0\]\.ports\[0\]: is a Jinja expression/);
    });

    test("variables of vflag that somebody else sets", () => {
      write("etc/inventory/group_vars/compute/vflag.yml", `${sriov("ens3f0", "physnet2")}vflag_pci_passthrough_whitelist: []\n`);
      refused(/conflict {2}inventory\/group_vars\/compute\/vflag\.yml:5: vflag writes this variable/);
    });

    test("broken YAML, as ansible-inventory reports it", () => {
      write("etc/inventory/group_vars/compute/vflag.yml", "vflag: [\nx: 1\n");
      refused(/ansible-inventory cannot read the inventory:\n {2}ERROR! [\s\S]*group_vars\/compute\/vflag\.yml': line 3/);
    });

    test("an inventory of which Ansible leaves a part out", () => {
      write("etc/inventory/more", "h4 what is this\n");
      refused(/left a part of the inventory out[\s\S]*inventory\/more/);
    });

    test("an inventory in which no host has anything to say", () => {
      refused(/no host of the inventory has the variable vflag \(a spec\), or sriov_physnet_mappings/);
    });
  });

  test("Kolla-Ansible's inventory is a file: the values stand beside it", () => {
    write("kolla/globals.yml", "---\nkolla_base_distro: debian\n");
    write("multinode", "[compute]\nh1\nh2\n");
    write("group_vars/compute.yml", sriov("ens3f0", "physnet2"));
    const kolla = (command: string) => ["kolla", command, "--config", "kolla", "--inventory", "multinode", "--release", "2024.1"];
    expect(2, kolla("diff"));
    expect(0, kolla("write"));
    assert.match(read("group_vars/compute.yml"), /"physnet2:ens3f0"/);
    assert.match(expect(0, kolla("write")).stdout, /Nothing is to be changed/);
  });
});

test("without ansible-inventory the remedy is named", () => {
  write("etc/inventory/group_vars/compute/vflag.yml", sriov("ens3f0", "physnet2"));
  const path = [dirname(process.execPath), "/nowhere"].join(":");
  const { stderr } = expect(1, kayobe("diff"), { PATH: path });
  assert.match(stderr, /ansible-inventory is not installed[\s\S]*apt-get install --no-install-recommends ansible-core/);
});

function expect(code: number, args: readonly string[], env: Record<string, string> = {}): { stdout: string; stderr: string } {
  if (args.includes("--states")) {
    mkdirSync(join(folder, "states/none"), { recursive: true });
    for (const host of ["h1", "h2", "h3"]) state(host);
  }
  const { status, stdout, stderr } = spawnSync(vflag, args, {
    cwd: folder,
    encoding: "utf8",
    timeout: 120_000,
    env: { ...usersEnvironment, ...env },
  });
  assert.equal(status, code, `${args.join(" ")}\n${stdout}${stderr}`);
  return { stdout, stderr };
}

/** The state of a simulated host with two VFs on each port. */
function state(host: string): void {
  const file = join(folder, "states", `${host}.json`);
  if (existsSync(file)) return;
  const { status, stderr } = spawnSync(vflag, ["simulate", "new", file, "--nic", "ConnectX-5"], {
    encoding: "utf8",
    env: usersEnvironment,
  });
  assert.equal(status, 0, stderr);
}

function macOf(host: string): string {
  mkdirSync(join(folder, "states"), { recursive: true });
  state(host);
  const { state: saved } = JSON.parse(read(`states/${host}.json`));
  return saved.netdevs.find(({ name }: { name: string }) => name === "ens3f0").mac;
}

/** What ansible-inventory makes of the tree: the variables that templates read. */
function throughAnsible(): Record<string, { rules: unknown; mappings: unknown }> {
  const { stdout } = spawnSync("ansible-inventory", ["-i", join(folder, "etc/inventory"), "--list"], {
    encoding: "utf8",
    env: { ...process.env, LC_ALL: "C.UTF-8" },
  });
  const { hostvars } = JSON.parse(stdout)._meta;
  return Object.fromEntries(
    ["h1", "h2", "h3"].map((host) => [
      host,
      { rules: hostvars[host].vflag_pci_passthrough_whitelist, mappings: hostvars[host].vflag_sriov_physical_device_mappings },
    ]),
  );
}

function ownFiles(): string[] {
  const found = readdirSync(join(folder, "etc/inventory"), { recursive: true, encoding: "utf8" });
  return found
    .filter((path) => path.endsWith("/vflag-openstack.yml"))
    .map(dirname)
    .sort();
}

function snapshot(): Record<string, string> {
  const entries = readdirSync(join(folder, "etc"), { recursive: true, withFileTypes: true });
  return Object.fromEntries(
    entries
      .filter((entry) => entry.isFile())
      .map((entry) => {
        const path = join(entry.parentPath, entry.name);
        return [path, readFileSync(path, "utf8")];
      }),
  );
}

function write(file: string, text: string): void {
  mkdirSync(dirname(join(folder, file)), { recursive: true });
  writeFileSync(join(folder, file), text);
}

function read(file: string): string {
  return readFileSync(join(folder, file), "utf8");
}
