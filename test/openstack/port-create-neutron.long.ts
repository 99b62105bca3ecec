import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { runProgram } from "../../src/host/linux/system/program.ts";
import type { Creation } from "../../src/openstack/guests/creation.ts";
import { decideCapabilities } from "../../src/openstack/guests/port-mode.ts";
import type { Port, PortRequest } from "../../src/openstack/guests/ports.ts";
import { createPort } from "../../src/operations/cloud/create-port.ts";
import type { OpenstackClient } from "../../src/operations/cloud/openstack-client.ts";
import { LoadedClient, withoutClient } from "./client.ts";
import { type NeutronServer, startNeutronServer, withoutServer } from "./neutron-server.ts";

const skip = withoutServer !== false ? withoutServer : withoutClient();
const ml2 = `[ml2]
type_drivers = flat,vlan,vxlan
tenant_network_types = vxlan
mechanism_drivers = openvswitch,sriovnicswitch
[ml2_type_vlan]
network_vlan_ranges = physnet2:100:200
[ml2_type_vxlan]
vni_ranges = 1:1000
`;
const mappings = (physnet: string) => `[sriov_nic]\nphysical_device_mappings = ${physnet}:ens3f0\n`;

/**
 * What `vflag port create` says of a port, held against Neutron's own code: its policy, its drivers, its
 * agents.
 */
