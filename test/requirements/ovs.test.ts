import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Ovs, OvsInterface } from "../../src/host/ovs/ovs.ts";
import type { FaultName } from "../../src/host/simulated/faults.ts";
import { observeWorld, SimulatedHost } from "../../src/host/simulated/host.ts";
import type { World } from "../../src/host/simulated/world.ts";
import { known } from "../../src/host/state/observed.ts";
import { reconcile } from "../../src/reconcile/reconcile.ts";
import { evaluateHost } from "../../src/requirements/evaluate.ts";
import type { Allowed, Deviation } from "../../src/requirements/requirement.ts";
import type { Spec } from "../../src/spec/schema.ts";
import { verdicts } from "../../src/verdict/verdict.ts";
import { booted, dualPort, fresh, spec, vfLagSpec } from "../support/hosts.ts";
import { actionsOf, adviceOf } from "./view.ts";

/** What is found about Open vSwitch, on a host whose NIC works. */

const withOvs = (keys = ""): Spec => ({
  ...vfLagSpec,
  ...spec(`{version: 1, nics: [{name: x, mode: sriov, ports: [p], vfs: 1}], ovs: {${keys}}}`),
  nics: vfLagSpec.nics,
});
const wanted = withOvs();
const restart: Allowed = { restartOvs: true };

async function host(...faults: readonly FaultName[]): Promise<World> {
  return booted(vfLagSpec, fresh(), ...faults);
}

function ovsOf(world: World): Ovs {
  const ovs = known(world.state.ovs);
  assert.ok(ovs != null);
  return ovs;
}

function found(world: World, asked: Spec = wanted, allowed: Allowed = {}): Deviation[] {
  return evaluateHost(asked, observeWorld(world), ["ovs"], allowed);
}

function brief(deviations: readonly Deviation[]): string[] {
  return deviations.map(
    ({ requirement, severity, remedy, actual }) => `${requirement} ${severity} ${remedy.kind}: ${actual}`,
  );
}

test("a healthy Open vSwitch needs nothing, whatever is allowed", async () => {
  const world = await host();
  assert.deepEqual(brief(found(world)), []);
  assert.deepEqual(brief(found(world, withOvs("tcPolicy: none"), restart)), []);
});

test("where the spec does not speak of Open vSwitch, or no NIC has flows, nobody looks", async () => {
  const world = await host("ovs-stopped");
  assert.deepEqual(found(world, vfLagSpec), []);
  const sriov = spec("{version: 1, nics: [{name: data, mode: sriov, ports: [ens3f0], vfs: 2}], ovs: {}}");
  assert.deepEqual(found(world, sriov), []);
  world.state.ovs = { unknown: "this command does not look at it" };
  assert.deepEqual(found(world, sriov), []);
});

describe("ovs-running", () => {
  test("not found, not to be seen, not running: each is told, and nothing else is guessed", async () => {
    const world = await host("ovs-stopped");
    assert.deepEqual(brief(found(world)), ["ovs-running error person: ovs-vswitchd does not answer"]);
    world.state.ovs = null;
    assert.deepEqual(brief(found(world)), ["ovs-running error person: not found"]);
    world.state.ovs = { unknown: "docker: Cannot connect to the Docker daemon" };
    assert.deepEqual(brief(found(world)), [
      "ovs-running unknown person: docker: Cannot connect to the Docker daemon",
    ]);
  });

  test("it does not concern a NIC in mode sriov", async () => {
    const world = await booted(vfLagSpec, fresh([dualPort, { model: "ConnectX-6 Dx", ports: 2 }]));
    world.state.ovs = null;
    const both = {
      ...wanted,
      nics: [
        ...wanted.nics,
        ...spec("{version: 1, nics: [{name: plain, mode: sriov, ports: [ens4f0], vfs: 2}]}").nics,
      ],
    };
    const answers = verdicts(both, observeWorld(world), ["ovs"]).map(({ nic, answer }) => [nic, answer]);
    assert.deepEqual(answers, [
      ["data", "broken"],
      ["plain", "works"],
    ]);
  });
});

