import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Flows, FlowTally } from "../../../src/host/ovs/flows.ts";
import { inject } from "../../../src/host/simulated/faults.ts";
import { observeWorld } from "../../../src/host/simulated/host.ts";
import { startGuests } from "../../../src/host/simulated/machine/guests.ts";
import type { World } from "../../../src/host/simulated/world.ts";
import { isUnknown, notLookedThen } from "../../../src/host/state/observed.ts";
import { flowsInHardware } from "../../../src/requirements/traffic/flows-in-hardware.ts";
import { type Traffic, trafficOf } from "../../../src/requirements/traffic/traffic.ts";
import { loadSpec } from "../../../src/spec/load.ts";
import type { Spec } from "../../../src/spec/schema.ts";
import { verdicts } from "../../../src/verdict/verdict.ts";
import { booted, vfLagSpec } from "../../support/hosts.ts";
import { adviceOf, brief, check, uplinkOf, vfOf } from "../view.ts";

async function talking(): Promise<World> {
  const world = await booted(vfLagSpec);
  startGuests(world);
  return world;
}

/** A host that works, with these flows and no others. */
async function withFlows(...tallies: readonly Partial<FlowTally>[]): Promise<World> {
  const world = await talking();
  // What a datapath calls tunnels are netdevs too.
  for (const name of ["vxlan_sys_4789", "genev_sys_6081", "gre_sys"])
    world.state.netdevs.push({
      ...uplinkOf(world),
      name,
      index: 800 + name.length,
      kind: name.split("_")[0] ?? null,
      device: null,
      portName: null,
    });
  world.hidden.traffic = false;
  const plain = {
    layer: "ovs",
    offloaded: "no",
    kind: "traffic",
    flows: 1,
    packets: 5000,
    bytes: 1,
    idle: 0.1,
    example: "a flow",
  } as const;
  world.state.flows = {
    tallies: tallies.map((tally) => ({ ...plain, inPort: rep, to: ["bond0"], ...tally })),
    listed: tallies.length,
    notUnderstood: 0,
    cut: null,
    tunnels: [],
  };
  return world;
}

const rep = "ens3f0npf0vf0";
const found = (world: World) => brief(check(flowsInHardware, vfLagSpec, world));
const flowsOf = (traffic: Traffic) =>
  Object.fromEntries(
    Object.entries(traffic).flatMap(([carrier, { flows }]) => (flows > 0 ? [[carrier, flows]] : [])),
  );

