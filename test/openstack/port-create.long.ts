import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { usersEnvironment, vflag } from "../support/vflag.ts";
import { LoadedClient, openstack, withoutClient } from "./client.ts";
import { type Asked, Cloud, cloudsFolder, ids, password, token } from "./cloud.ts";

/**
 * `vflag port create` and `vflag server create` as a user runs them, with the real openstack client, against
 * services that answer as a cloud's.
 */
const skip = withoutClient();
const switchdev = { capabilities: ["switchdev"] };

let client: LoadedClient;
let cloud: Cloud;
let folder = "";

before(async () => {
  if (skip === false) client = await LoadedClient.start();
});

after(() => client?.[Symbol.dispose]());

beforeEach(async () => {
  if (skip !== false) return;
  cloud = await Cloud.start();
  folder = cloudsFolder(cloud.url);
});

afterEach(async () => {
  if (skip !== false) return;
  await cloud[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

describe("vflag port create", { skip }, () => {
  const port = (...more: string[]) =>
    vflagWith("port", "create", "guest1-vflag", "--network", "vlan540", ...more);
  const body = (more: object) => [
    {
      port: {
        name: "guest1-vflag",
        network_id: ids.vlan,
        admin_state_up: true,
        "binding:vnic_type": "direct",
        ...more,
      },
    },
  ];

  test("is the command of the sources, printed first; the second time, the port is kept", async () => {
    const first = await port("--mode", "vf-lag", "--release", "zed", "--client", openstack);
    assert.equal(
      first.lines[0],
      `${openstack} --os-cloud lab port create --network vlan540 --vnic-type direct --binding-profile '{"capabilities": ["switchdev"]}' -f json guest1-vflag`,
    );
    assert.match(
      first.stdout,
      /^created {3}port guest1-vflag \([0-9a-f-]+\)\n {2}vif_type unbound, status DOWN, profile /m,
    );
    assert.equal(first.code, 0);
    assert.deepEqual(
      cloud.changes.map((asked) => asked.body),
      body({ "binding:profile": switchdev }),
    );
    const second = await port("--mode", "vf-lag", "--release", "zed");
    assert.match(second.stdout, /^kept {6}port guest1-vflag /m);
    assert.equal(second.code, 0);
    assert.equal(cloud.changes.length, 1);
  });

  test("a dry run prints the command, and asks nobody", async () => {
    const { stdout, code } = await port("--mode", "switchdev", "--dry-run");
    assert.match(stdout, /^\S+ --os-cloud lab port create .* guest1-vflag\n$/);
    assert.equal(code, 0);
    assert.deepEqual(cloud.asked, []);
  });

  test("capabilities go by mode, release and choice", async () => {
    const profile = async (...options: string[]) =>
      (await port("--dry-run", ...options)).stdout.includes("--binding-profile");
    assert.equal(await profile("--mode", "sriov", "--release", "zed"), false);
    assert.equal(await profile("--mode", "switchdev", "--release", "2023.2"), true);
    assert.equal(await profile("--mode", "switchdev", "--release", "2024.1"), false);
    assert.equal(await profile("--mode", "switchdev", "--release", "2024.1", "--capabilities", "with"), true);
    assert.equal(await profile("--mode", "vf-lag", "--release", "zed", "--capabilities", "without"), false);
    assert.equal(await profile("--mode", "vf-lag"), true);
    assert.match(
      (await port("--mode", "sriov", "--capabilities", "with")).stderr,
      /sriovnicswitch binds the port, and refuses one with the capability/,
    );
  });

  test("the mode comes from the spec, and its physnet has to be the network's", async () => {
    const spec = join(folder, "vflag.yaml");
    const nics = (physnet: string) =>
      `{version: 1, nics: [{name: data, mode: sriov, ports: [ens3f0], vfs: 2, physnet: ${physnet}}, {name: fast, mode: switchdev, ports: [ens4f0], vfs: 2, physnet: ${physnet}}]}`;
    writeFileSync(spec, nics("physnet2"));
    assert.match(
      (await port("--spec", spec)).stderr,
      /made in different ways, data \(sriov\), fast \(switchdev\): say which one with --nic/,
    );
    assert.match(
      (await port("--spec", spec, "--nic", "slow")).stderr,
      /has no NIC called slow: it has data \(sriov\), fast/,
    );
    assert.match((await port("--spec", spec, "--nic", "data")).stdout, /^created /m);
    assert.deepEqual(
      cloud.changes.map((asked) => asked.body),
      body({}),
    );
    writeFileSync(spec, nics("physnet7"));
    const other = await port("--spec", spec, "--nic", "data");
    assert.match(
      other.stdout,
      /^conflict .*\nwrong {5}network vlan540 is on physnet2, and the NIC's physnet is physnet7/m,
    );
    assert.equal(other.code, 1);
    const overlay = await vflagWith("port", "create", "p", "--network", "tenant", "--mode", "sriov");
    assert.match(
      overlay.stdout,
      /network tenant is of type geneve, and in mode sriov only flat and VLAN networks can be bound/,
    );
    assert.equal(cloud.changes.length, 1);
  });

  test("one that differs is a conflict that names each difference", async () => {
    cloud.port({ name: "guest1-vflag", network_id: ids.tenant, "binding:vnic_type": "normal" });
    const { stdout, code } = await port("--mode", "vf-lag", "--release", "zed");
    assert.match(stdout, /^conflict {2}port guest1-vflag/m);
    assert.match(stdout, /^wrong {5}network is 1{8}-\S+, and shall be vlan540 \(2{8}-/m);
    assert.match(stdout, /^wrong {5}vnic type is normal, and shall be direct$/m);
    assert.match(
      stdout,
      /^wrong {5}binding profile is \{\}, and shall be with \{"capabilities": \["switchdev"\]\}$/m,
    );
    assert.equal(code, 1);
    assert.deepEqual(cloud.changes, []);
  });

  test("two of the same name are an error", async () => {
    for (const _ of [1, 2])
      cloud.port({ name: "guest1-vflag", network_id: ids.vlan, "binding:vnic_type": "direct" });
    const { stdout, code } = await port("--mode", "sriov");
    assert.match(stdout, /^ambiguous .*\nwrong {5}2 ports are called guest1-vflag, .*: 6{8}-\S+, 6{8}-/m);
    assert.equal(code, 1);
    assert.deepEqual(cloud.changes, []);
  });

  test("what this user does not get to see is not compared, and said", async () => {
    cloud.port({
      name: "guest1-vflag",
      network_id: ids.vlan,
      "binding:vnic_type": "direct",
      "binding:profile": undefined,
      "binding:vif_type": undefined,
      "binding:vif_details": undefined,
    });
    const { stdout, code } = await port("--mode", "vf-lag", "--release", "zed");
    assert.match(stdout, /^kept /m);
    assert.match(stdout, /^note {6}the binding profile was not compared: this user does not get to see it$/m);
    assert.match(stdout, /how it is bound was not checked/);
    assert.equal(code, 0);
  });

  const refusals: readonly (readonly [
    name: string,
    on: (asked: Asked) => boolean,
    status: number,
    body: unknown,
    says: RegExp,
  ])[] = [
    [
      "a binding profile that the policy forbids",
      isChange,
      403,
      neutronError(
        "PolicyNotAuthorized",
        "((rule:create_port and rule:create_port:binding:profile)) is disallowed by policy",
      ),
      /only administrators and services may give a port a binding profile[\s\S]*next: --capabilities without, where nova-compute/,
    ],
    [
      "another policy",
      isChange,
      403,
      neutronError("PolicyNotAuthorized", "rule:create_port is disallowed by policy"),
      /this user may not do it \(403\): rule:create_port is disallowed by policy/,
    ],
    [
      "a quota",
      isChange,
      409,
      neutronError("OverQuota", "Quota exceeded for resources: ['port']."),
      /quota is used up: Quota exceeded for resources: \['port'\]\.\n\s+next: openstack quota show/,
    ],
    [
      "no address left",
      isChange,
      409,
      neutronError("IpAddressGenerationFailure", `No more IP addresses available on network ${ids.vlan}.`),
      /no address is left in the network's subnets/,
    ],
    [
      "a wrong password",
      ({ path }) => path.endsWith("/auth/tokens"),
      401,
      {
        error: {
          code: 401,
          title: "Unauthorized",
          message: "The request you have made requires authentication.",
        },
      },
      /Keystone does not let this user in \(401\)/,
    ],
    [
      "a service that fails",
      ({ path }) => path.startsWith("/network/v2.0/ports"),
      503,
      undefined,
      /the service failed \(503\)/,
    ],
  ];
  for (const [name, on, status, answer, says] of refusals) {
    test(`a refusal is explained: ${name}`, async () => {
      cloud.instead = (asked) => (on(asked) ? { status, body: answer } : undefined);
      const { stdout, code } = await port("--mode", "vf-lag", "--release", "zed");
      assert.match(stdout, /^refused {3}port guest1-vflag\n/m);
      assert.match(stdout, says);
      assert.equal(code, 1);
      assert.deepEqual(cloud.things.ports, []);
    });
  }

  test("a network that is not there, or twice; a cloud or a client that is not there", async () => {
    const nowhere = await vflagWith("port", "create", "p", "--network", "nonet", "--mode", "sriov");
    assert.match(
      nowhere.stdout,
      /^wrong {5}openstack network show: there is no network nonet, or this user/m,
    );
    const [, vlan] = cloud.things.networks;
    cloud.things.networks.push({ ...vlan, id: ids.project });
    assert.match(
      (await port("--mode", "sriov")).stdout,
      /more than one network is called vlan540\n\s+next: give its id/,
    );
    assert.match(
      (await port("--mode", "sriov", "--os-cloud", "other")).stdout,
      /there is no cloud other in clouds\.yaml/,
    );
    assert.match(
      (await port("--mode", "sriov", "--client", "/nowhere/openstack")).stdout,
      /the openstack client cannot be started: .*no such program/,
    );
  });

  test("a client that does not answer is killed, and a repetition is said to be safe", async () => {
    cloud.instead = (asked) => (isChange(asked) ? new Promise(() => {}) : undefined);
    const { stdout, code } = await port("--mode", "sriov", "--timeout", "8");
    assert.match(
      stdout,
      /openstack port create: no answer after 8 s, so the client was killed\n\s+next: run the same command again/,
    );
    assert.equal(code, 1);
  });

  test("a binding that failed has its reason: no agent, a dead one, another physnet, or neutron-server itself", async () => {
    cloud.port({
      name: "guest1-vflag",
      network_id: ids.vlan,
      "binding:vnic_type": "direct",
      "binding:vif_type": "binding_failed",
      "binding:host_id": "hv1",
    });
    cloud.agent("Open vSwitch agent", "hv1", { bridge_mappings: { physnet2: "br-ex" } });
    cloud.agent("NIC Switch agent", "hv2", { device_mappings: { physnet2: ["ens3f0"] } });
    const says = async () => {
      const { stdout, code } = await port("--mode", "sriov");
      assert.match(stdout, /^kept {6}port guest1-vflag/m);
      assert.match(stdout, /^wrong {5}port guest1-vflag: vif_type is binding_failed/m);
      assert.equal(code, 1);
      return stdout;
    };
    assert.match(
      await says(),
      /^wrong {5}there is no NIC Switch agent \(neutron-sriov-nic-agent\) on hv1\n\s+next: deploy neutron-sriov-nic-agent/m,
    );
    const agent = cloud.agent("NIC Switch agent", "hv1", { device_mappings: { physnet1: ["ens3f0"] } });
    assert.match(
      await says(),
      /^wrong {5}the network is on physnet2, and the agent on hv1 has physnet1\n\s+next: \[sriov_nic\] physical_device_mappings/m,
    );
    agent["configurations"] = { device_mappings: { physnet2: ["ens3f0"] } };
    assert.match(
      await says(),
      /^doubtful {2}an agent is alive and has the network: .* may lack sriovnicswitch$/m,
    );
    agent["alive"] = false;
    assert.match(await says(), /^wrong {5}the NIC Switch agent on hv1 does not answer/m);
    cloud.instead = ({ path }) =>
      path.startsWith("/network/v2.0/agents")
        ? { status: 403, body: neutronError("PolicyNotAuthorized", "x") }
        : undefined;
    assert.match(
      await says(),
      /^doubtful {2}the reason was not to be seen: only administrators see Neutron's agents\n/m,
    );
  });

  test("bound by the other driver", async () => {
    cloud.port({
      name: "guest1-vflag",
      network_id: ids.vlan,
      device_id: "s",
      status: "ACTIVE",
      "binding:vnic_type": "direct",
      "binding:vif_type": "hw_veb",
      "binding:vif_details": { vlan: "540" },
      "binding:host_id": "hv1",
    });
    const { stdout, code } = await port("--mode", "vf-lag", "--release", "2024.1");
    assert.match(
      stdout,
      /^wrong {5}port guest1-vflag: vif_type is hw_veb, and openvswitch or ovn would have bound it as ovs$/m,
    );
    assert.equal(code, 1);
    const legacy = await port("--mode", "sriov");
    assert.match(
      legacy.stdout,
      /^ {2}vif_type hw_veb on hv1, status ACTIVE, profile \{\}, vif_details \{"vlan":"540"\}$/m,
    );
    assert.equal(legacy.code, 0);
  });

  test("JSON has everything, and the command is on the error output", async () => {
    const { stdout, stderr } = await port("--mode", "switchdev", "--release", "zed", "-o", "json");
    assert.match(stderr, /^\S+ --os-cloud lab port create /);
    const answer = JSON.parse(stdout);
    assert.equal(answer.schema, "vflag/port-create/1");
    assert.equal(answer.outcome, "created");
    assert.deepEqual(answer.command.slice(1, 5), ["--os-cloud", "lab", "port", "create"]);
    assert.deepEqual(answer.port.binding_profile, switchdev);
    assert.equal(answer.port.binding_vif_type, "unbound");
  });

  test("further arguments go to the client, unless vflag decides them or they would tell a secret", async () => {
    assert.equal((await port("--mode", "sriov", "--", "--description", "two words")).code, 0);
    assert.deepEqual(
      cloud.changes.map((asked) => asked.body),
      body({ description: "two words" }),
    );
    const wrong = await port("--mode", "sriov", "--", "--vnic", "normal", "--os-password", "x", "-f", "yaml");
    assert.match(
      wrong.stderr,
      /--vnic: vflag decides this itself[\s\S]*--os-password: how to get into the cloud[\s\S]*-f: options are taken in their long form/,
    );
    const names = await vflagWith("port", "create", "-x", "--network", "vlan540", "--mode", "sriov");
    assert.equal(names.code, 1);
    for (const name of ["a b", "x".repeat(256), ids.vlan, "a\nb"]) {
      const { stderr, code } = await vflagWith(
        "port",
        "create",
        name,
        "--network",
        "vlan540",
        "--mode",
        "sriov",
      );
      assert.match(stderr, /a name has letters|looks like an id/);
      assert.equal(code, 1);
    }
    assert.equal(cloud.changes.length, 1);
  });
});

describe("vflag server create", { skip }, () => {
  const nics = ["--nic", "net-id=tenant", "--nic", "port-id=guest1-vflag"];
  const server = (...more: string[]) =>
    vflagWith(
      "server",
      "create",
      "guest1",
      "--image",
      "debian-12",
      "--flavor",
      "m1.large",
      "--key-name",
      "ops",
      ...nics,
      ...more,
    );
  const vfPort = (more: object = {}) =>
    cloud.port({
      name: "guest1-vflag",
      network_id: ids.vlan,
      "binding:vnic_type": "direct",
      "binding:profile": switchdev,
      ...more,
    });

  test("mixes a normal NIC with a port for a VF, waits, and checks the binding; the second time, it is kept", async () => {
    const port = vfPort();
    cloud.later = (made, looks) => {
      if (looks < 2) return;
      made["status"] = "ACTIVE";
      made["OS-EXT-SRV-ATTR:host"] = "hv1";
      Object.assign(port, {
        status: "ACTIVE",
        "binding:vif_type": "ovs",
        "binding:host_id": "hv1",
        "binding:vif_details": { port_filter: true },
      });
    };
    const first = await server("--client", openstack);
    assert.equal(
      first.lines[0],
      `${openstack} --os-cloud lab server create --image debian-12 --flavor m1.large --key-name ops --nic net-id=tenant --nic port-id=guest1-vflag -f json guest1`,
    );
    assert.match(
      first.stdout,
      /^created {3}server guest1 \(7{8}-\S+\): ACTIVE on hv1\n {2}port guest1-vflag: vif_type ovs on hv1, status ACTIVE/m,
    );
    assert.equal(first.code, 0);
    assert.deepEqual(
      cloud.changes.map((asked) => asked.body),
      [
        {
          server: {
            name: "guest1",
            imageRef: ids.image,
            flavorRef: ids.flavor,
            key_name: "ops",
            min_count: 1,
            max_count: 1,
            networks: [{ uuid: ids.tenant }, { port: port["id"] }],
          },
        },
      ],
    );
    const second = await server();
    assert.match(second.stdout, /^kept {6}server guest1 /m);
    assert.equal(second.code, 0);
    assert.equal(cloud.changes.length, 1);
  });

  test("one that differs is a conflict that names each difference; two are an error", async () => {
    vfPort({ device_id: "other" });
    cloud.server({ name: "guest1", image: { id: "i" }, flavor: { id: "f" }, key_name: "theirs" });
    cloud.server({ name: "guest12" });
    const { stdout, code } = await server();
    assert.match(stdout, /^conflict {2}server guest1 \(7{8}-\S+\): ACTIVE/m);
    for (const difference of [
      /^wrong {5}image is i, and shall be debian-12$/m,
      /^wrong {5}flavor is f, and shall be m1\.large$/m,
      /^wrong {5}key is theirs, and shall be ops$/m,
      /^wrong {5}port guest1-vflag is not its own: server other has it$/m,
      /^wrong {5}it has 0 NICs of its own in network tenant, and shall have 1$/m,
    ])
      assert.match(stdout, difference);
    assert.equal(code, 1);
    cloud.server({ name: "guest1" });
    assert.match((await server()).stdout, /^ambiguous[\s\S]*2 servers are called guest1/m);
    assert.deepEqual(cloud.changes, []);
  });

  test("a port that another server has is not given away", async () => {
    vfPort({ device_id: "other", device_owner: "compute:nova" });
    const { stdout, code } = await server();
    assert.match(stdout, /^conflict .*\nwrong {5}port guest1-vflag is in use: compute:nova other has it/m);
    assert.equal(code, 1);
    assert.deepEqual(cloud.changes, []);
  });

  const faults: readonly (readonly [fault: string, says: RegExp])[] = [
    [
      "No valid host was found. There are not enough hosts available.",
      /the scheduler found no hypervisor: none has a free VF[\s\S]*PciPassthroughFilter returned 0 hosts/,
    ],
    [
      "Build of instance 7 was re-scheduled: Insufficient compute resources: Claim pci failed.",
      /no VF left for the port: PciPassthroughFilter is not among enabled_filters[\s\S]*next: vflag nova diff/,
    ],
    [
      "Build of instance 7 aborted: Failed to allocate the network(s), not rescheduling.",
      /waited in vain for Neutron to wire a port/,
    ],
    ["Nothing that anybody \u001b[31mknows", /guest1 is in ERROR: Nothing that anybody \{1b\}\[31mknows$/m],
  ];
  for (const [fault, says] of faults) {
    test(`a server in ERROR has its reason: ${fault.slice(0, 60).replaceAll("\u001b", "ESC")}`, async () => {
      vfPort();
      cloud.agent("Open vSwitch agent", "hv1", { bridge_mappings: { physnet2: "br-ex" } });
      cloud.later = (made) =>
        Object.assign(made, {
          status: "ERROR",
          fault: { code: 500, message: fault, created: "2026-01-01T00:00:00Z" },
        });
      const { stdout, code } = await server();
      assert.match(stdout, /^created {3}server guest1 \(\S+\): ERROR/m);
      assert.match(stdout, says);
      assert.equal(code, 1);
    });
  }

  test("a binding that failed is traced to Neutron's agents, though Nova has taken the host from the port again", async () => {
    const port = vfPort();
    cloud.agent("Open vSwitch agent", "hv1", { bridge_mappings: { physnet1: "br-ex" } });
    cloud.later = (made) =>
      Object.assign(made, {
        status: "ERROR",
        fault: {
          code: 500,
          message: `Binding failed for port ${String(port["id"])}, please check neutron logs for more information.`,
        },
      });
    const { stdout, code } = await server();
    assert.match(
      stdout,
      /^wrong {5}server guest1 is in ERROR: Neutron could not bind the port on the hypervisor\. Nova says: Binding failed for port/m,
    );
    assert.match(
      stdout,
      /^wrong {5}port guest1-vflag: the network is on physnet2, and the agent on hv1 has physnet1\n\s+next: \[ovs\] bridge_mappings/m,
    );
    assert.equal(code, 1);
  });

  test("the time limit ends the waiting, and a repetition goes on with it; --wait 0 does not wait", async () => {
    vfPort();
    cloud.later = () => {};
    const slow = await server("--wait", "4");
    assert.match(
      slow.stdout,
      /^wrong {5}server guest1 is still being built after 4 s\n\s+next: .*run the same command again/m,
    );
    assert.equal(slow.code, 1);
    const not = await server("--wait", "0");
    assert.match(not.stdout, /^kept .*BUILD/m);
    assert.match(not.stdout, /^note {6}server guest1 is being built, and was not waited for$/m);
    assert.equal(not.code, 0);
    assert.equal(cloud.changes.length, 1);
  });

  const refusals: readonly (readonly [
    name: string,
    args: readonly string[],
    status: number,
    body: unknown,
    says: RegExp,
  ])[] = [
    ["no such image", ["--image", "noimage"], 0, undefined, /there is no image noimage/],
    ["no such flavor", ["--flavor", "nofl"], 0, undefined, /there is no flavor nofl/],
    [
      "no such port",
      ["--nic", "port-id=noport"],
      0,
      undefined,
      /openstack port show: there is no port noport/,
    ],
    [
      "a quota",
      [],
      403,
      {
        forbidden: {
          code: 403,
          message: "Quota exceeded for instances: Requested 1, but already used 10 of 10 instances",
        },
      },
      /quota is used up: Quota exceeded for instances: Requested 1/,
    ],
    [
      "no such key",
      [],
      400,
      { badRequest: { code: 400, message: "Invalid key_name provided." } },
      /no key of that name/,
    ],
    [
      "a policy",
      [],
      403,
      {
        forbidden: {
          code: 403,
          message: "Policy doesn't allow os_compute_api:servers:create to be performed.",
        },
      },
      /may not do it \(403\): Policy doesn't allow os_compute_api:servers:create/,
    ],
  ];
  for (const [name, args, status, answer, says] of refusals) {
    test(`a refusal is explained: ${name}`, async () => {
      vfPort();
      if (status > 0) cloud.instead = (asked) => (isChange(asked) ? { status, body: answer } : undefined);
      const { stdout, code } = await server(...args);
      assert.match(stdout, /^refused {3}server guest1\n/m);
      assert.match(stdout, says);
      assert.equal(code, 1);
      assert.deepEqual(cloud.things.servers, []);
    });
  }

  test("JSON has the server and its ports; what is wrong with the command is said at once", async () => {
    vfPort();
    const answer = JSON.parse((await server("-o", "json")).stdout);
    assert.equal(answer.schema, "vflag/server-create/1");
    assert.equal(answer.server.server.status, "ACTIVE");
    assert.equal(answer.server.ports[0].name, "guest1-vflag");
    assert.equal(answer.findings.length, 1, "unbound, while a server has it");
    const wrong = await server(
      "--nic",
      "net=tenant",
      "--nic",
      "port-id=guest1-vflag",
      "--",
      "--password",
      "x",
      "--wait",
    );
    assert.match(
      wrong.stderr,
      /--nic "net=tenant": net-id=NETWORK or port-id=PORT[\s\S]*given twice[\s\S]*--password: vflag decides[\s\S]*--wait: vflag decides/,
    );
  });
});

function isChange({ method, path }: Asked): boolean {
  return method === "POST" && !path.startsWith("/identity");
}

function neutronError(type: string, message: string) {
  return { NeutronError: { type, message, detail: "" } };
}

/** Runs vflag where the clouds.yaml is. No secret is ever in what it prints. */
async function vflagWith(...args: string[]) {
  const at = args.indexOf("--");
  const own = at < 0 ? args : args.slice(0, at);
  const extra = [
    ...(own.includes("--os-cloud") ? [] : ["--os-cloud", "lab"]),
    ...(own.includes("--client") ? [] : ["--client", client.program]),
  ];
  const { stdout, stderr, code } = await new Promise<{ stdout: string; stderr: string; code: unknown }>(
    (resolve) => {
      const child = execFile(
        vflag,
        [...own, ...extra, ...(at < 0 ? [] : args.slice(at))],
        {
          cwd: folder,
          env: { ...usersEnvironment, NO_COLOR: "1", OS_CLIENT_CONFIG_FILE: join(folder, "clouds.yaml") },
          timeout: 60_000,
          killSignal: "SIGKILL",
        },
        (_error, out, err) => resolve({ stdout: out, stderr: err, code: child.exitCode }),
      );
    },
  );
  for (const secret of [password, token, "Zx9adminPass"])
    assert.ok(!`${stdout}${stderr}`.includes(secret), `${secret} in what vflag printed`);
  assert.ok(!/[\x00-\x08\x0b-\x1f]/.test(stdout + stderr), "control characters");
  return { stdout, stderr, code, lines: stdout.split("\n") };
}