test("versions are compared as numbers, and one that is not told is not known", async () => {
  const world = await host();
  const table: readonly [string | null, string[]][] = [
    ["2.12.0", []],
    ["2.17.9", []],
    ["3.1.0", []],
    ["10.0", []],
    ["2.9.2", ["ovs-version error person: version 2.9.2"]],
    ["2.11.4", ["ovs-version error person: version 2.11.4"]],
    [null, ["ovs-version unknown person: version not told"]],
    ["master", ["ovs-version unknown person: version master"]],
    // NVIDIA's, with DOCA: https://docs.nvidia.com/doca/sdk/ovs-doca+hardware+acceleration/
    ["2.7.0-0056-24.01-based-2.17.8", []],
    ["2.9.2-0011-25.02-based-3.3.3", []],
    ["2.10.0-0056-25.01-based-3.3.4", []],
    ["2.7.0-0056-24.01-based-2.11.8", ["ovs-version error person: version 2.7.0-0056-24.01-based-2.11.8"]],
  ];
  for (const [version, expected] of table) {
    ovsOf(world).version = version;
    assert.deepEqual(brief(found(world)), expected, String(version));
  }
});

test("OVN, or flows that track connections, need 2.15", async () => {
  const world = await host();
  const ovn = (port: Partial<OvsInterface>) => {
    const made = { name: "", port: "", type: "", ofport: 9, error: null, ifaceId: null, ...port };
    ovsOf(world).bridges[0]?.interfaces.push(made);
    return () => ovsOf(world).bridges[0]?.interfaces.pop();
  };
  const severities = () =>
    ["2.12.1", "2.13.3", "2.14.9", "2.15.2", "3.3.4"].map((version) => {
      ovsOf(world).version = version;
      return found(world)
        .map(({ severity, expected }) => `${severity}: ${expected}`)
        .join();
    });
  assert.deepEqual(severities(), ["", "", "", "", ""]);
  const told = (why: string) =>
    ["error", "warning", "warning"].map((severity) => `${severity}: 2.15 or later (${why})`);
  for (const port of [
    { name: "ovn-a1b2c3-0", type: "geneve" },
    { name: "ovn0-a1b2c3-0", type: "geneve" },
    { name: "patch-br-int-to-provnet-9d", type: "patch" },
  ]) {
    const undo = ovn(port);
    assert.deepEqual(severities(), [...told("OVN is in use"), "", ""], port.name);
    undo();
  }
  ovn({ name: "vxlan-0a0a0a02", type: "vxlan" });
  ovn({ name: "patch-tun", type: "patch" });
  assert.deepEqual(severities(), ["", "", "", "", ""]);
  const example = "ct_state(+est+trk),in_port(ens3f0npf0vf0), packets:1, actions:bond0";
  const tally = {
    layer: "tc",
    offloaded: "yes",
    kind: "traffic",
    flows: 1,
    packets: 1,
    bytes: 1,
    idle: 0.1,
    example,
  } as const;
  world.state.flows = {
    tallies: [{ inPort: null, to: [], ...tally }],
    listed: 1,
    notUnderstood: 0,
    cut: null,
    tunnels: [],
  };
  assert.deepEqual(severities(), [...told("connections are tracked"), "", ""]);
});

test("a port of the NIC that hw-offload-priority leaves out is an error; the bridge's own is not", async () => {
  const world = await host();
  const bond = ovsOf(world)
    .bridges.flatMap(({ interfaces }) => interfaces)
    .find(({ name }) => name === "bond0");
  assert.ok(bond !== undefined);
  const table = { tc: [], "tc,dpdk": [], "dpdk,tc": [], "tc,none": [], none: [1], "none,tc": [1], dpdk: [1] };
  for (const [priority, errors] of Object.entries(table)) {
    bond.offloadPriority = priority;
    const deviations = brief(found(world));
    assert.equal(deviations.length, errors.length, priority);
    for (const line of deviations)
      assert.equal(
        line,
        `ovs-hw-offload error person: hw-offload-priority ${priority}: none of its flows is offloaded`,
      );
  }
  bond.offloadPriority = null;
  for (const port of ovsOf(world).bridges.flatMap(({ interfaces }) => interfaces))
    if (port.type !== "") port.offloadPriority = "none";
  assert.deepEqual(brief(found(world)), []);
});

