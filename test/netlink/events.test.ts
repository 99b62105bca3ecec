import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { deviceEvent } from "../../src/netlink/events.ts";
import { type KernelEvent, NetlinkError, openKernelEvents } from "../../src/netlink/index.ts";
import { GenericNetlink } from "../../src/netlink/transport/generic.ts";
import type { EventTransport } from "../../src/netlink/transport/socket.ts";
import type { Seen } from "./events-in-namespace.ts";
import { acknowledge, fakeKernel, reply } from "./fake-kernel.ts";

const run = promisify(execFile);

describe("events of the running kernel", {
  skip: process.getuid?.() === 0 ? false : "needs root, to make a network namespace",
}, () => {
  let seen: Seen;

  before(async () => {
    const script = fileURLToPath(new URL("./events-in-namespace.ts", import.meta.url));
    const node = [process.execPath, "--disable-warning=ExperimentalWarning", "--expose-gc", script];
    const { stdout } = await run("unshare", ["-n", ...node], { timeout: 60_000 });
    seen = JSON.parse(stdout);
  });

  const links = (events: readonly KernelEvent[], name: string) =>
    events.filter((event) => event.kind === "link" && event.name === name);

  test("a link that appears is told by rtnetlink, and as a device", () => {
    assert.ok(links(seen.appeared, "v0").length > 0);
    const added = seen.appeared.filter(
      (event) => event.kind === "device" && event.action === "add" && event.path.endsWith("/net/v0"),
    );
    assert.equal(added.length, 1);
  });

  test("a link that changes and goes is told by its index and name", () => {
    const [change] = links(seen.changed, "v0");
    assert.ok(change?.kind === "link" && change.index > 1 && !change.gone);
    assert.ok(seen.gone.some((event) => event.kind === "link" && event.index === change.index && event.gone));
  });

  test("a qdisc that is added is told", (t) => {
    if (seen.qdisc.length === 0) return t.skip("this kernel has no clsact, or there is no tc");
    assert.ok(seen.qdisc.some((event) => event.kind === "qdisc"));
  });

  test("where nothing happens nothing is heard, and nothing is spent", () => {
    assert.deepEqual(seen.quiet, []);
    assert.ok(seen.spent < 250_000, `${seen.spent} us of a processor in 1.3 s`);
  });

  test("events that did not fit into the socket's buffer are lost, which is said, and the next ones are heard", () => {
    assert.ok(seen.lost.some((event) => event.kind === "lost" && event.what === "links"));
    assert.ok(seen.afterLoss.length > 0);
    assert.ok(seen.afterLoss.every((event) => event.kind !== "lost"));
  });

  test("memory does not grow with the number of events", () => {
    const [first = 0] = seen.memory.slice(1);
    const last = seen.memory.at(-1) ?? 0;
    assert.ok(
      last - first < 1024 * 1024,
      `heap: ${seen.memory.map((bytes) => `${(bytes / 1024).toFixed(0)} KiB`).join(", ")}`,
    );
  });
});

/** Sockets that have these datagrams or errors, and a kernel whose families have these groups. */
function fake(
  queues: Partial<Record<string, (Buffer | Error)[]>>,
  families: Record<string, Record<string, number>>,
) {
  const joined: string[] = [];
  const closed: string[] = [];
  const open = (protocol: string): EventTransport => ({
    join: (group) => void joined.push(`${protocol} ${group}`),
    receiveNow: () => {
      const next = queues[protocol]?.shift() ?? null;
      if (next instanceof Error) throw next;
      return next;
    },
    [Symbol.dispose]: () => void closed.push(protocol),
  });
  const kernel = fakeKernel((request) => {
    const name = request.payload.toString("utf8", 8).replace(/\0.*$/s, "");
    const groups = families[name];
    return groups === undefined
      ? [acknowledge(request, 2)]
      : [reply(request, 0x10, family(groups)), acknowledge(request)];
  });
  return { joined, closed, options: { open, generic: () => new GenericNetlink(kernel.open) } };
}

const attribute = (type: number, payload: Buffer) => {
  const head = Buffer.alloc(4);
  head.writeUInt16LE(4 + payload.length, 0);
  head.writeUInt16LE(type, 2);
  return Buffer.concat([head, payload, Buffer.alloc(-payload.length & 3)]);
};

function family(groups: Record<string, number>): Buffer {
  const id = Buffer.from([99, 0]);
  const list = Object.entries(groups).map(([name, number], index) =>
    attribute(
      index + 1,
      Buffer.concat([attribute(2, Buffer.from([number, 0, 0, 0])), attribute(1, Buffer.from(`${name}\0`))]),
    ),
  );
  return Buffer.concat([Buffer.from([1, 2, 0, 0]), attribute(1, id), attribute(7, Buffer.concat(list))]);
}

test("the groups of devlink and ethtool are found by their names, whatever their numbers are", () => {
  const { joined, closed, options } = fake(
    {},
    { devlink: { other: 5, config: 77 }, ethtool: { monitor: 12 } },
  );
  const events = openKernelEvents(() => {}, options);
  assert.deepEqual(joined, ["route 1", "route 4", "uevent 1", "generic 77", "generic 12"]);
  assert.deepEqual(events.missing, []);
  events[Symbol.dispose]();
  assert.deepEqual(closed.toSorted(), ["generic", "generic", "route", "uevent"]);
});

test("a kernel without devlink is heard all the same, and what is missing is said", () => {
  const { joined, options } = fake({}, { ethtool: { monitor: 12 } });
  using events = openKernelEvents(() => {}, options);
  assert.deepEqual(joined.at(-1), "generic 12");
  assert.deepEqual(events.missing, ["this kernel tells nothing of devlink"]);
});

test("what was lost, and what makes no sense, is an event; what comes after it is heard", () => {
  const lost = new NetlinkError({ request: "receive", errno: 105, extack: null, attribute: null });
  const bind = Buffer.from(
    "bind@/devices/pci0000:36/0000:37:00.2\0ACTION=bind\0SUBSYSTEM=pci\0SEQNUM=4711\0",
  );
  const heard: KernelEvent[] = [];
  const { options } = fake({ uevent: [lost, bind], route: [Buffer.from("nonsense")] }, {});
  using _events = openKernelEvents((event) => heard.push(event), options);
  assert.deepEqual(heard, [
    { kind: "lost", what: "links" },
    { kind: "lost", what: "devices" },
    { kind: "device", action: "bind", subsystem: "pci", path: "/devices/pci0000:36/0000:37:00.2" },
  ]);
});

test("a kernel that tells without end keeps nothing else from being done, and is no longer heard when nobody listens", async () => {
  const { options } = fake({}, {});
  const bind = Buffer.from("bind@/devices/pci0000:36/0000:37:00.2\0ACTION=bind\0SUBSYSTEM=pci\0");
  let told = 0;
  const open = (protocol: string): EventTransport => ({
    ...options.open(protocol),
    receiveNow: () => {
      if (protocol !== "uevent") return null;
      told += 1;
      return bind;
    },
  });
  let heard = 0;
  const events = openKernelEvents(() => heard++, { ...options, open });
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setTimeout(resolve, 1));
  assert.ok(heard > 1000, `${heard} heard`);
  events[Symbol.dispose]();
  const before = told;
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(told, before);
});

test("what is no uevent of the kernel is none", () => {
  for (const bytes of [Buffer.from("libudev\0\xfe\xed\xca\xfe"), Buffer.alloc(0), Buffer.from("@/devices/x")])
    assert.equal(deviceEvent(bytes), null);
});
