import assert from "node:assert/strict";
import { test } from "node:test";
import type { OvsInterface } from "../../../src/host/ovs/ovs.ts";
import { ovsVersion } from "../../../src/requirements/ovs/ovs-version.ts";
import { adviceOf } from "../view.ts";
import { brief, found, host, ovsOf, reasons, unlessOvs } from "./open-vswitch.ts";

test("it is asked where the spec speaks of Open vSwitch and a NIC has flows", () => {
  assert.deepEqual(reasons(ovsVersion), unlessOvs);
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
  assert.equal(adviceOf(found(world)), "install Open vSwitch 2.12 or later");
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
  for (const [version, why] of [
    ["2.12.1", /^All flows with connection tracking stay in software/],
    ["2.13.3", /^Some flows with connection tracking stay in software/],
  ] as const) {
    ovsOf(world).version = version;
    assert.match(found(world)[0]?.why ?? "", why);
  }
  world.state.flows.tallies = [
    { inPort: null, to: [], ...tally, example: "in_port(ens3f0)", kind: "new-connection" },
  ];
  ovsOf(world).version = "2.14.9";
  assert.deepEqual(brief(found(world)), ["ovs-version warning person: version 2.14.9"]);
});