describe("ovs-hw-offload", () => {
  test("it is set; what then lacks needs a restart, which is done only when allowed", async () => {
    const world = await host("ovs-offload-off");
    assert.deepEqual(brief(found(world)), ["ovs-hw-offload error actions: hw-offload off"]);
    await reconcile(new SimulatedHost(world), wanted, { stages: ["ovs"] });
    const left = found(world);
    assert.deepEqual(
      left.map(({ requirement }) => requirement),
      ["ovs-ingress-blocks"],
    );
    assert.match(
      adviceOf(left),
      /--restart-ovs, or systemctl restart openvswitch-switch\.service: it interrupts the traffic of all guests/,
    );
    const outcomes = await reconcile(new SimulatedHost(world), wanted, { stages: ["ovs"], allowed: restart });
    assert.deepEqual(
      outcomes.flatMap(({ steps }) => steps.flatMap(({ actions }) => actions.map(({ kind }) => kind))),
      ["restart-ovs"],
    );
    assert.deepEqual(found(world), []);
  });

  test("set, but the daemon was started before", async () => {
    const world = await host("ovs-offload-off", "ovs-reads-at-start");
    await reconcile(new SimulatedHost(world), wanted, { stages: ["ovs"] });
    assert.deepEqual(brief(found(world)), [
      "ovs-hw-offload error person: set on, but ovs-vswitchd still works with it off: it was started before",
    ]);
    await reconcile(new SimulatedHost(world), wanted, { stages: ["ovs"], allowed: restart });
    assert.deepEqual(found(world), []);
  });

  test("a restart that does not help is not repeated", async () => {
    const world = await host("ovs-forgets-bond", "ingress-block-missing");
    const outcomes = await reconcile(new SimulatedHost(world), wanted, { stages: ["ovs"], allowed: restart });
    assert.equal(outcomes.flatMap(({ steps }) => steps).length, 1);
    assert.deepEqual(
      found(world).map(({ requirement }) => requirement),
      ["ovs-ingress-blocks"],
    );
  });

  test("in a container it is the container that is restarted", async () => {
    const world = await host("ingress-block-missing");
    ovsOf(world).source = { kind: "container", engine: "docker", name: "openvswitch_vswitchd" };
    assert.match(adviceOf(found(world)), /docker restart openvswitch_vswitchd: it interrupts/);
    assert.match(
      adviceOf(found(world)),
      /docker exec openvswitch_vswitchd ovs-vsctl del-port br-ex bond0 -- add-port br-ex bond0/,
    );
    assert.deepEqual(actionsOf(found(world, wanted, restart)), [
      { kind: "restart-ovs", source: ovsOf(world).source },
    ]);
  });

  test("what cannot be told is unknown; before there is any port it is a warning", async () => {
    const world = await host();
    ovsOf(world).offloadInEffect = { unknown: "nothing shows it" };
    assert.deepEqual(
      found(world).map(({ requirement, severity }) => [requirement, severity]),
      [["ovs-hw-offload", "unknown"]],
    );
    ovsOf(world).bridges = [];
    assert.deepEqual(
      found(world).map(({ requirement, severity }) => [requirement, severity]),
      [
        ["ovs-hw-offload", "warning"],
        ["ovs-bridge", "warning"],
      ],
    );
  });

  test("who declares it off gets it off, with a warning until the daemon follows", async () => {
    const world = await host();
    const off = withOvs("hwOffload: false");
    assert.deepEqual(brief(found(world, off)), ["ovs-hw-offload warning actions: hw-offload on"]);
    await reconcile(new SimulatedHost(world), off, { stages: ["ovs"], allowed: restart });
    assert.deepEqual(found(world, off), []);
    assert.deepEqual(observeWorld(world).ingressQdiscs, []);
  });
});

