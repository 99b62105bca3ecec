import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { LinuxHost } from "../../../../src/host/linux/host.ts";
import { findIngressQdiscs } from "../../../../src/host/linux/ovs/ingress-qdiscs.ts";
import { inEffect } from "../../../../src/host/linux/ovs/offload-in-effect.ts";
import { changeOvs, findOvs, type OvsLookup, restartOvs } from "../../../../src/host/linux/ovs/ovs.ts";
import {
  ProgramError,
  type ProgramResult,
  type RunProgram,
} from "../../../../src/host/linux/system/program.ts";
import type { IngressQdisc, Ovs, OvsBridge, OvsSource } from "../../../../src/host/ovs/ovs.ts";
import { HostState } from "../../../../src/host/state/state.ts";
import { fakeKernel, fakeNetlink, link } from "../fake-kernel.ts";
import { makeTree, type Tree } from "../tree.ts";

/**
 * Open vSwitch found and asked with programs that answer as told; ovs-real.test.ts does it with the real
 * ones.
 */

const notLooked = "this command does not look at it";
const kolla = "openvswitch_vswitchd";
const socket: Tree = { "run/openvswitch/db.sock": "" };
const answer = (stdout: string): ProgramResult => ({ stdout, stderr: "", code: 0 });
const failure = (stderr: string, code = 1): ProgramResult => ({ stdout: "", stderr, code });

/** The four tables of one bridge br-ex with bond0 and a dead representor. */
function tables(version: unknown, config: readonly (readonly string[])[]): string {
  const lines = [
    { headings: ["ovs_version", "other_config"], data: [[version, ["map", config]]] },
    {
      headings: ["name", "datapath_type", "ports"],
      data: [
        [
          "br-ex",
          "",
          [
            "set",
            [
              ["uuid", "p0"],
              ["uuid", "p1"],
            ],
          ],
        ],
      ],
    },
    {
      headings: ["_uuid", "name", "interfaces"],
      data: [
        [["uuid", "p0"], "bond0", ["uuid", "i0"]],
        [["uuid", "p1"], "ens3f0npf0vf0", ["uuid", "i1"]],
      ],
    },
    {
      headings: ["_uuid", "name", "type", "ofport", "error", "external_ids", "other_config"],
      data: [
        [
          ["uuid", "i0"],
          "bond0",
          "",
          1,
          ["set", []],
          ["map", []],
          ["map", [["hw-offload-priority", "none"]]],
        ],
        [
          ["uuid", "i1"],
          "ens3f0npf0vf0",
          "",
          -1,
          "could not open network device ens3f0npf0vf0 (No such device)",
          ["map", [["iface-id", "42"]]],
          ["map", []],
        ],
      ],
    },
  ];
  return `${lines.map((line) => JSON.stringify(line)).join("\n")}\n`;
}

/** Programs by the words that their command lines end with; the others are not installed. */
function programs(answers: Readonly<Record<string, ProgramResult>>): { run: RunProgram; asked: string[][] } {
  const asked: string[][] = [];
  const run: RunProgram = async (argv) => {
    asked.push([...argv]);
    const key = Object.keys(answers).find((end) => argv.join(" ").startsWith(end));
    if (key === undefined) throw new ProgramError("ENOENT", `${argv[0]}: no such program`);
    return answers[key] ?? failure("");
  };
  return { run, asked };
}

function find(
  t: TestContext,
  tree: Tree,
  run: RunProgram,
  lookup: OvsLookup = { engine: "auto" },
  qdiscs: readonly IngressQdisc[] = [],
) {
  const root = makeTree(t, tree);
  return findOvs({ run, runRoot: `${root}/run`, filesRoot: root }, lookup, qdiscs);
}

const offloading =
  "system@ovs-system:\n  flows         : (current 4) (avg 3) (max 9) (limit 10000)\n  offloaded flows : 2\n  dump duration : 1ms\n";
const vsctl = "--timeout=5 --format=json -- --columns=ovs_version,other_config list Open_vSwitch";

test("Open vSwitch of this machine, in two starts of its programs", async (t) => {
  const { run, asked } = programs({
    "ovs-vsctl": answer(
      tables("3.1.0", [
        ["hw-offload", "true"],
        ["tc-policy", "skip_sw"],
      ]),
    ),
    "ovs-appctl --timeout=5 upcall/show": answer(offloading),
  });
  const found = await find(t, { ...socket, "lib/systemd/system/openvswitch-switch.service": "" }, run);
  assert.deepEqual(found, {
    source: { kind: "native", unit: "openvswitch-switch.service" },
    version: "3.1.0",
    running: true,
    hwOffload: true,
    offloadInEffect: true,
    tcPolicy: "skip_sw",
    dpdk: false,
    doca: false,
    bridges: [
      {
        name: "br-ex",
        datapathType: "system",
        interfaces: [
          {
            name: "bond0",
            port: "bond0",
            type: "",
            ofport: 1,
            error: null,
            ifaceId: null,
            offloadPriority: "none",
          },
          {
            name: "ens3f0npf0vf0",
            port: "ens3f0npf0vf0",
            type: "",
            ofport: -1,
            error: "could not open network device ens3f0npf0vf0 (No such device)",
            ifaceId: "42",
            offloadPriority: null,
          },
        ],
      },
    ],
  } satisfies Ovs);
  assert.equal(asked.length, 2);
  assert.equal(asked[0]?.slice(1, 7).join(" "), vsctl);
});

