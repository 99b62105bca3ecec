import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { findFlows } from "../../../../src/host/linux/ovs/flows.ts";
import { changeOvs, findOvs, ovsOwnerOf } from "../../../../src/host/linux/ovs/ovs.ts";
import { monitorOvsdb } from "../../../../src/host/linux/ovs/ovsdb-monitor.ts";
import { type RunProgram, runProgram } from "../../../../src/host/linux/system/program.ts";
import type { Ovs, OvsSource } from "../../../../src/host/ovs/ovs.ts";
import { isUnknown } from "../../../../src/host/state/observed.ts";
import { fakeKernel } from "../fake-kernel.ts";

/*
 * With the real ovsdb-server and ovs-vswitchd: their own database and sockets in a folder of this test, dummy
 * devices, and a network namespace of their own, so that neither the kernel's datapath nor this machine's
 * network is touched.
 */

const schema = join(process.env["OVS_PKGDATADIR"] ?? "/usr/share/openvswitch", "vswitch.ovsschema");

/** What is missing on this machine, or false. */
function missing(): string | false {
  if (process.getuid?.() !== 0) return "needs root, to make a network namespace";
  for (const program of [
    "ovsdb-tool",
    "ovsdb-server",
    "ovs-vswitchd",
    "ovs-vsctl",
    "ovs-ofctl",
    "ovs-appctl",
    "unshare",
  ])
    if (spawnSync(program, ["--version"]).error !== undefined)
      return `needs ${program}: apt-get install openvswitch-switch`;
  return existsSync(schema) ? false : `needs ${schema}`;
}