describe("ovs-tc-policy", () => {
  test("skip_hw is an error; another than the declared one a warning; what both allow is left", async () => {
    const world = await host("ovs-skip-hw");
    assert.deepEqual(brief(found(world)), ["ovs-tc-policy error person: tc-policy skip_hw"]);
    ovsOf(world).tcPolicy = "skip_sw";
    assert.deepEqual(found(world), []);
    assert.deepEqual(brief(found(world, withOvs("tcPolicy: none"))), [
      "ovs-tc-policy warning person: tc-policy skip_sw",
    ]);
  });

  test("it is set together with a restart, for nobody can tell which one a daemon works with", async () => {
    const world = await host("ovs-skip-hw");
    assert.deepEqual(
      actionsOf(found(world, wanted, restart)).map(({ kind }) => kind),
      ["set-ovs", "restart-ovs"],
    );
    await reconcile(new SimulatedHost(world), wanted, { stages: ["ovs"], allowed: restart });
    assert.deepEqual(found(world), []);
  });

  test("before hw-offload is on it is only set", async () => {
    const world = await host("ovs-offload-off", "ovs-skip-hw");
    assert.deepEqual(actionsOf(found(world)), [
      { kind: "set-ovs", source: ovsOf(world).source, key: "tc-policy", value: "none" },
      { kind: "set-ovs", source: ovsOf(world).source, key: "hw-offload", value: "true" },
    ]);
  });
});

describe("ovs-bridge and ovs-bridge-up", () => {
  test("a bond in no bridge is a warning, in a Linux bridge or on the userspace datapath an error", async () => {
    const world = await host();
    const [, external] = ovsOf(world).bridges;
    assert.ok(external !== undefined);
    external.datapathType = "netdev";
    assert.deepEqual(brief(found(world)), ["ovs-bridge error person: in br-ex, whose datapath is netdev"]);
    ovsOf(world).doca = true;
    assert.match(JSON.stringify(brief(found(world))), /ovs-bridge unknown person/);
    ovsOf(world).doca = false;
    external.interfaces = [];
    assert.deepEqual(brief(found(world)), ["ovs-bridge warning person: in no bridge"]);
    world.state.netdevs.push({ ...netdevOf(world, "br-int"), name: "br-lan", kind: "bridge", index: 99 });
    netdevOf(world, "bond0").master = "br-lan";
    assert.deepEqual(brief(found(world)), ["ovs-bridge error person: in the Linux bridge br-lan"]);
  });

  test("in mode switchdev one port in a bridge is enough", async () => {
    const switchdev = {
      ...wanted,
      nics: spec("{version: 1, nics: [{name: data, mode: switchdev, ports: [ens3f0, ens3f1], vfs: 2}]}").nics,
    };
    const world = await booted(switchdev, fresh([{ model: "ConnectX-5", ports: 2 }]));
    assert.deepEqual(brief(found(world, switchdev)), ["ovs-bridge warning person: in no bridge"]);
    const uplink = { name: "ens3f1", port: "ens3f1", type: "", ofport: 2, error: null, ifaceId: null };
    ovsOf(world).bridges[0]?.interfaces.push(uplink);
    assert.deepEqual(found(world, switchdev), []);
  });

  test("the bond's bridge must be up, others need not", async () => {
    const world = await host();
    for (const name of ["br-int", "br-ex"]) netdevOf(world, name).up = false;
    assert.deepEqual(
      found(world).map(({ requirement, subject, severity }) => [requirement, subject, severity]),
      [["ovs-bridge-up", "br-ex", "warning"]],
    );
  });
});

