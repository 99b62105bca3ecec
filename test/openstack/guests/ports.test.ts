import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { AgentList, agentsFor, bindingReasons } from "../../../src/openstack/guests/binding.ts";
import {
  type Finding,
  furtherProblems,
  givenNameProblem,
  newNameProblem,
} from "../../../src/openstack/guests/creation.ts";
import { faultReason } from "../../../src/openstack/guests/faults.ts";
import { asksForSwitchdev, judgePort, Network, Port } from "../../../src/openstack/guests/ports.ts";
import { refusalOf } from "../../../src/openstack/guests/refusals.ts";
import {
  compareServer,
  namePattern,
  readNic,
  Server,
  type ServerRequest,
} from "../../../src/openstack/guests/servers.ts";

const port = (more: object = {}) =>
  Port.parse({
    id: "p1",
    name: "vf",
    network_id: "n1",
    binding_vnic_type: "direct",
    binding_vif_type: "unbound",
    binding_profile: {},
    ...more,
  });
const told = (findings: readonly Finding[]) => findings.map(({ kind, text }) => `${kind} ${text}`).join("\n");

test("a port asks for switchdev as Neutron reads it: in a list, or as a text", () => {
  assert.equal(asksForSwitchdev(port({ binding_profile: { capabilities: ["switchdev"] } })), true);
  assert.equal(asksForSwitchdev(port({ binding_profile: { capabilities: "switchdev" } })), true);
  assert.equal(asksForSwitchdev(port({ binding_profile: { capabilities: [] } })), false);
  assert.equal(asksForSwitchdev(port()), false);
  assert.equal(
    asksForSwitchdev(port({ binding_vif_type: null })),
    null,
    "hidden with the rest of the binding",
  );
});

test("what a binding tells", () => {
  const bound = { device_id: "s", binding_host_id: "hv1", status: "ACTIVE" };
  assert.equal(told(judgePort(port({ ...bound, binding_vif_type: "ovs" }), true)), "");
  assert.equal(
    told(
      judgePort(port({ ...bound, binding_vif_type: "hw_veb", binding_vif_details: { vlan: "5" } }), false),
    ),
    "",
  );
  assert.match(
    told(judgePort(port({ ...bound, binding_vif_type: "ovs" }), false)),
    /^wrong .* sriovnicswitch would have bound it as hw_veb/,
  );
  assert.match(
    told(judgePort(port({ ...bound, binding_vif_type: "vhostuser" }), true)),
    /^doubtful .* as ovs/,
  );
  const netdev = { ...bound, binding_vif_type: "ovs", binding_vif_details: { datapath_type: "netdev" } };
  assert.match(told(judgePort(port(netdev), true)), /^wrong .* on hv1 has the datapath netdev/);
  assert.match(
    told(judgePort(port({ ...bound, status: "DOWN", binding_vif_type: "ovs" }), true)),
    /^doubtful .* bound on hv1, and its status is DOWN/,
  );
  assert.match(told(judgePort(port({ device_id: "s" }), true)), /^doubtful .* vif_type is unbound/);
  assert.match(
    told(judgePort(port({ ...bound, binding_vif_type: "hw_veb" }), false)),
    /^doubtful .* no VLAN/,
  );
});

test("why a binding failed: what was not looked at takes nothing for sure, and OVN says its mappings as a text", () => {
  const failed = port({
    binding_vif_type: "binding_failed",
    binding_profile: { capabilities: ["switchdev"] },
  });
  const network = Network.parse({
    id: "n1",
    name: "n",
    "provider:network_type": "vlan",
    "provider:physical_network": "physnet2",
  });
  const agent = (host: string, mappings: string, alive = true) => ({
    agent_type: "OVN Controller agent",
    host,
    alive,
    configuration: { "bridge-mappings": mappings },
  });
  const astray = [agent("hv1", "physnet1:br-ex, physnet3:br-3")];
  assert.match(
    told(bindingReasons({ port: failed, network, agents: astray })),
    /^wrong the network is on physnet2, and the agent on hv1 has physnet1, physnet3$/,
  );
  assert.match(
    told(bindingReasons({ port: failed, network, agents: astray, more: 9 })),
    /^doubtful .*; 9 more agents were not looked at$/,
  );
  const fine = [...astray, agent("hv2", "physnet2:br-ex")];
  assert.match(
    told(bindingReasons({ port: failed, network, agents: fine })),
    /^doubtful .* may lack openvswitch \(or ovn\)$/,
  );
  const legacy = port({ binding_vif_type: "binding_failed" });
  const overlay = Network.parse({
    id: "n1",
    name: "n",
    "provider:network_type": "geneve",
    "provider:physical_network": null,
  });
  assert.match(
    told(bindingReasons({ port: legacy, network: overlay, agents: null })),
    /^wrong the network is of type geneve/,
  );
});