test("in Kolla's container: the socket is on the host, the programs are not, and nobody wrote a version down", async (t) => {
  for (const engine of ["podman", "docker"] as const) {
    const inside = `${engine} exec ${kolla}`;
    const { run, asked } = programs({
      [`${engine} container inspect --format {{.State.Running}} ${kolla}`]: answer("true\n"),
      [`${inside} ovs-vsctl`]: answer(tables(["set", []], [])),
      [`${inside} ovs-appctl --timeout=5 upcall/show`]: answer("system@ovs-system:\n"),
      [`${inside} ovs-appctl --timeout=5 version`]: answer("ovs-vswitchd (Open vSwitch) 2.17.9\n"),
    });
    const found = await find(t, socket, run);
    assert.ok(found !== null && "source" in found, JSON.stringify(found));
    assert.deepEqual(found.source, { kind: "container", engine, name: kolla });
    assert.deepEqual(
      [found.version, found.running, found.hwOffload, found.offloadInEffect],
      ["2.17.9", true, false, false],
    );
    const question = asked.find((argv) => argv[3] === "ovs-vsctl");
    assert.deepEqual(question?.slice(0, 5), [engine, "exec", kolla, "ovs-vsctl", "--timeout=5"]);
  }
});

test("the spec's engine and container are the only ones that are asked", async (t) => {
  const { run, asked } = programs({
    "ovs-appctl --version": answer(""),
    "docker container inspect --format {{.State.Running}} my_ovs": failure(
      "Error response from daemon: No such container: my_ovs\n",
    ),
  });
  assert.equal(await find(t, socket, run, { engine: "docker", container: "my_ovs" }), null);
  assert.deepEqual(
    asked.map(([program]) => program),
    ["docker"],
  );
});