describe("ports of a real neutron-server, through the real openstack client", { skip }, () => {
  let neutron: NeutronServer;
  let loaded: LoadedClient;
  let keystone: Awaited<ReturnType<typeof startKeystoneOf>>;
  let client: OpenstackClient;
  let folder = "";

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "vflag-ports-"));
    writeFileSync(join(folder, "paste.ini"), pasteWithMembers());
    neutron = await startNeutronServer({
      ml2,
      neutron: `[DEFAULT]\napi_paste_config = ${join(folder, "paste.ini")}\n`,
      agents: [
        { kind: "nic-switch", host: "sriov", conf: mappings("physnet2") },
        { kind: "nic-switch", host: "astray", conf: mappings("physnet9") },
        { kind: "nic-switch", host: "dead", conf: mappings("physnet2"), alive: false },
        { kind: "openvswitch", host: "lag", bridgeMappings: { physnet2: "br-ex" }, tunnelTypes: ["vxlan"] },
        { kind: "openvswitch", host: "astray", bridgeMappings: { physnet9: "br-ex" } },
      ],
    });
    for (const [name, provider] of [
      [
        "vlan",
        {
          shared: true,
          "provider:network_type": "vlan",
          "provider:physical_network": "physnet2",
          "provider:segmentation_id": 140,
        },
      ],
      ["overlay", {}],
      ["twice", {}],
      ["twice", {}],
    ] as const) {
      const made = await neutron.call("POST", "networks", { network: { name, ...provider } });
      assert.equal(made.status, 201, JSON.stringify(made.body));
    }
    keystone = await startKeystoneOf(neutron);
    writeFileSync(join(folder, "clouds.yaml"), neutron.cloudsYaml + keystone.cloudsYaml);
    loaded = await LoadedClient.start();
    const env = { OS_CLIENT_CONFIG_FILE: join(folder, "clouds.yaml") };
    client = {
      program: loaded.program,
      cloud: "vflag",
      timeout: 60,
      run: (argv, options) => runProgram(argv, { ...options, env }),
    };
  });

  after(async () => {
    loaded?.[Symbol.dispose]();
    keystone?.stop();
    await neutron?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const request = (name: string, mode: PortRequest["mode"], more: Partial<PortRequest> = {}): PortRequest => {
    const { given } = decideCapabilities(mode, "zed", "auto");
    return { name, mode, network: "vlan", physnets: ["physnet2"], capabilities: given, further: [], ...more };
  };
  const told = ({ findings }: Creation<unknown>) =>
    findings.map(({ kind, text }) => `${kind} ${text}`).join("\n");

  /** What nova-compute does when it has chosen a host. */
  async function bind(creation: Creation<Port>, host: string) {
    assert.ok(creation.thing);
    const { status } = await neutron.call("PUT", `ports/${creation.thing.id}`, {
      port: { "binding:host_id": host },
    });
    assert.equal(status, 200);
  }

  test("vf-lag: made with the capability, kept, and bound by openvswitch", async () => {
    const asked = request("lag", "vf-lag");
    const first = await createPort(client, asked);
    assert.equal(first.outcome, "created", told(first));
    assert.equal(first.thing?.binding_vif_type, "unbound");
    assert.deepEqual(first.thing?.binding_profile, { capabilities: ["switchdev"] });
    await bind(first, "lag");
    const second = await createPort(client, asked);
    assert.equal(second.outcome, "kept");
    assert.equal(second.thing?.id, first.thing?.id);
    assert.equal(second.thing?.binding_vif_type, "ovs");
    assert.equal(told(second), "");
  });

  test("sriov: made without, and bound by sriovnicswitch, with the VLAN", async () => {
    const asked = request("legacy", "sriov");
    await bind(await createPort(client, asked), "sriov");
    const { outcome, thing, findings } = await createPort(client, asked);
    assert.equal(outcome, "kept");
    assert.equal(thing?.binding_vif_type, "hw_veb");
    assert.equal(thing?.binding_vif_details?.["vlan"], "140");
    assert.deepEqual(findings, []);
  });

  for (const [host, mode, says] of [
    ["nobody", "sriov", /there is no NIC Switch agent \(neutron-sriov-nic-agent\) on nobody/],
    ["dead", "sriov", /the NIC Switch agent on dead does not answer/],
    ["astray", "sriov", /the network is on physnet2, and the agent on astray has physnet9/],
    ["astray", "switchdev", /the network is on physnet2, and the agent on astray has physnet9/],
    ["sriov", "switchdev", /there is no Open vSwitch agent or OVN controller on sriov/],
  ] as const) {
    test(`a binding that fails on host ${host} in mode ${mode} has its reason`, async () => {
      const asked = request(`${mode}-${host}`, mode);
      await bind(await createPort(client, asked), host);
      const after = await createPort(client, asked);
      assert.equal(after.thing?.binding_vif_type, "binding_failed");
      assert.match(told(after), says);
    });
  }

  test("made with the other capability: a conflict", async () => {
    const first = await createPort(client, request("changed", "sriov"));
    assert.equal(first.outcome, "created");
    const second = await createPort(
      client,
      request("changed", "vf-lag", { network: "overlay", physnets: [null] }),
    );
    assert.equal(second.outcome, "conflict");
    assert.match(
      told(second),
      /^wrong network is \S+, and shall be overlay[\s\S]*^wrong binding profile is \{\}, and shall be with/m,
    );
  });

  test("a member: a binding profile is forbidden, in Neutron's own words; without it the port is made, and what is hidden is said", async () => {
    const member = { ...client, cloud: "member" };
    const refused = await createPort(member, request("of-a-member", "vf-lag"));
    assert.equal(refused.outcome, "refused");
    assert.match(
      told(refused),
      /only administrators and services may give a port a binding profile \(policy create_port:binding:profile, 403\)/,
    );
    assert.match(refused.findings[0]?.next.join("\n") ?? "", /--capabilities without/);
    const without = request("of-a-member", "vf-lag", { capabilities: false });
    const made = await createPort(member, without);
    assert.equal(made.outcome, "created", told(made));
    assert.equal(made.thing?.binding_vnic_type, "direct");
    const kept = await createPort(member, without);
    assert.equal(kept.outcome, "kept");
    assert.match(
      told(kept),
      /^note the binding profile was not compared[\s\S]*^note port of-a-member: how it is bound was not checked/m,
    );
  });

  test("a network that is not there, or twice; two ports of one name; a network that no VF of the NIC can be in", async () => {
    assert.match(
      told(await createPort(client, request("p", "vf-lag", { network: "nonet" }))),
      /there is no network nonet/,
    );
    assert.match(
      told(await createPort(client, request("p", "vf-lag", { network: "twice" }))),
      /more than one network is called twice/,
    );
    assert.match(
      told(await createPort(client, request("p", "sriov", { network: "overlay", physnets: [] }))),
      /is of type vxlan, and in mode sriov/,
    );
    assert.match(
      told(await createPort(client, request("p", "vf-lag", { physnets: ["physnet3"] }))),
      /is on physnet2, and the NIC's physnet is physnet3/,
    );
    const { body } = await neutron.call("GET", "networks?name=vlan");
    for (const _ of [1, 2])
      await neutron.call("POST", "ports", { port: { name: "double", network_id: body.networks[0].id } });
    const double = await createPort(client, request("double", "vf-lag"));
    assert.equal(double.outcome, "ambiguous");
    assert.match(told(double), /2 ports are called double/);
  });

  test("a quota that is used up, in Neutron's own words", async () => {
    const { body } = await neutron.call("GET", "ports");
    // The member's ports are another project's.
    const { project_id: project } = body.ports.find(
      (port: { project_id: string }) => port.project_id !== "project-1",
    );
    const set = await neutron.call("PUT", `quotas/${project === "" ? "none" : project}`, {
      quota: { port: 1 },
    });
    assert.equal(set.status, 200, JSON.stringify(set.body));
    const refused = await createPort(client, request("one-more", "sriov"));
    assert.match(told(refused), /the project's quota is used up: Quota exceeded for resources: \['port'\]/);
  });
});

/**
 * Neutron's pipeline twice: for the administrator that everybody is, and, under /member, for whom the headers
 * name, as Keystone's middleware does.
 */
function pasteWithMembers(): string {
  const usual = readFileSync("/usr/share/neutron-common/api-paste.ini", "utf8");
  assert.match(usual, /^\/v2\.0: neutronapi_v2_0$/m);
  return `${usual.replace("/v2.0: neutronapi_v2_0", "$&\n/member/v2.0: member")}
[pipeline:member]
pipeline = catch_errors keystonecontext extensions neutronapiapp_v2_0
`;
}

/**
 * What stands between a member and Neutron: it says who asks, as Keystone's middleware does when a token was
 * good.
 */
async function startKeystoneOf(neutron: NeutronServer) {
  const who = {
    "x-user-id": "member-1",
    "x-project-id": "project-1",
    "x-roles": "member,reader",
    "x-identity-status": "Confirmed",
  };
  const server = createServer((request, response) => {
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk);
      if (request.url === "/")
        return response.end(
          JSON.stringify({
            versions: [{ id: "v2.0", status: "CURRENT", links: [{ rel: "self", href: "v2.0/" }] }],
          }),
        );
      const answer = await fetch(`${neutron.endpoint}/member${request.url ?? ""}`, {
        method: request.method ?? "GET",
        headers: { ...who, "content-type": "application/json" },
        ...(chunks.length > 0 && { body: Buffer.concat(chunks) }),
      });
      response.writeHead(answer.status, { "content-type": "application/json" });
      response.end(await answer.text());
    })();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  assert.ok(address !== null && typeof address === "object");
  const endpoint = `http://127.0.0.1:${address.port}`;
  const cloudsYaml = `  member:\n    auth_type: none\n    auth: {endpoint: "${endpoint}"}\n    network_endpoint_override: "${endpoint}"\n`;
  const stop = () => {
    server.closeAllConnections();
    server.close();
  };
  return { cloudsYaml, stop };
}
