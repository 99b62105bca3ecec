import assert from "node:assert/strict";
import { test } from "node:test";
import { findOvsLog, parseOvsLog } from "../../../../src/host/linux/ovs/ovs-log.ts";
import type { RunProgram } from "../../../../src/host/linux/system/program.ts";
import type { OvsSource } from "../../../../src/host/ovs/ovs.ts";
import { buildOvs } from "../../../../src/host/simulated/machine/ovs.ts";
import { isUnknown } from "../../../../src/host/state/observed.ts";
import { makeTree } from "../tree.ts";

const refused =
  "2020-03-19T11:42:17.028Z|00001|dpif_netlink(handler223)|ERR|failed to offload flow: Operation not supported: bond0";
const start = "2020-03-19T11:00:00.000Z|00002|bridge|INFO|ovs-vswitchd (Open vSwitch) 2.12.0";
const noProgram: RunProgram = () => Promise.reject(new Error("no such program"));
const ovs = (source: OvsSource) => ({ ...buildOvs("bond0"), source });
const container: OvsSource = { kind: "container", engine: "podman", name: "openvswitch_vswitchd" };
const native: OvsSource = { kind: "native", unit: "openvswitch-switch.service" };

test("errors of ports, rules and offload since the last start, each once", () => {
  const log = [
    "2020-03-19T10:00:00.000Z|00009|dpif_netlink(handler1)|ERR|failed to offload flow: Operation not supported: eth9",
    start,
    "2020-03-19T11:00:01.000Z|00003|netdev_offload_tc|INFO|added ingress qdisc to bond0",
    refused,
    "2020-03-19T11:42:20.000Z|00007|dpif_netlink(handler2)|ERR|Dropped 2 log messages in last 8 seconds (most recently, 8 seconds ago) due to excessive rate",
    refused.replace("11:42:17", "11:43:00"),
    "2020-03-19T11:44:00.000Z|00010|bridge|WARN|could not open network device eth9 (No such device)",
    "2020-03-19T11:44:01.000Z|00011|jsonrpc|WARN|unix#2: receive error: Connection reset by peer",
    "no line of a log\u001b[2J",
  ].join("\n");
  assert.deepEqual(parseOvsLog(log), {
    sinceStart: true,
    lines: [
      {
        ...{ time: "2020-03-19T11:43:00.028Z", level: "ERR", module: "dpif_netlink", times: 2 },
        text: "failed to offload flow: Operation not supported: bond0",
      },
      {
        ...{ time: "2020-03-19T11:44:00.000Z", level: "WARN", module: "bridge", times: 1 },
        text: "could not open network device eth9 (No such device)",
      },
    ],
  });
});

test("the log of the host's own Open vSwitch, and Kolla's", async (t) => {
  const own = makeTree(t, { "var/log/openvswitch/ovs-vswitchd.log": `${start}\n${refused}\n` });
  const found = await findOvsLog({ filesRoot: own, run: noProgram }, ovs(native));
  assert.ok(found !== null && !isUnknown(found));
  assert.deepEqual([found.from, found.lines.length], ["/var/log/openvswitch/ovs-vswitchd.log", 1]);
  const kolla = makeTree(t, { "var/log/kolla/openvswitch/ovs-vswitchd.log": `${refused}\n` });
  const other = await findOvsLog({ filesRoot: kolla, run: noProgram }, ovs(container));
  assert.ok(other !== null && !isUnknown(other) && other.from.includes("kolla") && !other.sinceStart);
});

test("only a log's end is read, from the beginning of a line", async (t) => {
  const line = `2020-03-19T11:42:17.028Z|00001|bridge|WARN|${"x".repeat(100)}\n`;
  const root = makeTree(t, { "var/log/openvswitch/ovs-vswitchd.log": `${refused}\n${line.repeat(4000)}` });
  const found = await findOvsLog({ filesRoot: root, run: noProgram }, ovs(native));
  assert.ok(found !== null && !isUnknown(found));
  assert.ok(found.lines.length === 1 && (found.lines[0]?.times ?? 0) < 2000 && !found.sinceStart);
});

test("where no file is, the container's engine is asked; silence there is no log without errors", async (t) => {
  const root = makeTree(t, {});
  const asked: string[] = [];
  const answering =
    (stderr: string): RunProgram =>
    async (argv) => {
      asked.push(argv.join(" "));
      return { stdout: "", stderr, code: 0 };
    };
  const found = await findOvsLog({ filesRoot: root, run: answering(refused) }, ovs(container));
  assert.ok(found !== null && !isUnknown(found) && found.lines.length === 1);
  assert.deepEqual(asked, ["podman logs --tail 2000 openvswitch_vswitchd"]);
  for (const run of [answering("+ exec ovs-vswitchd"), noProgram])
    assert.ok(isUnknown(await findOvsLog({ filesRoot: root, run }, ovs(container))));
  assert.ok(isUnknown(await findOvsLog({ filesRoot: root, run: noProgram }, ovs(native))));
  assert.equal(await findOvsLog({ filesRoot: root, run: noProgram }, null), null);
});