describe("ovs-stale-ports", () => {
  const dead = (name: string, more: Partial<OvsInterface> = {}): OvsInterface => {
    return {
      name,
      port: name,
      type: "",
      ofport: -1,
      error: `could not open network device ${name} (No such device)`,
      ifaceId: null,
      ...more,
    };
  };
  async function withPorts(...ports: OvsInterface[]): Promise<World> {
    const world = await host();
    ovsOf(world).bridges[0]?.interfaces.push(...ports);
    return world;
  }

  test("a representor's port that cannot come back, and is nobody's, is taken out", async () => {
    const world = await withPorts(dead("ens3f0npf0vf99"), dead("ens3f1nc0pf1vf2"));
    assert.deepEqual(
      actionsOf(found(world)).map((action) => action.kind === "del-ovs-port" && action.port),
      ["ens3f0npf0vf99", "ens3f1nc0pf1vf2"],
    );
    await reconcile(new SimulatedHost(world), wanted, { stages: ["ovs"] });
    assert.deepEqual([found(world), world.hidden.harm], [[], []]);
  });

  test("one of Neutron's, and one that may come back, are left to a person", async () => {
    const world = await withPorts(dead("ens3f0npf0vf99", { ifaceId: "0f2c" }), dead("ens3f0npf0vf1"));
    world.state.netdevs = world.state.netdevs.filter(({ name }) => name !== "ens3f0npf0vf1");
    assert.deepEqual(
      found(world).map(({ severity, remedy }) => [severity, remedy.kind]),
      [
        ["warning", "person"],
        ["warning", "person"],
      ],
    );
    assert.match(
      adviceOf(found(world)),
      /Neutron port 0f2c: stop and start the guest[\s\S]*if nothing needs it any more: ovs-vsctl --if-exists del-port br-int/,
    );
  });

  test("one whose netdev is there is an error that a person puts right", async () => {
    const world = await withPorts(dead("ens3f0npf0vf1"));
    assert.deepEqual(
      found(world).map(({ severity, remedy }) => [severity, remedy.kind]),
      [["error", "person"]],
    );
    assert.match(adviceOf(found(world)), /add it anew/);
  });

  test("a name that means something to a shell is quoted in the words for a person", async () => {
    const world = await withPorts(dead("ens3f0npf0vf1"));
    const [bridge] = ovsOf(world).bridges;
    assert.ok(bridge !== undefined);
    bridge.name = "br;reboot";
    assert.match(adviceOf(found(world)), /del-port 'br;reboot' ens3f0npf0vf1 -- add-port 'br;reboot'/);
  });

  test("what is not the NIC's, and a bond that networking has still to make, are not its business", async () => {
    const world = await withPorts(
      dead("tap0"),
      dead("ens9f0npf0vf99"),
      dead("ens3f0npf0vf99x"),
      dead("ens3f0npf0vf"),
    );
    assert.deepEqual(found(world), []);
    const early = fresh();
    assert.deepEqual(
      found(early).filter(({ requirement }) => requirement === "ovs-stale-ports"),
      [],
    );
  });
});

describe("ovs-ingress-blocks", () => {
  test("the bond and both ports have one block, or it is an error that names who has what", async () => {
    for (const name of ["bond0", "ens3f0", "ens3f1"]) {
      const world = await host();
      const qdiscs = known(world.state.ingressQdiscs) ?? [];
      const qdisc = qdiscs.find(({ netdev }) => netdev === name);
      assert.ok(qdisc?.block != null);
      for (const block of [null, qdisc.block + 1]) {
        qdisc.block = block;
        const [first, ...more] = found(world);
        assert.deepEqual([first?.requirement, first?.severity, more], ["ovs-ingress-blocks", "error", []]);
        assert.ok(first?.actual.includes(`${name} ${block ?? "without"}`), `${first?.actual}`);
      }
    }
  });

  test("without an answer of the kernel it is unknown; without a bond in a bridge there is nothing to share", async () => {
    const world = await host();
    world.state.ingressQdiscs = { unknown: "no netlink" };
    assert.deepEqual(brief(found(world)), ["ovs-ingress-blocks unknown person: no netlink"]);
    for (const bridge of ovsOf(world).bridges)
      bridge.interfaces = bridge.interfaces.filter(({ name }) => name !== "bond0");
    assert.deepEqual(
      found(world).map(({ requirement }) => requirement),
      ["ovs-bridge"],
    );
  });

  test("a reboot gives the blocks anew", async () => {
    const world = await host("ingress-block-missing");
    const { network, reboot } = await import("../../src/host/simulated/events.ts");
    reboot(world);
    network(world);
    assert.deepEqual(found(world), []);
  });
});

function netdevOf(world: World, wantedName: string) {
  const netdev = world.state.netdevs.find(({ name }) => name === wantedName);
  assert.ok(netdev !== undefined, wantedName);
  return netdev;
}
