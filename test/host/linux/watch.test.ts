import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { HostEvent, Part } from "../../../src/host/events.ts";
import { ProgramError } from "../../../src/host/linux/system/program.ts";
import { LinuxWatch } from "../../../src/host/linux/watch.ts";
import { pciAddress } from "../../../src/host/state/values.ts";
import { NetlinkError } from "../../../src/netlink/index.ts";
import { GenericNetlink } from "../../../src/netlink/transport/generic.ts";
import type { EventTransport } from "../../../src/netlink/transport/socket.ts";
import { acknowledge, fakeKernel as answering } from "../../netlink/fake-kernel.ts";
import { fakeKernel, fakeNetlink, pciLink } from "./fake-kernel.ts";
import { connectX5, makeTree } from "./tree.ts";

const pf = pciAddress("0000:37:00.0");

/** A made-up machine with one port, and what its sockets will say. */
function machine(t: TestContext, said: Partial<Record<string, (Buffer | Error)[]>> = {}) {
  const root = makeTree(t, {
    sys: { "bus/pci/devices": connectX5(pf) },
    dev: { kmsg: "6,1,1,-;boot\n" },
    run: {},
  });
  const links = [pciLink(4, "ens3f0", pf)];
  const netlink = fakeNetlink({ links });
  const started: string[] = [];
  const run = (argv: readonly string[]) => {
    started.push(argv[0] ?? "");
    return Promise.reject(new ProgramError("ENOENT", `${argv[0]}: no such program in this test`));
  };
  const open = (protocol: string): EventTransport => ({
    join: () => {},
    receiveNow: () => {
      const next = said[protocol]?.shift() ?? null;
      if (next instanceof Error) throw next;
      return next;
    },
    [Symbol.dispose]: () => {},
  });
  const generic = () => new GenericNetlink(answering((request) => [acknowledge(request, 2)]).open);
  const kernel = fakeKernel(root, netlink, { run, devRoot: join(root, "dev") });
  const watch = LinuxWatch.open({ ...kernel, firmwareTool: null, kernelEvents: { open, generic } });
  t.after(() => watch[Symbol.dispose]());
  return { root, watch, links, started };
}

const look = (watch: LinuxWatch, parts: Part[], before?: Awaited<ReturnType<LinuxWatch["look"]>>) =>
  watch.look(new Set(parts), before);

describe("this machine, watched", () => {
  test("after an event about NICs no program is started, and all else stays as it was", async (t) => {
    const { watch, links, started } = machine(t);
    const before = await look(watch, ["everything"]);
    assert.ok(started.length > 0);
    started.length = 0;
    links[0] = { ...pciLink(4, "ens3f0", pf), lowerUp: false };
    const after = await look(watch, ["nics"], before);
    assert.deepEqual(started, []);
    assert.equal(before.netdevs[0]?.carrier, true);
    assert.equal(after.netdevs[0]?.carrier, false);
    const { observedAt: _a, netdevs: _b, ...restBefore } = before;
    const { observedAt: _c, netdevs: _d, ...restAfter } = after;
    assert.deepEqual(restAfter, restBefore);
  });

  test("after an event of Open vSwitch only its programs are started, and without a state everything is looked at", async (t) => {
    const { watch, started } = machine(t);
    const before = await look(watch, ["nics"]);
    assert.ok(started.includes("systemctl"), started.join());
    started.length = 0;
    await look(watch, ["ovs"], before);
    assert.ok(
      started.length > 0 &&
        started.every((program) => ["ovs-appctl", "ovs-vsctl", "podman", "docker"].includes(program)),
      started.join(),
    );
  });

  test("devices that have nothing to do with NICs are no reason to look; lost messages are one to look at everything", (t) => {
    const uevent = (subsystem: string) => Buffer.from(`add@/devices/x\0ACTION=add\0SUBSYSTEM=${subsystem}\0`);
    const lost = new NetlinkError({ request: "receive", errno: 105, extack: null, attribute: null });
    const { watch } = machine(t, { uevent: [uevent("block"), uevent("queues"), uevent("pci"), lost] });
    const heard: HostEvent[] = [];
    using _events = watch.listen((event) => heard.push(event));
    const [nics, everything, ...missing] = heard;
    assert.deepEqual(nics, { parts: ["nics"] });
    assert.deepEqual([everything?.parts, everything?.notice?.kind], [["everything"], "lost"]);
    assert.deepEqual(
      missing.map(({ parts, notice }) => [parts, notice?.text]),
      [
        [[], "this kernel tells nothing of devlink: looked at in intervals only"],
        [[], "this kernel tells nothing of ethtool: looked at in intervals only"],
      ],
    );
  });

  test("Open vSwitch's database is heard where it has its socket", async (t) => {
    const { watch, root } = machine(t);
    mkdirSync(join(root, "run/openvswitch"));
    const server = createServer((client) => {
      client.on("error", () => {});
      client.once("data", () =>
        client.write(
          '{"id":"monitor","result":{},"error":null}{"id":null,"method":"update","params":[null,{"Port":{}}]}',
        ),
      );
    });
    await new Promise<void>((resolve) => server.listen(join(root, "run/openvswitch/db.sock"), resolve));
    t.after(() => server.close());
    const heard: HostEvent[] = [];
    using _events = watch.listen((event) => heard.push(event));
    for (let n = 0; n < 1000 && heard.filter(({ parts }) => parts.length > 0).length < 2; n++)
      await sleep(10);
    assert.deepEqual(
      heard.filter(({ parts }) => parts.length > 0),
      [
        { parts: ["ovs"], notice: { kind: "source", text: "Open vSwitch's database is heard" } },
        { parts: ["ovs"] },
      ],
    );
  });
});