describe("flows-in-hardware", () => {
  test("guests that talk through the NIC: nothing to find, and the NIC works", async () => {
    const world = await talking();
    assert.deepEqual(found(world), []);
    assert.deepEqual(
      verdicts(vfLagSpec, observeWorld(world)).map(({ answer }) => answer),
      ["works"],
    );
    const traffic = trafficOf({ bond: "bond0", pfs: world.state.pfs }, observeWorld(world));
    assert.ok(traffic !== null && !("unknown" in traffic));
    assert.deepEqual(flowsOf(traffic.uplinks), { hardware: 2, exempt: 1 });
    assert.deepEqual(flowsOf(traffic.representors), { hardware: 2 });
    assert.deepEqual(flowsOf(traffic.byPort.get(rep)?.out ?? assert.fail()), { hardware: 1 });
  });

  test("without flows, without Open vSwitch and without knowledge it says nothing", async () => {
    const world = await withFlows();
    assert.deepEqual(found(world), []);
    for (const flows of [null, { unknown: "ovs-vswitchd does not answer" }]) {
      world.state.flows = flows;
      assert.deepEqual(found(world), []);
    }
  });

  test("a VF whose flows are in software though all is there for hardware is an error", async () => {
    const world = await talking();
    inject(world, "flows-in-software");
    assert.deepEqual(found(world), [
      { actual: "4 in software, with 1793776 packets", severity: "error", remedy: "person" },
    ]);
    assert.deepEqual(
      verdicts(vfLagSpec, observeWorld(world)).map(({ answer, reason }) => [answer, reason?.requirement]),
      [["broken", "flows-in-hardware"]],
    );
  });

  test("few packets, an unbound VF, hw-offload off, a LAG that is not active: a warning", async () => {
    const severities = (world: World) => found(world).map(({ severity }) => severity);
    const flow = { inPort: rep };
    assert.deepEqual(severities(await withFlows(flow)), ["error"]);
    assert.deepEqual(severities(await withFlows({ ...flow, packets: 999 })), ["warning"]);
    const unbound = await withFlows(flow);
    vfOf(unbound, 0, 0).driver = null;
    assert.deepEqual(severities(unbound), ["warning"]);
    const off = await withFlows(flow);
    inject(off, "ovs-offload-off");
    assert.deepEqual(severities(off), ["warning"]);
    const alone = await withFlows(flow);
    inject(alone, "slave-missing");
    assert.deepEqual(severities(alone), ["warning"]);
  });

  test("what belongs into software is not flagged", async () => {
    const kinds = ["arp", "multicast", "control", "userspace", "new-connection", "drop"] as const;
    assert.deepEqual(found(await withFlows(...kinds.map((kind) => ({ kind, to: [] })))), []);
    const places = [["br-int"], ["tap0c1d"], ["bond0", "br-ex"], ["udp_sys_6635"]];
    assert.deepEqual(found(await withFlows(...places.map((to) => ({ to })))), []);
    assert.deepEqual(
      found(await withFlows({ inPort: "tap0c1d" }, { inPort: null }, { inPort: "br-ex", to: [rep] })),
      [],
    );
  });

  test("flows of tunnels are the NIC's own where the tunnels leave by it", async () => {
    const overlay = { ...vfLagSpec, nics: vfLagSpec.nics.map((nic) => ({ ...nic, physnet: null })) };
    const spec = { ...vfLagSpec, nics: vfLagSpec.nics.map((nic) => ({ ...nic, physnet: "physnet1" })) };
    const look = async (wanted: Spec, tunnels: Flows["tunnels"], port = "vxlan_sys_4789") => {
      const world = await withFlows({ to: [port] }, { inPort: port, to: [rep] });
      const { flows } = world.state;
      assert.ok(flows !== null && !isUnknown(flows));
      world.state.flows = { ...flows, tunnels };
      world.state.netdevs.push({
        ...uplinkOf(world),
        name: "bond0.185",
        index: 900,
        kind: "vlan",
        device: null,
      });
      return brief(check(flowsInHardware, wanted, world)).map(
        ({ actual, severity }) => `${severity}: ${actual}`,
      );
    };
    const via = (...names: string[]) => [{ type: "vxlan" as const, address: "10.1.0.5", via: names }];
    const software = ["error: 2 in software, with 10000 packets"];
    const seen = notLookedThen;
    // Declared, or seen: on the bond, on a VLAN over it, on the bridge that it is in, on a port.
    assert.deepEqual(await look(overlay, seen), software);
    assert.deepEqual(await look(overlay, seen, "genev_sys_6081"), software);
    assert.deepEqual(await look(overlay, seen, "gre_sys"), software);
    for (const way of [["bond0"], ["bond0.185", "bond0"], ["br-ex"], ["ens3f1"]])
      assert.deepEqual(await look(spec, via(...way)), software);
    // By another NIC: as it should be, or not what was declared.
    assert.deepEqual(await look(spec, via("eno1")), []);
    assert.deepEqual(await look(overlay, via("eno1")), [
      "error: 2 in software, as their tunnel leaves by eno1, with 10000 packets",
    ]);
    // Not seen.
    const unsure = [
      "unknown: 2 in software, and it was not seen by which NIC their tunnel leaves, with 10000 packets",
    ];
    assert.deepEqual(await look(spec, seen), unsure);
    assert.deepEqual(await look(spec, via()), unsure);
    assert.deepEqual(await look(spec, [{ type: "geneve", address: "10.1.0.5", via: ["eno1"] }]), unsure);
  });

  test("tunnels on a port without encap: the remedy says so first; they come in, so nothing is one-way", async () => {
    const overlay = { ...vfLagSpec, nics: vfLagSpec.nics.map((nic) => ({ ...nic, physnet: null })) };
    const world = await withFlows({ to: ["vxlan_sys_4789"] });
    for (const pf of world.state.pfs)
      if (pf.eswitch !== null && !isUnknown(pf.eswitch)) pf.eswitch.encap = false;
    assert.match(
      adviceOf(check(flowsInHardware, overlay, world)),
      /^encap is off on ens3f0, ens3f1: declare eswitch: \{encap: true\}/,
    );
    const hardware = { offloaded: "yes", layer: "tc" };
    const both = await withFlows(
      { ...hardware, to: ["vxlan_sys_4789"] },
      { ...hardware, inPort: "vxlan_sys_4789", to: [rep] },
    );
    assert.deepEqual(brief(check(flowsInHardware, overlay, both)), []);
    const oneWay = await withFlows({ ...hardware, to: ["vxlan_sys_4789"] });
    assert.deepEqual(brief(check(flowsInHardware, overlay, oneWay)), [
      { actual: "none", severity: "warning", remedy: "person" },
    ]);
  });

  test("what ovs-vswitchd forwards itself is in software, packet by packet", async () => {
    const actual = "1 in software, each packet through ovs-vswitchd (slow_path), with 5000 packets";
    const error = [{ actual, severity: "error", remedy: "person" }];
    assert.deepEqual(found(await withFlows({ kind: "slow-path", to: [] })), error);
    // Saved by a version that did not tell these from what ovs-vswitchd wants to see.
    const example =
      "in_port(ens3f0npf0vf0), packets:5000, dp:ovs, actions:userspace(pid=0,slow_path(action))";
    assert.deepEqual(found(await withFlows({ kind: "userspace", to: [], example })), error);
    assert.deepEqual(
      found(await withFlows({ kind: "userspace", to: [], example: "userspace(pid=0,slow_path(lacp))" })),
      [],
    );
    const [few] = found(await withFlows({ kind: "slow-path", to: [], packets: 999 }));
    assert.equal(few?.severity, "warning");
  });

  test("many packets of a guest of which nobody tells who carries them: unknown", async () => {
    const untold = { offloaded: null };
    const actual = "1 of which Open vSwitch does not report who carries them, with 5000 packets";
    assert.deepEqual(found(await withFlows(untold)), [{ actual, severity: "unknown", remedy: "person" }]);
    assert.deepEqual(found(await withFlows({ ...untold, packets: 999 })), []);
    assert.deepEqual(found(await withFlows({ ...untold, idle: 30 })), []);
    assert.deepEqual(found(await withFlows({ ...untold, to: ["tap0c1d"] })), []);
  });

  test("flows that are over, and those without a packet, are not flagged", async () => {
    assert.deepEqual(found(await withFlows({ idle: 10.5 }, { idle: null, packets: 0 })), []);
  });

  test("what is in hardware, partly, or told in unknown words, is not taken for software", async () => {
    const world = await withFlows(
      { offloaded: "yes", packets: 1 },
      { offloaded: "partial" },
      { offloaded: null, packets: 999 },
      { offloaded: "sometimes", packets: 999 },
    );
    assert.deepEqual(found(world), []);
    const traffic = trafficOf({ bond: "bond0", pfs: world.state.pfs }, observeWorld(world));
    assert.ok(traffic !== null && !("unknown" in traffic));
    assert.deepEqual(flowsOf(traffic.representors), { hardware: 1, partial: 1, unknown: 2 });
  });

  test("VFs send through hardware, and nothing comes in by the bond: a warning", async () => {
    const sent = { offloaded: "yes", layer: "tc" };
    assert.deepEqual(found(await withFlows(sent)), [
      { actual: "none", severity: "warning", remedy: "person" },
    ]);
    assert.deepEqual(found(await withFlows(sent, { ...sent, inPort: "bond0", to: [rep] })), []);
    assert.deepEqual(found(await withFlows({ ...sent, packets: 999 })), []);
    assert.deepEqual(found(await withFlows({ ...sent, to: ["ens3f1npf1vf0"] })), []);
  });

  test("flows follow what they need: the LAG, Open vSwitch's offload, the ingress block", async () => {
    for (const fault of [
      "slave-missing",
      "ovs-offload-off",
      "ovs-skip-hw",
      "ingress-block-missing",
      "tc-offload-off",
    ] as const) {
      const world = await talking();
      inject(world, fault);
      const { flows } = observeWorld(world);
      assert.ok(flows !== null && !("unknown" in flows));
      assert.ok(
        flows.tallies.some(({ inPort, offloaded }) => inPort === rep && offloaded === "no"),
        fault,
      );
    }
  });
});

test("flows in software are folded under what puts them there", async () => {
  const spec = loadSpec(
    `version: 1\nnics: [{name: data, mode: vf-lag, ports: [ens3f0, ens3f1], vfs: 2, bond: bond0}]\novs: {}\n`,
    "",
  );
  for (const [fault, cause] of [
    ["slave-missing", "bond"],
    ["ingress-block-missing", "ovs-ingress-blocks"],
    ["ovs-offload-off", "ovs-hw-offload"],
  ] as const) {
    const world = await talking();
    inject(world, fault);
    const [verdict] = verdicts(spec, observeWorld(world));
    const folded = verdict?.causes.find(({ consequences }) =>
      consequences.some(({ requirement }) => requirement === "flows-in-hardware"),
    );
    assert.equal(folded?.deviation.requirement, cause);
  }
});
