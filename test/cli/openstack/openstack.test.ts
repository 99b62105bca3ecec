import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { expectVflag } from "../../support/command.ts";

/**
 * `vflag nova` and `vflag neutron` as a user runs them, in this process, on real files in a folder of its
 * own.
 */
const target = ["--release", "zed", "--host", "host.json", "--spec", "vflag.yaml"];
let folder = "";

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "vflag-openstack-"));
  write(
    "vflag.yaml",
    "{version: 1, nics: [{name: data, mode: sriov, ports: [ens3f0, ens3f1], vfs: 2, physnet: physnet2}]}\n",
  );
  await expect(0, ["simulate", "new", "host.json"]);
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("print gives a file on its own, notes beside it", async () => {
  const { stdout } = await expect(0, ["nova", "print", ...target]);
  assert.match(stdout, /^\[pci\]\n# vflag: .*\ndevice_spec = \{"devname": "ens3f0"/);
  assert.match(
    (await expect(0, ["nova", "print", ...target, "--kolla"])).stdout,
    /^passthrough_whitelist = /m,
  );
  const ml2 = await expect(0, ["neutron", "print", "ml2_conf.ini", ...target]);
  assert.match(ml2.stdout, /^mechanism_drivers = openvswitch,l2population,sriovnicswitch$/m);
  assert.match(ml2.stderr, /^note {2}mechanism_drivers is not in this file/);
  assert.match(
    (await expect(0, ["neutron", "print", "sriov_agent.ini", ...target])).stdout,
    /physnet2:ens3f0,physnet2:ens3f1\n/,
  );
});

test("diff shows, write writes, and then there is nothing to do; bytes, mode and everything else stay", async () => {
  write("nova.conf", "[DEFAULT]\r\nlog = x\r\n\r\n[pci]\r\n# mine");
  chmodSync(join(folder, "nova.conf"), 0o640);
  const diff = (await expect(2, ["nova", "diff", "nova.conf", ...target])).stdout;
  assert.match(
    diff,
    /^--- nova\.conf\n\+\+\+ nova\.conf \(as vflag would write it\)\n@@ -2,4 \+2,12 @@\n log = x\n \n \[pci\]\n\+# vflag: /,
  );
  assert.match((await expect(0, ["nova", "write", "nova.conf", ...target])).stdout, /nova\.conf is written/);
  const written = read("nova.conf");
  assert.ok(written.startsWith("[DEFAULT]\r\nlog = x\r\n\r\n[pci]\r\n# vflag: "));
  assert.equal(statSync(join(folder, "nova.conf")).mode & 0o777, 0o640);
  assert.match(
    (await expect(0, ["nova", "write", "nova.conf", ...target])).stdout,
    /^Nothing was to be changed in nova\.conf\.\n$/,
  );
  assert.equal((await expect(0, ["nova", "diff", "nova.conf", ...target])).stdout, "");
  assert.equal(read("nova.conf"), written);
  assert.deepEqual(
    readdirSync(folder).filter((name) => name.startsWith(".")),
    [],
  );
});

test("a conflict is shown with its line, and nothing is written", async () => {
  write("sriov_agent.ini", "[sriov_nic]\nphysical_device_mappings = physnet9:ens3f0\n");
  const { stdout } = await expect(1, ["neutron", "write", "sriov_agent.ini", ...target]);
  assert.match(
    stdout,
    /^conflict {2}sriov_agent\.ini:2: ens3f0 is on physnet9 here, and on physnet2 in the spec\n/,
  );
  assert.match(stdout, /left as it is/);
  assert.equal(read("sriov_agent.ini"), "[sriov_nic]\nphysical_device_mappings = physnet9:ens3f0\n");
});

test("what cannot be read is left alone, and said", async () => {
  writeFileSync(join(folder, "nova.conf"), Buffer.from("[pci]\nx = \xe4\n", "latin1"));
  assert.match(
    (await expect(1, ["nova", "write", "nova.conf", ...target])).stderr,
    /nova\.conf is not UTF-8/,
  );
  write("nova.conf", "\ufeff[pci]\n");
  assert.match(
    (await expect(1, ["nova", "write", "nova.conf", ...target])).stdout,
    /nova\.conf:1: oslo\.config refuses the whole file/,
  );
  assert.equal(read("nova.conf"), "\ufeff[pci]\n");
  assert.match((await expect(1, ["neutron", "diff", "x.ini", ...target])).stderr, /Say so with --as/);
  assert.match((await expect(1, ["nova", "print"])).stderr, /--release <release>' not specified/);
  assert.match(
    (await expect(1, ["nova", "print", "--release", "stein"])).stderr,
    /Allowed choices are train/,
  );
});

test("a file that is not there yet is made, under any name", async () => {
  await expect(0, ["neutron", "write", "mine.conf", "--as", "ml2_conf.ini", ...target]);
  assert.match(read("mine.conf"), /^\[ml2\]\n/);
});

test("openstack check holds files against the host", async () => {
  for (const file of ["nova.conf", "sriov_agent.ini"])
    await expect(0, [file === "nova.conf" ? "nova" : "neutron", "write", file, ...target]);
  const files = ["--nova", "nova.conf", "--sriov-agent", "sriov_agent.ini"];
  assert.match(
    (await expect(2, ["openstack", "check", ...files, ...target])).stdout,
    /^doubtful {2}sriov_agent\.ini:3: ens3f0 is mapped to physnet2, and it has no VFs yet/,
  );
  write("nova.conf", '[pci]\ndevice_spec = {"mac_address": "24:8a:07:*"}\n');
  const { stdout } = await expect(2, ["openstack", "check", "-o", "json", ...files, ...target]);
  const { findings } = JSON.parse(stdout) as { findings: { kind: string; file: string; line: number }[] };
  assert.deepEqual(findings[0] && { ...findings[0], text: "" }, {
    kind: "wrong",
    file: "nova.conf",
    line: 2,
    text: "",
  });
  assert.match((await expect(1, ["openstack", "check", ...target])).stderr, /name a file/);
  assert.match(
    (await expect(1, ["openstack", "check", "--ml2", "gone.ini", ...target])).stderr,
    /gone\.ini: no such file/,
  );
});

function write(name: string, text: string): void {
  writeFileSync(join(folder, name), text);
}

function read(name: string): string {
  return readFileSync(join(folder, name), "utf8");
}

function expect(status: number, words: readonly string[], shows?: RegExp) {
  return expectVflag(folder, status, words, shows);
}