describe("the real Open vSwitch", { skip: missing() }, () => {
  let root = "";
  let folder = "";
  const env = () => ({ ...process.env, OVS_RUNDIR: folder, OVS_DBDIR: folder, OVS_LOGDIR: folder });

  function tell(argv: readonly string[]) {
    const [program = "", ...words] = argv;
    return spawnSync(program, words, { env: env(), encoding: "utf8", timeout: 30_000 });
  }

  function must(argv: readonly string[]): string {
    const { status, stdout, stderr } = tell(argv);
    assert.equal(status, 0, `${argv.join(" ")}: ${stderr}`);
    return stdout;
  }

  /** As on a host, only that the programs look for their sockets in the test's folder. */
  const run: RunProgram = (argv, options) => runProgram(["env", `OVS_RUNDIR=${folder}`, ...argv], options);
  const kernel = () => fakeKernel(root, undefined, { run });
  const source: OvsSource = { kind: "native", unit: null };

  async function look(): Promise<Ovs> {
    const found = await findOvs(kernel(), { engine: "native" }, []);
    assert.ok(found !== null && "source" in found, JSON.stringify(found));
    return found;
  }

  before(() => {
    root = mkdtempSync(join(tmpdir(), "vflag-ovs-"));
    folder = join(root, "run/openvswitch");
    mkdirSync(folder, { recursive: true });
    const socket = `unix:${join(folder, "db.sock")}`;
    must(["ovsdb-tool", "create", join(folder, "conf.db"), schema]);
    must([
      "ovsdb-server",
      `--remote=p${socket}`,
      "--pidfile",
      "--detach",
      "--log-file",
      join(folder, "conf.db"),
    ]);
    must(["ovs-vsctl", "--no-wait", "init"]);
    must(["unshare", "-n", "ovs-vswitchd", socket, "--pidfile", "--detach", "--log-file", "--enable-dummy"]);
  });

  after(() => {
    for (const daemon of ["ovs-vswitchd", "ovsdb-server"]) {
      const pid = Number(readFileSync(join(folder, `${daemon}.pid`), "utf8"));
      if (pid > 1) process.kill(pid, "SIGTERM");
    }
    rmSync(root, { recursive: true, force: true });
  });

  test("a new one has no bridge, and its version is that of the daemon", async () => {
    const ovs = await look();
    assert.match(ovs.version ?? "", /^\d+\.\d+/);
    assert.deepEqual(
      { running: ovs.running, hwOffload: ovs.hwOffload, tcPolicy: ovs.tcPolicy, bridges: ovs.bridges },
      { running: true, hwOffload: false, tcPolicy: null, bridges: [] },
    );
    assert.deepEqual(ovs.offloadInEffect, { unknown: "no bridge has a port yet, so nothing shows it" });
  });

  test("bridges, ports, and the error of a port without a device", async () => {
    const bridge0 = ["add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=dummy"];
    const dead = tell(["ovs-vsctl", ...bridge0, "--", "add-port", "br0", "nosuch0"]);
    assert.match(dead.stderr, /nosuch0/);
    must([
      "ovs-vsctl",
      "add-port",
      "br0",
      "p1",
      "--",
      "set",
      "interface",
      "p1",
      "type=dummy",
      "external_ids:iface-id=0f2c4a5e",
    ]);
    const [bridge] = (await look()).bridges;
    assert.deepEqual([bridge?.name, bridge?.datapathType], ["br0", "dummy"]);
    const ports = bridge?.interfaces ?? [];
    assert.deepEqual(ports.map(({ name, ofport, ifaceId }) => [name, ofport, ifaceId]).toSorted(), [
      ["br0", 65534, null],
      ["nosuch0", -1, null],
      ["p1", 1, "0f2c4a5e"],
    ]);
    assert.equal(
      ports.find(({ name }) => name === "nosuch0")?.error,
      "could not open network device nosuch0 (No such device)",
    );
    const owners = ["p1", "nosuch0", "never-there"].map((name) => ovsOwnerOf(kernel().run, source, name));
    assert.deepEqual(await Promise.all(owners), ["0f2c4a5e", null, null]);
  });

  test("hw-offload and tc-policy are set and read back, and the daemon takes hw-offload up without a restart", async () => {
    await changeOvs(kernel(), { kind: "set-ovs", source, key: "tc-policy", value: "skip_sw" });
    await changeOvs(kernel(), { kind: "set-ovs", source, key: "hw-offload", value: "true" });
    const ovs = await look();
    assert.deepEqual([ovs.hwOffload, ovs.tcPolicy], [true, "skip_sw"]);
    const log = readFileSync(join(folder, "ovs-vswitchd.log"), "utf8");
    assert.match(log, /netdev: Flow API Enabled|offload.*enabled/i);
  });

  test("a dead port is taken out; taking it out again does nothing", async () => {
    const take = () => changeOvs(kernel(), { kind: "del-ovs-port", source, bridge: "br0", port: "nosuch0" });
    await take();
    await take();
    const names = (await look()).bridges.flatMap(({ interfaces }) => interfaces.map(({ name }) => name));
    assert.deepEqual(names.toSorted(), ["br0", "p1"]);
  });

  test("flows are read as it prints them: port names, addresses, where they go, and who carries them", async () => {
    must(["ovs-vsctl", "add-port", "br0", "p2", "--", "set", "interface", "p2", "type=dummy"]);
    const packet = (src: string, dst: string, more: string) =>
      must(["ovs-appctl", "netdev-dummy/receive", "p1", `in_port(1),eth(src=${src},dst=${dst}),${more}`]);
    const ip =
      "eth_type(0x0800),ipv4(src=10.0.0.1,dst=10.0.0.2,proto=17,tos=0,ttl=64,frag=no),udp(src=1,dst=2)";
    // The bridge learns where p2's guest is, so that what goes there is not flooded.
    must(["ovs-ofctl", "add-flow", "br0", "priority=9,in_port=p1,dl_dst=fa:16:3e:00:00:02,actions=p2"]);
    for (let at = 0; at < 3; at++) packet("fa:16:3e:00:00:01", "fa:16:3e:00:00:02", ip);
    packet(
      "fa:16:3e:00:00:01",
      "ff:ff:ff:ff:ff:ff",
      "eth_type(0x0806),arp(sip=10.0.0.1,tip=10.0.0.2,op=1,sha=fa:16:3e:00:00:01,tha=00:00:00:00:00:00)",
    );
    const dump = must(["ovs-appctl", "dpctl/dump-flows", "-m", "dummy@ovs-dummy"]);
    const found = await findFlows(run, await look());
    assert.ok(found !== null && !isUnknown(found), JSON.stringify(found));
    assert.deepEqual([found.notUnderstood, found.cut], [0, null], dump);
    const seen = found.tallies.map(({ inPort, kind, to, offloaded }) => ({ inPort, kind, to, offloaded }));
    assert.deepEqual(
      seen.find(({ kind }) => kind === "traffic"),
      { inPort: "p1", kind: "traffic", to: ["p2"], offloaded: "no" },
      dump,
    );
    assert.deepEqual(seen.find(({ kind }) => kind === "arp")?.inPort, "p1", dump);
    assert.ok((found.tallies.find(({ kind }) => kind === "traffic")?.packets ?? 0) >= 2, dump);
  });

  test("its refusals are told in its own words", async () => {
    const refused = changeOvs(kernel(), { kind: "del-ovs-port", source, bridge: "nosuchbridge", port: "p1" });
    await assert.rejects(refused, /ovs-vsctl .*exit code 1: .*nosuchbridge/);
  });

  test("its database tells of ports and settings at once, and again after a restart", async () => {
    const heard: string[] = [];
    const until = async (what: string) => {
      for (let n = 0; n < 100 && !heard.includes(what); n++) await sleep(50);
      assert.ok(heard.includes(what), `${what}: heard ${heard.join("; ")}`);
    };
    using _monitor = monitorOvsdb({
      path: join(folder, "db.sock"),
      changed: (tables) => heard.push(...tables),
      reachable: (now) => heard.push(now ? "there" : "gone"),
    });
    await until("there");
    heard.length = 0;
    await sleep(200);
    assert.deepEqual(heard, []);
    must(["ovs-vsctl", "add-port", "br0", "p7", "--", "set", "interface", "p7", "type=dummy"]);
    for (const table of ["Bridge", "Port", "Interface"]) await until(table);
    must(["ovs-vsctl", "set", "Open_vSwitch", ".", "other_config:max-idle=20000"]);
    await until("Open_vSwitch");
    process.kill(Number(readFileSync(join(folder, "ovsdb-server.pid"), "utf8")), "SIGTERM");
    await until("gone");
    heard.length = 0;
    const socket = `unix:${join(folder, "db.sock")}`;
    for (let n = 0; n < 50 && existsSync(join(folder, "ovsdb-server.pid")); n++) await sleep(50);
    must([
      "ovsdb-server",
      join(folder, "conf.db"),
      `--remote=p${socket}`,
      "--pidfile",
      "--detach",
      "--log-file",
    ]);
    await until("there");
    must(["ovs-vsctl", "del-port", "br0", "p7"]);
    await until("Bridge");
  });
});
