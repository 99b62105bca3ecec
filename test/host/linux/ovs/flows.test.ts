import assert from "node:assert/strict";
import { test } from "node:test";
import { findFlows } from "../../../../src/host/linux/ovs/flows.ts";
import {
  type ProgramResult,
  type RunProgram,
  runProgram,
} from "../../../../src/host/linux/system/program.ts";
import type { Ovs } from "../../../../src/host/ovs/ovs.ts";
import { isUnknown } from "../../../../src/host/state/observed.ts";

const bridge = (name: string, datapathType: string) => ({ name, datapathType, interfaces: [] });
const ovs: Ovs = {
  source: { kind: "native", unit: null },
  version: "3.1.0",
  running: true,
  hwOffload: true,
  offloadInEffect: true,
  tcPolicy: null,
  dpdk: false,
  doca: false,
  bridges: [bridge("br-int", "system"), bridge("br-ex", "system")],
};

const show = (flows: number) => `system@ovs-system:\n  flows: ${flows}\n  port 2: bond0\n  port 5: rep0\n`;
const flow = "in_port(2),eth(), packets:9, bytes:900, used:0.1s, offloaded:yes, dp:tc, actions:5\n";

/** Programs that answer from a table, by the command of ovs-appctl. */
function programs(answers: Readonly<Record<string, Partial<ProgramResult>>>) {
  const asked: string[] = [];
  const run: RunProgram = (argv) => {
    asked.push(argv.join(" "));
    const answer = Object.entries(answers).find(([command]) => argv.includes(command))?.[1];
    return Promise.resolve({ stdout: "", stderr: "", code: 0, ...answer });
  };
  return { run, asked };
}

test("each datapath is asked once, and numbers become names", async () => {
  const { run, asked } = programs({
    "dpctl/show": { stdout: show(1) },
    "dpctl/dump-flows": { stdout: flow },
  });
  const found = await findFlows(run, ovs);
  assert.ok(found !== null && !isUnknown(found));
  assert.deepEqual([found.listed, found.notUnderstood, found.cut], [1, 0, null]);
  assert.deepEqual([found.tallies[0]?.inPort, found.tallies[0]?.to], ["bond0", ["rep0"]]);
  assert.deepEqual(asked, [
    "ovs-appctl --timeout=5 dpctl/show system@ovs-system",
    "ovs-appctl --timeout=5 dpctl/dump-flows -m system@ovs-system",
  ]);
});

test("in Kolla's container, and for bridges in userspace", async () => {
  const { run, asked } = programs({});
  const source = { kind: "container", engine: "podman", name: "openvswitch_vswitchd" } as const;
  await findFlows(run, { ...ovs, source, bridges: [bridge("br0", "netdev")] });
  assert.equal(
    asked[1],
    "podman exec openvswitch_vswitchd ovs-appctl --timeout=5 dpctl/dump-flows -m netdev@ovs-netdev",
  );
});

test("without Open vSwitch there are none; what cannot be asked is not known", async () => {
  const { run } = programs({ "dpctl/dump-flows": { code: 2, stderr: "ovs-appctl: cannot connect" } });
  assert.equal(await findFlows(run, null), null);
  assert.deepEqual(await findFlows(run, { unknown: "nobody knows" }), { unknown: "nobody knows" });
  assert.deepEqual(await findFlows(run, { ...ovs, running: false }), {
    unknown: "ovs-vswitchd does not answer",
  });
  assert.match(
    JSON.stringify(await findFlows(run, ovs)),
    /dump-flows -m system@ovs-system: exit code 2: ovs-appctl: cannot connect/,
  );
});

test("a datapath with very many flows is not asked for a list of them", async () => {
  const { run, asked } = programs({ "dpctl/show": { stdout: show(180_000) } });
  const found = await findFlows(run, ovs);
  assert.ok(found !== null && !isUnknown(found));
  assert.equal(found.cut, "system@ovs-system holds 180000: too many to ask for");
  assert.equal(asked.length, 1);
});

test("a list that is cut off is read as far as it goes, and that is said", async () => {
  const { run } = programs({
    "dpctl/show": { stdout: show(3) },
    "dpctl/dump-flows": { stdout: `${flow}${flow}in_port(2),eth(), packets:9, by`, code: null, cut: true },
  });
  const found = await findFlows(run, ovs);
  assert.ok(found !== null && !isUnknown(found));
  assert.deepEqual(
    [found.listed, found.notUnderstood, found.cut],
    [2, 0, "of 3 of system@ovs-system the first 2 were read"],
  );
});

test("a program that prints more than is wanted is ended, and what it printed is kept", async () => {
  const { stdout, code, cut } = await runProgram(["yes", "flow"], { most: 1000, limit: 10_000 });
  assert.deepEqual([stdout.length, code, cut], [1000, null, true]);
});

test("by which netdevs tunnels leave: the one with their address, or with the route, and what a VLAN stands on", async () => {
  const port = (name: string, type: string) => ({
    name,
    port: name,
    type,
    ofport: 1,
    error: null,
    ifaceId: null,
  });
  const tunnelled: Ovs = {
    ...ovs,
    bridges: [{ ...bridge("br-tun", "system"), interfaces: [port("vxlan-0a0a", "vxlan")] }],
  };
  const options = (...entries: string[][]) => ["map", entries];
  const rows = [
    ["", options()],
    ["vxlan", options(["local_ip", "10.1.0.5"], ["remote_ip", "10.1.0.6"])],
    ["vxlan", options(["local_ip", "10.1.0.5"], ["remote_ip", "10.1.0.7"])],
    ["geneve", options(["remote_ip", "fd00::7"])],
    ["gre", options(["remote_ip", "flow"])],
    ["patch", options(["peer", "10.1.0.9"])],
  ];
  const run: RunProgram = (argv) => {
    const routes: Record<string, string> = { "10.1.0.5": "src 10.1.0.5\ngateway ::\ndev bond0.185\n" };
    const stdout = argv.includes("Interface")
      ? JSON.stringify({ headings: ["type", "options"], data: rows })
      : argv.includes("ovs/route/lookup")
        ? (routes[argv.at(-1) ?? ""] ?? "")
        : "";
    return Promise.resolve({ stdout, stderr: "", code: 0 });
  };
  const lower = (index: number, name: string, link: number | null) => ({
    index,
    name,
    link,
    linkNetnsId: null,
  });
  const links = [lower(7, "bond0", null), lower(9, "bond0.185", 7), lower(10, "loop", 10)];
  const found = await findFlows(run, tunnelled, links);
  assert.ok(found !== null && !isUnknown(found));
  assert.deepEqual(found.tunnels, [
    { type: "vxlan", address: "10.1.0.5", via: ["bond0.185", "bond0"] },
    { type: "geneve", address: "fd00::7", via: [] },
  ]);
  const without = await findFlows(run, ovs, links);
  assert.ok(without !== null && !isUnknown(without));
  assert.deepEqual(without.tunnels, []);
});

test("tunnels that cannot be asked for are not known, and the flows are", async () => {
  const port = { name: "g0", port: "g0", type: "geneve", ofport: 1, error: null, ifaceId: null };
  const { run } = programs({ "--format=json": { code: 1, stderr: "ovs-vsctl: no socket" } });
  const found = await findFlows(run, {
    ...ovs,
    bridges: [{ ...bridge("br-int", "system"), interfaces: [port] }],
  });
  assert.ok(found !== null && !isUnknown(found));
  assert.match(JSON.stringify(found.tunnels), /no socket/);
});
