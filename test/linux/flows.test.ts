import assert from "node:assert/strict";
import { test } from "node:test";
import { findFlows } from "../../src/host/linux/flows.ts";
import { type ProgramResult, type RunProgram, runProgram } from "../../src/host/linux/program.ts";
import { isUnknown } from "../../src/host/observed.ts";
import type { Ovs } from "../../src/host/ovs.ts";

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
  const { run, asked } = programs({ "dpctl/show": { stdout: show(1) }, "dpctl/dump-flows": { stdout: flow } });
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
  assert.equal(asked[1], "podman exec openvswitch_vswitchd ovs-appctl --timeout=5 dpctl/dump-flows -m netdev@ovs-netdev");
});

test("without Open vSwitch there are none; what cannot be asked is not known", async () => {
  const { run } = programs({ "dpctl/dump-flows": { code: 2, stderr: "ovs-appctl: cannot connect" } });
  assert.equal(await findFlows(run, null), null);
  assert.deepEqual(await findFlows(run, { unknown: "nobody knows" }), { unknown: "nobody knows" });
  assert.deepEqual(await findFlows(run, { ...ovs, running: false }), { unknown: "ovs-vswitchd does not answer" });
  assert.match(JSON.stringify(await findFlows(run, ovs)), /dump-flows -m system@ovs-system: exit code 2: ovs-appctl: cannot connect/);
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
  assert.deepEqual([found.listed, found.notUnderstood, found.cut], [2, 0, "of 3 of system@ovs-system the first 2 were read"]);
});

test("a program that prints more than is wanted is ended, and what it printed is kept", async () => {
  const { stdout, code, cut } = await runProgram(["yes", "flow"], { most: 1000, limit: 10_000 });
  assert.deepEqual([stdout.length, code, cut], [1000, null, true]);
});