test("where it is not, or does not run, the reason is told", async (t) => {
  const nowhere = programs({});
  assert.equal(await find(t, socket, nowhere.run), null);
  const asleep = programs({ "ovs-appctl --version": answer("") });
  assert.match(
    JSON.stringify(await find(t, {}, asleep.run)),
    /"unknown":"Open vSwitch is installed, and its database does not run/,
  );
  const stopped = programs({ "podman container inspect": answer("false\n") });
  assert.match(
    JSON.stringify(await find(t, {}, stopped.run)),
    /does not run: podman start openvswitch_vswitchd/,
  );
  const noDaemon = programs({
    "docker container inspect": failure(
      "Cannot connect to the Docker daemon at unix:///var/run/docker.sock.\n",
    ),
  });
  assert.match(JSON.stringify(await find(t, {}, noDaemon.run)), /"unknown":"docker: Cannot connect/);
  const noDatabase = programs({
    "ovs-appctl --version": answer(""),
    "ovs-vsctl": failure("ovs-vsctl: unix:...: database connection failed\n"),
  });
  assert.match(
    JSON.stringify(await find(t, socket, noDatabase.run)),
    /"unknown":".*database connection failed/,
  );
  const nonsense = programs({ "ovs-appctl --version": answer(""), "ovs-vsctl": answer("hello\n") });
  assert.match(
    JSON.stringify(await find(t, socket, nonsense.run)),
    /"unknown":"ovs-vsctl printed 1 tables where 4/,
  );
});

test("a daemon that does not answer is not running, and what it works with is not known", async (t) => {
  const { run } = programs({
    "ovs-appctl --version": answer(""),
    "ovs-vsctl": answer(tables(["set", []], [["hw-offload", "TRUE"]])),
    "ovs-appctl --timeout=5 upcall/show": failure("ovs-appctl: cannot read pidfile\n"),
  });
  const found = await find(t, socket, run);
  assert.ok(found !== null && "source" in found);
  assert.deepEqual([found.running, found.hwOffload, found.version], [false, true, null]);
  assert.deepEqual(found.offloadInEffect, { unknown: "ovs-vswitchd does not answer" });
});

const port = (name: string, type = "", ofport = 1) => ({
  name,
  port: name,
  type,
  ofport,
  error: null,
  ifaceId: null,
});
const bridge = (datapathType: string, ...interfaces: OvsBridge["interfaces"]): OvsBridge => ({
  name: "br0",
  datapathType,
  interfaces,
});
const on = (netdev: string): IngressQdisc => ({ netdev, kind: "ingress", block: null });

test("what the daemon works with is told by its count of offloaded flows, else by its ports' qdiscs", () => {
  const silent =
    "system@ovs-system:\n  flows         : (current 0) (avg 0) (max 0) (limit 10000)\n\n  5: (keys 0)\n";
  const two = [bridge("system", port("br0", "internal", 65534), port("bond0"))];
  const table: readonly [string, readonly OvsBridge[], readonly IngressQdisc[], boolean | RegExp][] = [
    [offloading, two, [], true],
    [silent, two, [], false],
    [silent, two, [on("br0"), on("bond0")], true],
    [silent, two, [on("bond0")], /of 2 ports 1 have/],
    [silent, [], [], /no bridge has a port/],
    [silent, [bridge("system", port("gone0", "", -1), port("vx0", "vxlan"))], [], /no bridge has a port/],
    // The userspace datapath counts its own, and has nothing to do with tc.
    [
      offloading.replace("system@ovs-system", "netdev@ovs-netdev"),
      [bridge("netdev", port("bond0"))],
      [],
      /no bridge has a port/,
    ],
  ];
  for (const [upcalls, bridges, qdiscs, expected] of table) {
    const found = inEffect(upcalls, bridges, qdiscs);
    if (typeof expected === "boolean") assert.equal(found, expected);
    else assert.match(JSON.stringify(found), expected);
  }
  assert.deepEqual(inEffect(silent, two, { unknown: "no netlink" }), { unknown: "no netlink" });
});

test("actions are argument vectors, on the host and in a container", async () => {
  const { run, asked } = programs({
    "ovs-": answer(offloading),
    "podman exec c ovs-": answer(offloading),
    podman: answer(""),
    systemctl: answer(""),
  });
  const kernel = fakeKernel("/nonexistent", fakeNetlink(), { run });
  const native: OvsSource = { kind: "native", unit: "openvswitch.service" };
  const container: OvsSource = { kind: "container", engine: "podman", name: "c" };
  await changeOvs(kernel, { kind: "set-ovs", source: native, key: "hw-offload", value: "true" });
  await changeOvs(kernel, { kind: "del-ovs-port", source: container, bridge: "br-int", port: "$(reboot)" });
  await restartOvs(kernel, native);
  await restartOvs(kernel, container);
  assert.deepEqual(asked, [
    ["ovs-vsctl", "--timeout=5", "set", "Open_vSwitch", ".", "other_config:hw-offload=true"],
    ["podman", "exec", "c", "ovs-vsctl", "--timeout=5", "--if-exists", "del-port", "br-int", "$(reboot)"],
    ["systemctl", "restart", "openvswitch.service"],
    ["ovs-appctl", "--timeout=5", "upcall/show"],
    ["podman", "restart", "c"],
    ["podman", "exec", "c", "ovs-appctl", "--timeout=5", "upcall/show"],
  ]);
});

test("what has no unit is not restarted", async () => {
  const { run, asked } = programs({ ovs: answer("") });
  const kernel = fakeKernel("/nonexistent", fakeNetlink(), { run });
  const source: OvsSource = { kind: "native", unit: null };
  await assert.rejects(restartOvs(kernel, source), /restart it by hand/);
  assert.deepEqual(asked, []);
});

test("the host observes it where the spec says, and not at boot", async (t) => {
  const inside = "podman exec my_ovs";
  const { run, asked } = programs({
    "podman container inspect --format {{.State.Running}} my_ovs": answer("true\n"),
    [`${inside} ovs-vsctl`]: answer(tables("3.1.0", [["hw-offload", "true"]])),
    [`${inside} ovs-appctl --timeout=5 upcall/show`]: answer("system@ovs-system:\n"),
    systemctl: answer(""),
  });
  const qdiscs = [{ link: 3, kind: "ingress", ingressBlock: 3 }];
  const kernel = fakeKernel(
    makeTree(t, { sys: {}, proc: {} }),
    fakeNetlink({ qdiscs, links: [link(3, "bond0")] }),
    { run },
  );
  using host = LinuxHost.open({ ...kernel, ovs: { engine: "auto", container: "my_ovs" } });
  const { ovs, ingressQdiscs } = HostState.parse(await host.observe());
  assert.ok(ovs !== null && "source" in ovs, JSON.stringify(ovs));
  assert.deepEqual(
    [ovs.source, ovs.offloadInEffect],
    [{ kind: "container", engine: "podman", name: "my_ovs" }, true],
  );
  assert.deepEqual(ingressQdiscs, [{ netdev: "bond0", kind: "ingress", block: 3 }]);
  asked.length = 0;
  using atBoot = LinuxHost.open({ ...kernel, looks: "nics" });
  const early = await atBoot.observe();
  assert.deepEqual(
    [early.ovs, early.ingressQdiscs, asked],
    [{ unknown: notLooked }, { unknown: notLooked }, []],
  );
});

test("qdiscs where packets arrive are told by their netdevs' names", () => {
  const qdiscs = [
    { link: 3, kind: "ingress", ingressBlock: 37 },
    { link: 3, kind: "mq", ingressBlock: null },
    { link: 4, kind: "clsact", ingressBlock: null },
    { link: 99, kind: "ingress", ingressBlock: null },
  ];
  const kernel = fakeKernel("/nonexistent", fakeNetlink({ qdiscs }));
  const links = [link(3, "bond0"), link(4, "br-ex")].map((found) => ({ ...found, device: null }));
  assert.deepEqual(findIngressQdiscs(kernel, links), [
    { netdev: "bond0", kind: "ingress", block: 37 },
    { netdev: "br-ex", kind: "clsact", block: null },
  ]);
});
