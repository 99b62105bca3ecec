import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { checkConfiguration } from "../../src/openstack/check.ts";
import { ml2Conf } from "../../src/openstack/neutron/ml2-conf.ts";
import { sriovAgentConf } from "../../src/openstack/neutron/sriov-agent.ts";
import type { ConfRequest } from "../../src/openstack/nova/nova-conf.ts";
import { connectx5, hostWith, specOf } from "./hosts.ts";
import {
  type NeutronServer,
  NeutronServerExit,
  startNeutronServer,
  withoutServer,
} from "./neutron-server.ts";

const request = (...nics: string[]): ConfRequest => {
  return {
    spec: specOf(...nics),
    state: hostWith(2, connectx5, connectx5),
    release: "zed",
    deployment: "plain",
  };
};
const sriov = "mode: sriov, ports: [ens3f0, ens3f1], physnet: physnet2";
const lag = "mode: vf-lag, ports: [ens4f0, ens4f1], bond: bond0, physnet: physnet3";
const overlay = "mode: switchdev, ports: [ens4f0, ens4f1], physnet: null";
/** What vflag does not write, and a deployment has. */
const networks = `[ml2]
type_drivers = flat,vlan,vxlan
tenant_network_types = vxlan
[ml2_type_vlan]
network_vlan_ranges = physnet2:100:200,physnet3:100:200,physnet9:100:200
[ml2_type_vxlan]
vni_ranges = 1:1000
`;
const switchdev = { capabilities: ["switchdev"] };

/** The mechanism drivers of a server that runs, in their order. */
function driversOf(server: NeutronServer): string[] {
  const [, names = ""] = /Registered mechanism drivers: \[(.*)\]/.exec(server.log()) ?? [];
  return names.split(", ").map((name) => name.replaceAll("'", ""));
}

describe("a real neutron-server with what vflag writes", { skip: withoutServer }, () => {
  let server: NeutronServer;
  const networkIds: Record<string, string> = {};
  before(async () => {
    const conf = (...nics: string[]) => sriovAgentConf("", request(...nics)).text;
    const ovs = { kind: "openvswitch", tunnelTypes: ["vxlan"] } as const;
    server = await startNeutronServer({
      ml2: ml2Conf(networks, request(sriov, lag)).text,
      agents: [
        { kind: "nic-switch", host: "sriov", conf: conf(sriov) },
        // Kolla runs the agent on every compute host: without a NIC in mode sriov it has nothing to do.
        { kind: "nic-switch", host: "lag", conf: conf(lag) },
        { ...ovs, host: "lag", bridgeMappings: { physnet3: "br-ex" } },
        { kind: "nic-switch", host: "both", conf: conf(sriov, overlay) },
        { ...ovs, host: "both" },
        { kind: "nic-switch", host: "dead", conf: conf(sriov), alive: false },
      ],
    });
    for (const physnet of ["physnet2", "physnet3", "physnet9"]) networkIds[physnet] = await network(physnet);
    networkIds["overlay"] = await network(null);
  });
  after(() => server.stop());

  async function network(physnet: string | null): Promise<string> {
    const provider = {
      "provider:network_type": "vlan",
      "provider:physical_network": physnet,
      "provider:segmentation_id": 100,
    };
    const { status, body } = await server.call("POST", "networks", {
      network: { name: "n", ...(physnet !== null && provider) },
    });
    assert.equal(status, 201, JSON.stringify(body));
    return body.network.id;
  }

  /**
   * What becomes of a port, as `openstack port create --vnic-type VNIC [--binding-profile ...]` and Nova's
   * choice of a host.
   */
  async function bound(host: string, on: string, profile: object, vnic = "direct") {
    const made = await server.call("POST", "ports", {
      port: {
        network_id: networkIds[on],
        "binding:vnic_type": vnic,
        "binding:profile": profile,
        "binding:host_id": host,
      },
    });
    assert.equal(made.status, 201, JSON.stringify(made.body));
    // The drivers that have bound it are in the answer to a later question only.
    const { body } = await server.call("GET", `ports/${made.body.port.id}`);
    const details = body.port["binding:vif_details"];
    return {
      vif: body.port["binding:vif_type"],
      driver: details.bound_drivers?.["0"] ?? null,
      vlan: details.vlan ?? null,
    };
  }
  const failed = { vif: "binding_failed", driver: null, vlan: null };
  const byOvs = { vif: "ovs", driver: "openvswitch", vlan: null };
  const byAgent = { vif: "hw_veb", driver: "sriovnicswitch", vlan: "100" };

  test("its drivers are those wanted, in their order", () => {
    assert.deepEqual(driversOf(server), ["openvswitch", "l2population", "sriovnicswitch"]);
  });

  test("mode sriov: sriovnicswitch binds a direct port on the physnet of the agent's mapping, and no port with the capability switchdev", async () => {
    assert.deepEqual(await bound("sriov", "physnet2", {}), byAgent);
    assert.deepEqual(await bound("sriov", "physnet2", {}, "macvtap"), byAgent);
    assert.deepEqual(await bound("sriov", "physnet2", switchdev), failed);
    assert.deepEqual(await bound("sriov", "physnet9", {}), failed);
    assert.deepEqual(await bound("sriov", "overlay", {}), failed);
  });

  test("vf-lag: openvswitch binds a direct port with the capability switchdev, and none without", async () => {
    assert.deepEqual(await bound("lag", "physnet3", switchdev), byOvs);
    assert.deepEqual(await bound("lag", "overlay", switchdev), byOvs);
    assert.deepEqual(await bound("lag", "physnet3", {}), failed);
    assert.deepEqual(await bound("lag", "physnet2", switchdev), failed);
  });

  test("both side by side on one host: each driver refuses the other's ports", async () => {
    assert.deepEqual(await bound("both", "physnet2", {}), byAgent);
    assert.deepEqual(await bound("both", "overlay", switchdev), byOvs);
    assert.deepEqual(await bound("both", "overlay", {}), failed);
    assert.deepEqual(await bound("both", "overlay", {}, "normal"), byOvs);
  });

  test("an agent that is not alive, or no agent at all: nothing binds", async () => {
    assert.deepEqual(await bound("dead", "physnet2", {}), failed);
    assert.deepEqual(await bound("nobody", "physnet2", {}), failed);
  });
});

describe("a neutron-server that does not start", { skip: withoutServer }, () => {
  test("with a driver that it does not know, as the check says", async () => {
    const ml2 = `${networks.replace("[ml2]", "[ml2]\nmechanism_drivers = openvswitch,sriovnicswich")}`;
    const findings = checkConfiguration({ ml2 }, request(sriov)).map(
      ({ kind, line, text }) => `${kind} ${line} ${text}`,
    );
    assert.match(
      findings.join("\n"),
      /^doubtful 2 sriovnicswich is none of Neutron's drivers: .* neutron-server does not start/m,
    );
    await assert.rejects(startNeutronServer({ ml2 }), (error) => {
      assert.ok(error instanceof NeutronServerExit);
      assert.equal(error.code, 1);
      assert.match(error.log, /The following mechanism drivers were not found: \{'sriovnicswich'\}/);
      return true;
    });
  });
});