test("the agents that could bind a port: of its kind, on its host, those that answer first", () => {
  const list = AgentList.parse([
    { ID: "1", "Agent Type": "NIC Switch agent", Host: "hv1", Alive: false },
    { ID: "2", "Agent Type": "NIC Switch agent", Host: "hv2", Alive: ":-)" },
    { ID: "3", "Agent Type": "Open vSwitch agent", Host: "hv1", Alive: true },
    { ID: "4", "Agent Type": "L3 agent", Host: "hv1", Alive: true },
  ]);
  const of = (more: object) => agentsFor(port(more), list).map(({ ID }) => ID);
  assert.deepEqual(of({}), ["2", "1"]);
  assert.deepEqual(of({ binding_host_id: "hv1" }), ["1"]);
  assert.deepEqual(of({ binding_profile: { capabilities: ["switchdev"] } }), ["3"]);
});

describe("servers", () => {
  const request: ServerRequest = {
    name: "g.1",
    image: "debian-12",
    flavor: "m1.large",
    keyName: undefined,
    nics: [{ kind: "net-id", of: "tenant" }],
    further: [],
  };
  const none = { inNetwork: new Map([["tenant", ["p9"]]]), deviceOf: new Map() };
  const compared = (more: object) =>
    told(compareServer(request, Server.parse({ id: "s", status: "ACTIVE", ...more }), none));

  test("image and flavor are compared in every form that clients have", () => {
    assert.equal(compared({ image: "debian-12 (i1)", flavor: "m1.large (f1)" }), "");
    assert.equal(
      compared({ image: { id: "debian-12" }, flavor: { original_name: "m1.large", vcpus: 4 } }),
      "",
    );
    assert.equal(
      compared({ image: "debian-12 (a) (i1)", flavor: "m1.large" }),
      "wrong image is debian-12 (a) (i1), and shall be debian-12",
    );
    assert.match(
      compared({ image: "N/A (booted from volume)", flavor: "m1.large (f)" }),
      /^note the image was not compared: .*volume/,
    );
  });

  test("a name's pattern finds it, and a NIC is one of two forms", () => {
    assert.equal(namePattern("g.1+x"), "^g.1.x$");
    assert.deepEqual(readNic("port-id=a b"), { kind: "port-id", of: "a b" });
    for (const wrong of ["port-id=", "net-id=a,port-id=b", "v4-fixed-ip=1", "net-id=a=b", "tenant"])
      assert.equal(readNic(wrong), null, wrong);
  });

  test("each of Nova's faults has its meaning, and one that is not known its own words", () => {
    assert.match(
      faultReason("g", "Insufficient compute resources: Claim pci failed.").text,
      /PciPassthroughFilter is not among/,
    );
    assert.match(
      faultReason("g", "Insufficient compute resources: Free memory 1 MB.").text,
      /not enough of what the flavor asks for/,
    );
    assert.match(faultReason("g", "PCI device request [x] failed").text, /no VF left/);
    assert.match(faultReason("g", "No valid host was found. ").text, /the scheduler found no hypervisor/);
    assert.match(faultReason("g", "odd").text, /in ERROR: odd$/);
    assert.match(faultReason("g", null).text, /gives no fault/);
  });
});

test("names: of what is made, of what is there, and the client's further arguments", () => {
  for (const name of ["guest1-vflag", "a", "A_b.c:d@e+f"]) assert.equal(newNameProblem(name), null, name);
  for (const name of [
    "",
    "-a",
    "a b",
    "a\u202e",
    "x".repeat(256),
    "11111111-1111-4111-8111-111111111111",
    "1".repeat(32),
  ])
    assert.notEqual(newNameProblem(name), null, name);
  for (const name of ["tenant net", "Büro", "a/b"])
    assert.equal(givenNameProblem("--network", name), null, name);
  for (const name of ["", "-a", " a", "a\n", "a\u202e", "a\u001b[31m"])
    assert.notEqual(givenNameProblem("--network", name), null, name);
  assert.deepEqual(furtherProblems("port", ["--tag", "rdma", "--description=two words"]), []);
  assert.deepEqual(furtherProblems("server", ["--availability-zone", "nova:hv1"]), []);
  for (const wrong of [
    "--binding",
    "--vnic-type=normal",
    "--os-token",
    "--form",
    "-c",
    "--debug",
    "--netw",
    "other",
  ])
    assert.equal(furtherProblems("port", [wrong]).length, 1, wrong);
});

test("a refusal has no secrets in it, and what is not known its own last words", () => {
  const attempt = { what: "port list", profile: false };
  const said =
    'oops {"password": "hunter2", "token": gAAAAABabcdefghijklmnopqrstuvwxyz} at https://op:hunter2@cloud/';
  const { text } = refusalOf(attempt, `Traceback\n${said}\n`, 1);
  assert.match(
    text,
    /^openstack port list failed \(exit code 1\): oops \{"password": \*\*\*, "token": \*\*\*\} at https:\/\/\*\*\*@cloud\/$/,
  );
  assert.match(refusalOf(attempt, "", null).text, /exit code none\): it said nothing/);
  assert.match(
    refusalOf(attempt, "rule:create_port:binding:profile is disallowed by policy (403)", 1).text,
    /binding:profile is disallowed/,
  );
});
