import assert from "node:assert/strict";
import { parse } from "node:path";
import { test } from "node:test";
import { configurationText } from "../../../src/report/configuration/configuration-text.ts";
import { withoutSecrets } from "../../../src/report/configuration/secrets.ts";
import { treeText } from "../../../src/report/configuration/tree-text.ts";
import { plain } from "../../../src/report/terminal/style.ts";

/** Secrets of configuration files: each S…T below is one, and none may be shown. */
const files = {
  "nova.conf": `[DEFAULT]
transport_url = rabbit://nova:S1T@10.0.0.1:5672//,rabbit://nova:S2T@10.0.0.2:5672//
[database]
connection = mysql+pymysql://nova:S3T@db/nova
[keystone_authtoken]
username = nova
password = S4T
memcache_secret_key: S5T
# admin_password = S6T
[neutron]
metadata_proxy_shared_secret=S7T
  S8T-goes-on-below
auth_url = https://nova:S9T@keystone/v3
[vnc]
enabled = true
`,
  "kolla.yml": `kolla_base_distro: debian
kolla_external_vip_address: 10.0.0.1
keystone_admin_password: S1T
"rabbitmq_password": 'S2T'
nova_ssh_key:
  private_key: |
    S3T
    S4T

  public_key: public
docker_registry: {username: me, password: S5T}
tokens:
- S6T
- S7T
list:
  - password: S8T
    user: me
kolla_extra: --os-password S9T
`,
};

for (const [name, text] of Object.entries(files))
  test(`no secret of ${parse(name).base} is in a diff, and all else is`, () => {
    const changed = `${text}last: line\n`;
    for (const shown of [
      configurationText(name, text, { text: changed, conflicts: [], notes: [] }, plain),
      configurationText(name, "", { text, conflicts: [], notes: [] }, plain),
      configurationText(name, text, { text: "", conflicts: [], notes: [] }, plain),
      treeText([{ name, kind: "file", before: text, after: "" }], plain),
      treeText([{ name, kind: "file", before: null, after: text }], plain),
    ])
      assert.doesNotMatch(shown, /S\dT/);
    const lines = withoutSecrets(text.split("\n"));
    assert.equal(lines.length, text.split("\n").length);
    for (const [index, line] of text.split("\n").entries())
      if (!/S\dT/.test(line)) assert.equal(lines[index], line);
    assert.equal(
      lines.filter((line) => line.includes("(hidden)")).length,
      text.split("\n").filter((line) => /S\dT/.test(line)).length,
    );
  });

test("what is only looked up elsewhere is shown, and a changed secret is a change", () => {
  assert.deepEqual(withoutSecrets(["password: '{{ vault_password }}'"]), [
    "password: '{{ vault_password }}'",
  ]);
  const outcome = { text: "password = new\n", conflicts: [], notes: [] };
  assert.match(
    configurationText("a", "password = old\n", outcome, plain),
    /^-password = \(hidden\)\n\+password = \(hidden\)$/m,
  );
});

test("names that only look alike are no secrets", () => {
  for (const line of [
    "passthrough_whitelist = x",
    "pci_passthrough: y",
    "compass: north",
    "max_connections = 5",
    "keystone: yes",
  ])
    assert.deepEqual(withoutSecrets([line]), [line]);
});
