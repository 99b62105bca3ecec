import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { readDatapath, readFlows } from "../../../../src/host/linux/ovs/flow-text.ts";
import { processorTime } from "../../../support/processor-time.ts";

/*
 * The format, not samples of it: lines as openvswitch 2.10 to 3.6 prints them, of the kernel's datapath and
 * of the one in userspace.
 */

const none = new Map<number, string>();

function one(line: string, ports: ReadonlyMap<number, string> = none) {
  const { tallies, listed, notUnderstood } = readFlows(`${line}\n`, ports);
  assert.deepEqual([listed, notUnderstood], [1, 0], line);
  const [{ inPort, layer, offloaded, kind, to, packets, bytes, idle } = assert.fail()] = tallies;
  return { inPort, layer, offloaded, kind, to, packets, bytes, idle };
}

const masks =
  "skb_priority(0/0),skb_mark(0/0),ct_state(0/0),ct_zone(0/0),ct_mark(0/0),ct_label(0/0),recirc_id(0),dp_hash(0/0),";

describe("a flow of dpctl/dump-flows -m", () => {
  test("in hardware, with all that -m prints", () => {
    const match = `${masks}in_port(enp216s0f0),packet_type(ns=0/0,id=0/0),eth(src=4a:9a:3a:69:36:5c,dst=0e:4e:1c:6c:cc:ab),eth_type(0x0800),ipv4(src=0.0.0.0/0.0.0.0,dst=0.0.0.0/0.0.0.0,proto=0/0,tos=0/0,ttl=0/0,frag=no)`;
    const line = `ufid:9b0596d9-d3c6-4c88-aadb-087a81690c22, ${match}, packets:54114480, bytes:81929308428, used:0.520s, offloaded:yes, dp:tc, actions:enp216s0f0_0`;
    assert.deepEqual(one(line), {
      inPort: "enp216s0f0",
      layer: "tc",
      offloaded: "yes",
      kind: "traffic",
      to: ["enp216s0f0_0"],
      packets: 54114480,
      bytes: 81929308428,
      idle: 0.52,
    });
    const [tally] = readFlows(line, none).tallies;
    assert.match(
      tally?.example ?? "",
      /^recirc_id\(0\),in_port\(enp216s0f0\),eth\(.*packets:54114480, .*offloaded:yes, dp:tc, actions:enp216s0f0_0$/,
    );
  });

  test("in the kernel's datapath, in tc and not in hardware, partly in hardware, and untold", () => {
    const flow = (marks: string) =>
      one(`in_port(p0),eth(), packets:1, bytes:60, used:never${marks}, actions:p1`);
    const marked = (marks: string) => [flow(marks).offloaded, flow(marks).layer];
    assert.deepEqual(marked(", dp:ovs"), ["no", "ovs"]);
    assert.deepEqual(marked(", dp:tc"), ["no", "tc"]);
    assert.deepEqual(marked(", offloaded:partial, dp:ovs"), ["partial", "ovs"]);
    assert.deepEqual(marked(", offloaded:yes, dp:dpdk"), ["yes", "dpdk"]);
    assert.deepEqual(marked(", offloaded:sometimes, dp:doca"), ["sometimes", "doca"]);
    assert.deepEqual(marked(", flags:SFP."), [null, null]);
    assert.equal(flow("").idle, null);
  });

  test("a port is a name, a number that has a name, or a number", () => {
    const ports = new Map([[4, "enp3s0f0"]]);
    const numbered = (port: string) =>
      one(`recirc_id(0),in_port(${port}), packets:1, bytes:60, used:1s, actions:9,4`, ports);
    assert.deepEqual([numbered("4").inPort, numbered("4").to], ["enp3s0f0", ["9", "enp3s0f0"]]);
    assert.equal(numbered("9").inPort, "9");
    assert.equal(numbered("4/0xffffffff").inPort, "enp3s0f0");
    assert.equal(one("recirc_id(0x1),eth(), packets:1, bytes:60, used:1s, actions:drop").inPort, null);
  });

  test("it goes out of ports, also within other actions; what is no port is none", () => {
    const actions = (text: string) =>
      one(`in_port(p0),eth_type(0x0800), packets:1, bytes:60, used:1s, dp:ovs, actions:${text}`).to;
    assert.deepEqual(actions("push_vlan(vid=540,pcp=0),bond0"), ["bond0"]);
    assert.deepEqual(actions("ct(zone=65520),recirc(0x18)"), []);
    assert.deepEqual(actions("pop_vlan,eth9,eth10"), ["eth10", "eth9"]);
    assert.deepEqual(actions("clone(set(tunnel(dst=10.0.0.1,ttl=64,flags(df|key))),vxlan_sys_4789),eth1"), [
      "eth1",
      "vxlan_sys_4789",
    ]);
    assert.deepEqual(
      actions("sample(sample=50.0%,actions(p7)),check_pkt_len(size=1500,gt(p8),le(ct_clear,p9))"),
      ["p7", "p8", "p9"],
    );
    assert.deepEqual(actions("set(ipv4(ttl=63)),p1, dp-extra-info:miniflow_bits(4,1)"), ["p1"]);
  });

  test("what it is for decides whether hardware can have it", () => {
    const kind = (match: string, actions = "p1") =>
      one(`recirc_id(0),in_port(p0),${match}, packets:1, bytes:60, used:1s, dp:ovs, actions:${actions}`).kind;
    const eth = "eth(src=fa:16:3e:00:00:01,dst=fa:16:3e:00:00:02)";
    assert.equal(kind(`${eth},eth_type(0x0800),ipv4(frag=no)`), "traffic");
    assert.equal(kind(`${eth},eth_type(0x0806),arp(op=1)`), "arp");
    assert.equal(kind(`${eth},eth_type(0x8100),vlan(vid=5,pcp=0),encap(eth_type(0x0806),arp(op=1))`), "arp");
    assert.equal(
      kind(`${eth},eth_type(0x8100),vlan(vid=5,pcp=0),encap(eth_type(0x0800),ipv4(frag=no))`),
      "traffic",
    );
    assert.equal(kind("eth(src=fa:16:3e:00:00:01,dst=ff:ff:ff:ff:ff:ff),eth_type(0x0800)"), "multicast");
    assert.equal(
      kind("eth(src=fa:16:3e:00:00:01,dst=01:00:00:00:00:00/01:00:00:00:00:00),eth_type(0x0800)"),
      "multicast",
    );
    assert.equal(
      kind("eth(src=fa:16:3e:00:00:01,dst=01:00:00:00:00:00/00:00:00:00:00:00),eth_type(0x0800)"),
      "traffic",
    );
    assert.equal(kind("eth(src=0c:42:a1:00:00:01,dst=01:80:c2:00:00:0e),eth_type(0x88cc)"), "control");
    assert.equal(kind(`${eth},eth_type(0x8809)`), "control");
    assert.equal(kind(`${eth},eth_type(0x0800)`, "drop"), "drop");
    assert.equal(
      kind(`${eth},eth_type(0x0800)`, "userspace(pid=4294962063,slow_path(controller))"),
      "userspace",
    );
    for (const reason of ["action", "match", "bfd|match"])
      assert.equal(kind(`${eth},eth_type(0x0800)`, `userspace(pid=0,slow_path(${reason}))`), "slow-path");
    assert.equal(kind(`${eth},eth_type(0x0800)`, "userspace(pid=0,slow_path(bfd))"), "userspace");
    assert.equal(kind(`${eth},eth_type(0x0806)`, "userspace(pid=0,slow_path(match))"), "userspace");
    assert.equal(
      kind(`${eth},eth_type(0x86dd),icmpv6(type=135/0xff)`, "userspace(pid=0,slow_path(match))"),
      "userspace",
    );
    assert.equal(
      kind(`${eth},eth_type(0x0800)`, "userspace(pid=1,controller(reason=1,dont_send=0)),p1"),
      "userspace",
    );
    assert.equal(
      kind(`${eth},eth_type(0x0800)`, "sample(sample=1.0%,actions(userspace(pid=1,sFlow(vid=0)))),p1"),
      "traffic",
    );
    assert.equal(kind(`${eth},eth_type(0x0800)`, "userspace(pid=1,sFlow(vid=0))"), "userspace");
    assert.equal(kind(`ct_state(+new-est+trk),${eth},eth_type(0x0800)`), "new-connection");
    assert.equal(kind(`ct_state(-new+est+trk),${eth},eth_type(0x0800)`), "traffic");
    assert.equal(kind(`ct_state(0x21/0x23),${eth},eth_type(0x0800)`), "new-connection");
    assert.equal(kind(`ct_state(0x22/0x3f),${eth},eth_type(0x0800)`), "traffic");
    assert.equal(kind(`ct_state(new|trk),${eth},eth_type(0x0800)`), "new-connection");
    assert.equal(kind(`ct_state(0x21/0x20),${eth},eth_type(0x0800)`), "traffic");
  });
});

test("flows that are alike are added up; titles are no flows, and what is neither is counted", () => {
  const list = [
    "flow-dump from the main thread:",
    "in_port(p0),eth(), packets:3, bytes:180, used:0.5s, dp:ovs, actions:p1",
    "flow-dump from pmd on cpu core: 3",
    "in_port(p0),eth(), packets:7, bytes:420, used:never, dp:ovs, actions:p1",
    "in_port(p0),eth(), packets:2, bytes:120, used:2.25s, dp:ovs, actions:p2",
    "ovs-vswitchd: something new",
    "in_port(p0),eth(), packets:many, bytes:120, used:2.25s, actions:p2",
    "",
  ];
  const { tallies, listed, notUnderstood, notAdded } = readFlows(list.join("\n"), none);
  assert.deepEqual([listed, notUnderstood, notAdded], [3, 2, 0]);
  assert.deepEqual(
    tallies.map(({ to, flows, packets, bytes, idle }) => ({ to, flows, packets, bytes, idle })),
    [
      { to: ["p1"], flows: 2, packets: 10, bytes: 600, idle: 0.5 },
      { to: ["p2"], flows: 1, packets: 2, bytes: 120, idle: 2.25 },
    ],
  );
  assert.match(tallies[0]?.example ?? "", /packets:7,/);
});

test("more kinds of flows than can be told apart are counted", () => {
  const lines = Array.from(
    { length: 8200 },
    (_, at) => `in_port(p${at}),eth(), packets:1, bytes:60, used:1s, dp:ovs, actions:x`,
  );
  const { tallies, listed, notAdded } = readFlows(lines.join("\n"), none);
  assert.deepEqual([tallies.length, listed, notAdded], [8192, 8200, 8]);
});

test("no text stops it, or takes long", () => {
  const parts = fc.constantFrom(
    "in_port(",
    ")",
    ",",
    "eth(dst=ff",
    "packets:1",
    ", bytes:2",
    "actions:",
    "encap(",
    "\n",
    "ufid:",
    "clone(",
    "\0",
    "é",
  );
  fc.assert(
    fc.property(fc.array(fc.oneof(parts, fc.string()), { maxLength: 40 }), (words) => {
      const { listed, notUnderstood } = readFlows(words.join(""), none);
      return listed >= 0 && notUnderstood >= 0;
    }),
  );
  const before = processorTime();
  readFlows(`in_port(${"(".repeat(200_000)}, packets:1, bytes:1, actions:${"clone(".repeat(100)}`, none);
  assert.ok(processorTime() - before < 2000);
});

test("what dpctl/show tells of a datapath", () => {
  const text = `system@ovs-system:
  lookups: hit:1684 missed:1465 lost:0
  flows: 12
  masks: hit:8420 total:1 hit/pkt:2.67
  port 0: ovs-system (internal)
  port 4: enp3s0f0
  port 7: vxlan_sys_4789 (vxlan: packet_type=ptap)
`;
  const { ports, flows } = readDatapath(text);
  assert.equal(flows, 12);
  assert.deepEqual(
    [...ports],
    [
      [0, "ovs-system"],
      [4, "enp3s0f0"],
      [7, "vxlan_sys_4789"],
    ],
  );
  assert.deepEqual(readDatapath("nothing of the kind"), { ports: new Map(), flows: null });
});
