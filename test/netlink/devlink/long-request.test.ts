import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { carryOut } from "../../../src/netlink/index.ts";
import { acknowledge, genericKernel } from "../fake-kernel.ts";

/* Threads and the kernel are in kernel.test.ts; here it is what is asked, and how it ends. */

const request = { kind: "setEswitch", handle: "pci/0000:37:00.0", change: { mode: "switchdev" } } as const;
const SET_ESWITCH = 30;

test("a mode is set over a socket of its own, which is closed afterwards", async () => {
  const { open, sent, sockets } = genericKernel((_, message) => [acknowledge(message)]);
  sockets.opened = 0;
  await carryOut(request, { open });
  assert.equal(sent.at(-1)?.payload[0], SET_ESWITCH);
  assert.deepEqual(sockets, { opened: 1, closed: 1 });
});

test("a refusal is the kernel's", async () => {
  const { open, sockets } = genericKernel((_, message) => [acknowledge(message, 16)]);
  await assert.rejects(carryOut(request, { open }), { name: "NetlinkError", code: "EBUSY" });
  assert.equal(sockets.closed, 1);
});

test("a request that is stuck in the kernel does not hold the caller past its time, and keeps its socket until it ends", async () => {
  const { open, sockets } = genericKernel((_, message) => [acknowledge(message)]);
  const stuck = Promise.withResolvers<void>();
  const slow = () => {
    const transport = open();
    return {
      ...transport,
      sendInThread: (bytes: Buffer) => stuck.promise.then(() => transport.sendInThread(bytes)),
    };
  };
  await assert.rejects(carryOut(request, { open: slow, timeout: 20 }), {
    code: "ETIMEDOUT",
    message:
      "set eSwitch of pci/0000:37:00.0: ETIMEDOUT: no answer within 20 ms; the kernel may still be at work",
  });
  assert.equal(sockets.closed, 0);
  stuck.resolve();
  await sleep(1);
  assert.equal(sockets.closed, 1);
});
