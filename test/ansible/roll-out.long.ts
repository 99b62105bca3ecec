import assert from "node:assert/strict";
import { copyFileSync, readFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { ansibleCore, openstackClient, without } from "./collection.ts";
import type { Scenario } from "./nova-api.ts";
import { noTestbed, Testbed } from "./testbed.ts";

/**
 * The role and the roll-out, by Debian's ansible-core over ssh, on hosts in network namespaces, each with a
 * simulated host's file.
 */

const skip =
  without(ansibleCore, ["/usr/sbin/sshd", "openssh-server"], ["/usr/bin/ssh", "openssh-client"]) ||
  noTestbed();
const hosts = ["h1", "h2", "h3", "h4"];

describe("the collection on test hosts", { skip, timeout: 1_800_000 }, () => {
  let testbed: Testbed;
  const fileOf = (host: string) => testbed.workplace.path(`${host}.json`);
  const contents = () => hosts.map((host) => readFileSync(fileOf(host), "utf8"));
  /** As it was when all of it worked. */
  const asNew = async (...faults: readonly (readonly [host: string, ...names: string[]])[]) => {
    for (const host of hosts) copyFileSync(testbed.workplace.path(`${host}.works`), fileOf(host));
    for (const [host, ...names] of faults) {
      const { status, output } = names.includes("guests")
        ? await testbed.vflag("simulate", "guests", fileOf(host))
        : await testbed.vflag("simulate", "fault", fileOf(host), ...names);
      assert.equal(status, 0, output);
    }
  };

  before(async () => {
    testbed = await Testbed.start(hosts);
    await testbed.buildPackage();
    for (const host of hosts) {
      const { status, output } = await testbed.vflag(
        "simulate",
        "new",
        fileOf(host),
        "--nic",
        "ConnectX-5",
        "--bond",
        "bond0",
      );
      assert.equal(status, 0, output);
    }
  });
  after(async () => {
    await testbed?.stop();
  });

  it("installs the package from a file, into each host, once", {
    skip: without(["/usr/bin/dpkg-deb", "dpkg"]),
  }, async () => {
    const words = ["-e", "vflag_install=file"];
    const first = await testbed.playbook("vflag.vflag.install", words);
    assert.equal(first.status, 0, first.output);
    const second = await testbed.playbook("vflag.vflag.install", words);
    for (const host of hosts) {
      assert.ok((first.recap[host]?.changed ?? 0) > 0, first.output);
      assert.deepEqual(second.recap[host], { changed: 0, unreachable: 0, failed: 0 }, second.output);
      assert.match(
        (await testbed.read(host, "/var/lib/dpkg/status")) ?? "",
        /^Package: vflag\nStatus: install ok installed$/m,
      );
    }
  });

  it("shows the plan in check mode, and changes nothing: neither hosts nor specs", async () => {
    const first = contents();
    const { status, output, recap } = await testbed.playbook("vflag.vflag.apply", ["--check", "--diff"]);
    assert.equal(status, 0, output);
    assert.deepEqual(contents(), first);
    for (const host of hosts) {
      assert.equal(await testbed.read(host, "/etc/vflag/vflag.yaml"), null);
      assert.equal(recap[host]?.changed, 1);
    }
    for (const line of [
      '+      "bond": "bond0",',
      "vflag would do:",
      "    devlink dev eswitch set pci/0000:37:00.1 mode switchdev",
    ]) {
      assert.ok(output.includes(`\n${line}\n`), `${line}\nis not in\n${output}`);
    }
  });

  it("changes every host at the first run, to a good verdict, and nothing at the second", async () => {
    const first = await testbed.playbook("vflag.vflag.apply", ["--diff"]);
    assert.equal(first.status, 0, first.output);
    assert.equal(first.output.split('"msg": "data works"').length - 1, 4, first.output);
    const after = contents();
    const second = await testbed.playbook("vflag.vflag.apply", ["--diff"]);
    assert.equal(second.status, 0, second.output);
    for (const host of hosts) {
      assert.ok((first.recap[host]?.changed ?? 0) > 0, host);
      assert.deepEqual(second.recap[host], { changed: 0, unreachable: 0, failed: 0 });
      copyFileSync(fileOf(host), testbed.workplace.path(`${host}.works`));
    }
    assert.deepEqual(contents(), after);
  });

  it("fails a wrong spec in vflag's own words, keeps the right one, and goes on with the other hosts", async () => {
    const right = await testbed.read("h1", "/etc/vflag/vflag.yaml");
    assert.match(right ?? "", /"mode": "vf-lag"/);
    testbed.workplace.write("wrong.yml", {
      vflag: { version: 1, nics: [{ name: "data", mode: "vf-leg", ports: ["ens3f0"], vfs: 0 }] },
    });
    const { status, output, recap } = await testbed.playbook("vflag.vflag.apply", [
      "--limit",
      "h1",
      "-e",
      `@${testbed.workplace.path("wrong.yml")}`,
    ]);
    assert.equal(status, 2, output);
    assert.match(
      output,
      /\/etc\/vflag\/vflag\.yaml:\d+:\d+: nics\[0\]\.mode: must be one of sriov, switchdev, vf-lag, found .+vf-leg.+did you mean/,
    );
    assert.deepEqual([recap["h1"]?.failed, await testbed.read("h1", "/etc/vflag/vflag.yaml")], [1, right]);
  });

  it("tells an unreachable host as such, and goes on with the others", async () => {
    const words = ["--limit", "h3,h4", "-e", '{"vflag_verify": true}'];
    testbed.workplace.write("gone.yml", {
      all: { hosts: { h4: { ansible_host: "192.0.2.254", ansible_port: 1 } } },
    });
    const { status, output, recap } = await testbed.playbook("vflag.vflag.apply", [
      ...words,
      "-i",
      testbed.workplace.path("gone.yml"),
    ]);
    assert.equal(status, 4, output);
    assert.match(output, /fatal: \[h4\]: UNREACHABLE!/);
    assert.deepEqual(
      [recap["h3"], recap["h4"]],
      [
        { changed: 0, unreachable: 0, failed: 0 },
        { changed: 0, unreachable: 1, failed: 0 },
      ],
    );
  });

  it("reboots nothing without leave: such hosts are named, and left as they are", async () => {
    await asNew(["h2", "port-to-legacy"]);
    const before = contents();
    const { status, output } = await testbed.playbook("vflag.vflag.roll_out");
    assert.equal(status, 2, output);
    assert.match(
      output,
      /h2: a reboot is needed, which vflag_reboot does not allow: ens3f0 \(0000:37:00.0\): in bond0 already/,
    );
    assert.deepEqual(contents(), before);
  });

  it("begins no further wave after a host that cannot be reached, and lets the others of its wave come to their end", async () => {
    // h1 has its own reason to be left alone: a wave of such a host and of a lost one is not mistaken for a
    // good one.
    await asNew(["h1", "port-to-legacy"], ["h3", "tc-offload-off"]);
    const third = readFileSync(fileOf("h3"), "utf8");
    testbed.workplace.write("gone.yml", {
      all: { hosts: { h2: { ansible_host: "192.0.2.254", ansible_port: 1 } } },
    });
    const words = ["-i", testbed.workplace.path("gone.yml"), "-e", "vflag_serial=2"];
    const { status, output, recap } = await testbed.playbook("vflag.vflag.roll_out", words);
    assert.notEqual(status, 0, output);
    assert.match(output, /fatal: \[h2\]: UNREACHABLE!/);
    assert.match(output, /The roll-out stops here: h2 failed\. Not reached: h3, h4\./);
    assert.deepEqual([recap["h2"]?.unreachable, recap["h1"]?.failed, recap["h3"]], [1, 0, undefined]);
    assert.match(output, /"vflag_held": "h1: a reboot is needed/);
    assert.equal(readFileSync(fileOf("h3"), "utf8"), third);
  });

  describe("with Nova", { skip: without(openstackClient) }, () => {
    const service = (host: string) => ({
      host,
      status: "enabled" as const,
      state: "up" as const,
      disabled_reason: null,
    });
    const scenario: Scenario = {
      // Guests move to the first one that is enabled.
      services: ["spare", ...hosts].map(service),
      servers: [{ id: "one", name: "vm-one", host: "h1", status: "ACTIVE" }],
    };
    const withNova = async (words: object, used: Scenario = scenario) => {
      const nova = await testbed.workplace.nova(used, testbed.enter);
      const variables = {
        vflag_reboot: true,
        vflag_drain: "migrate",
        vflag_openstack_environment: nova.environment,
        ...words,
      };
      testbed.workplace.write("wave.yml", variables);
      return {
        nova,
        ...(await testbed.playbook("vflag.vflag.roll_out", ["-e", `@${testbed.workplace.path("wave.yml")}`])),
      };
    };

    it("empties, reboots and gives back host by host, and stops at the first bad verdict, with that host left disabled and the reason shown", async () => {
      await asNew(
        ["h1", "port-to-legacy"],
        ["h2", "port-to-legacy", "mode-change-fails"],
        ["h3", "port-to-legacy"],
      );
      const untouched = contents().slice(2);
      const { nova, status, output, recap } = await withNova({ vflag_serial: 1 });
      assert.equal(status, 2, output);
      const [first, second, third, fourth, fifth, ...rest] = nova.changes();
      assert.deepEqual(
        [first, second, third, fourth],
        [
          "disabled 1: vflag: roll-out of the NICs",
          "os-migrateLive one",
          "enabled 1",
          "disabled 2: vflag: roll-out of the NICs",
        ],
      );
      assert.match(fifth ?? "", /^disabled 2: vflag: data does not work: /);
      assert.deepEqual(rest, []);
      assert.match(output, /h2: data does not work: [^\n]*\[h2 is disabled in Nova\]/);
      assert.deepEqual([recap["h1"]?.failed, recap["h2"]?.failed, recap["h3"]], [0, 1, undefined]);
      assert.deepEqual(contents().slice(2), untouched);
    });

    it("names the hosts whose guests hold VFs, leaves them alone, and goes on in waves of failure domains", async () => {
      await asNew(
        ["h1", "guests"],
        ["h1", "port-to-legacy"],
        ["h2", "tc-offload-off"],
        ["h4", "tc-offload-off"],
      );
      const [first] = contents();
      const domains = { h1: "rack1", h2: "rack2", h3: "rack1", h4: "rack2" };
      const words = {
        vflag_waves_by: "domain",
        vflag_failure_domain: "{{ domains[inventory_hostname] }}",
        domains,
      };
      const { nova, status, output, recap } = await withNova(words);
      assert.equal(status, 2, output);
      assert.match(output, /h1: [^\n]*VF 0 \(0000:37:00.2\) of ens3f0: guest instance-00000001 \(web-1\)/);
      assert.deepEqual(contents()[0], first);
      assert.deepEqual(
        nova.changes().toSorted(),
        ["disabled 2", "disabled 4"]
          .map((text) => `${text}: vflag: roll-out of the NICs`)
          .concat("enabled 2", "enabled 4"),
      );
      // A wave is a play of its own: rack1, then rack2. Within one, hosts are named in the order in which
      // they answered.
      const waves = [...output.matchAll(/^included: \S+tasks\/host\.yml for (.+)$/gm)].map(([, names]) =>
        names?.split(", ").toSorted(),
      );
      assert.deepEqual(waves, [
        ["h1", "h3"],
        ["h2", "h4"],
      ]);
      assert.equal(recap["localhost"]?.failed, 1);
    });
  });
});
