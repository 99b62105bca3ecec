import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { inspect } from "node:util";
import { DeploymentError } from "../../../src/operations/inventory/ansible-inventory.ts";
import { accessOf } from "../../../src/operations/inventory/bmc-access.ts";

const folder = mkdtempSync(join(tmpdir(), "vflag-bmc-"));
after(() => rmSync(folder, { recursive: true }));
const secret = "made-up-password";
const fine = { vflag_bmc_address: "bmc1.example", vflag_bmc_username: "admin", vflag_bmc_password: secret };

test("vflag's own variables, Kayobe's, files, and variables that name others", () => {
  const file = write("password", `${secret}\nmore\n`, 0o600);
  for (const own of [
    fine,
    { ipmi_address: "bmc1.example", ipmi_username: "admin", ipmi_password: secret },
    { ...fine, ipmi_address: "other", ipmi_password: "other" },
    { ...fine, vflag_bmc_password: "other", vflag_bmc_password_file: file },
    {
      ...fine,
      vflag_bmc_password: null,
      ipmi_password: { __ansible_vault: "other" },
      vflag_bmc_password_file: file,
    },
    { ...fine, vflag_bmc_password: "{{ lookup('env', 'OTHER') }}", vflag_bmc_password_file: file },
    { ...fine, vflag_bmc_password: "{{ vault_bmc }}", vault_bmc: "{{vault_all}}", vault_all: secret },
  ]) {
    const access = one(own);
    assert.ok(!("problem" in access), inspect(access));
    assert.deepEqual(access.address, { host: "bmc1.example", port: 443 });
    assert.deepEqual([access.username, access.password.reveal()], ["admin", secret]);
  }
  const numeric = one({ ...fine, vflag_bmc_password: 12345678 });
  assert.equal("problem" in numeric ? null : numeric.password.reveal(), "12345678");
});

test("a certificate is verified by authorities, or is one that is pinned", () => {
  const pem = write("ca.pem", "-----BEGIN CERTIFICATE-----\n", 0o644);
  const trust = (more: Record<string, unknown>) => {
    const access = one({ ...fine, ...more });
    return "problem" in access ? access.problem : access.trust;
  };
  assert.deepEqual(trust({}), { kind: "authorities", ca: null });
  assert.deepEqual(trust({ vflag_bmc_ca_file: pem }), {
    kind: "authorities",
    ca: "-----BEGIN CERTIFICATE-----\n",
  });
  const digits = "0a".repeat(32);
  const colons = digits.match(/../g)?.join(":") ?? "";
  for (const fingerprint of [digits, colons, `sha256:${digits}`, `SHA256=${colons.toUpperCase()}`])
    assert.deepEqual(trust({ vflag_bmc_fingerprint: fingerprint }), {
      kind: "fingerprint",
      sha256: digits.toUpperCase(),
    });
  assert.match(String(trust({ vflag_bmc_fingerprint: "0a0a" })), /no SHA-256 fingerprint/);
  assert.match(
    String(trust({ vflag_bmc_ca_file: write("empty", "", 0o644) })),
    /no certificate \(PEM\) in it/,
  );
  assert.match(
    String(trust({ vflag_bmc_ca_file: "/nowhere/ca.pem" })),
    /vflag_bmc_ca_file \/nowhere\/ca\.pem: ENOENT/,
  );
});

test("what is missing or wrong is said, and no value with a secret is repeated", () => {
  const open = write("open", `${secret}\n`, 0o644);
  const wrong: [Record<string, unknown>, RegExp][] = [
    [{ vflag_bmc_address: null }, /has no vflag_bmc_address$/],
    [
      { vflag_bmc_address: `https://admin:${secret}@bmc` },
      /no address: it is HOST, HOST:PORT or https:\/\/HOST/,
    ],
    [{ vflag_bmc_address: "http://bmc" }, /no address/],
    [{ vflag_bmc_username: null }, /no vflag_bmc_username/],
    [{ vflag_bmc_password: null }, /neither vflag_bmc_password_file nor vflag_bmc_password/],
    [{ vflag_bmc_password: `{{ lookup('env', '${secret}') }}` }, /vflag_bmc_password is a Jinja template/],
    [{ vflag_bmc_password: `x{% raw %}${secret}` }, /is a Jinja template/],
    [{ vflag_bmc_password: "{{ vault_bmc }}" }, /vflag_bmc_password names vault_bmc, which is not set/],
    [{ vflag_bmc_password: "{{ again }}", again: "{{ again }}" }, /names again, which is not set/],
    [{ vflag_bmc_password: { __ansible_vault: secret } }, /encrypted by itself \(!vault\)/],
    [{ vflag_bmc_password: [secret] }, /vflag_bmc_password is no text/],
    [{ vflag_bmc_password_file: open }, /everybody can read it: chmod o= /],
    [{ vflag_bmc_password_file: write("blank", "\n", 0o600) }, /first line is empty/],
    [{ vflag_bmc_password_file: "/nowhere" }, /vflag_bmc_password_file \/nowhere: ENOENT/],
  ];
  for (const [more, words] of wrong) {
    const access = one({ ...fine, ...more });
    assert.ok("problem" in access, inspect(more));
    assert.match(access.problem, words);
    assert.doesNotMatch(access.problem, new RegExp(secret));
  }
});

test("hosts and groups, with those in them; a group's hosts without a BMC are counted, a named host's lack is told", () => {
  const list = (names: readonly string[]) => {
    const { hosts, without } = accessOf(
      inventory({ hv1: fine, hv2: { ...fine, vflag_bmc_address: "bmc2" }, hv3: {} }),
      names,
    );
    return [hosts.map(({ host }) => host).join(), without.join()];
  };
  assert.deepEqual(list([]), ["hv1,hv2", "hv3"]);
  assert.deepEqual(list(["hv2"]), ["hv2", ""]);
  assert.deepEqual(list(["all"]), ["hv1,hv2", "hv3"]);
  assert.deepEqual(list(["compute", "hv3"]), ["hv1,hv2,hv3", ""]);
  assert.throws(() => list(["gone"]), DeploymentError);
  assert.throws(
    () => accessOf(inventory({ hv3: {} }), []),
    /no host has a BMC's address: set vflag_bmc_address/,
  );
});

test("a BMC that two hosts have is asked for neither; two systems of one BMC are two", () => {
  const found = (more: Record<string, unknown>) =>
    accessOf(inventory({ hv1: { ...fine, vflag_bmc_system: "1" }, hv2: { ...fine, ...more } }), []).hosts.map(
      ({ access }) => ("problem" in access ? access.problem : null),
    );
  assert.deepEqual(found({ vflag_bmc_system: "2" }), [null, null]);
  assert.deepEqual(found({ vflag_bmc_address: "https://bmc1.example:443/", vflag_bmc_system: "1" }), [
    "its vflag_bmc_address is that of hv2 too: which host's BMC is it?",
    "its vflag_bmc_address is that of hv1 too: which host's BMC is it?",
  ]);
});

function one(own: Record<string, unknown>) {
  const [found] = accessOf(inventory({ hv1: own }), ["hv1"]).hosts;
  assert.ok(found);
  return found.access;
}

function inventory(hosts: Record<string, Record<string, unknown>>) {
  const names = Object.keys(hosts);
  const groups = new Map([
    ["all", { hosts: [], children: ["compute"] }],
    // Ansible refuses a circle; that it would end here all the same costs nothing.
    ["compute", { hosts: names, children: ["all"] }],
  ]);
  return { hosts: new Map(Object.entries(hosts)), groups };
}

function write(name: string, text: string, mode: number): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  chmodSync(file, mode);
  return file;
}
