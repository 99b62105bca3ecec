import assert from "node:assert/strict";
import { test } from "node:test";
import { NetlinkClient } from "../../../src/netlink/transport/client.ts";
import { failure, NetlinkError, NetlinkFormatError } from "../../../src/netlink/transport/errors.ts";
import { decodeMessages, encodeMessage } from "../../../src/netlink/transport/message.ts";
import type { Transport } from "../../../src/netlink/transport/socket.ts";
import { acknowledge, done, fakeKernel, PORT, reply } from "../fake-kernel.ts";

const MULTI = 0x02;
const INTERRUPTED = 0x10;
const ask = { what: "ask", type: 16, payload: Buffer.alloc(0) };
const entry = (text: string) => Buffer.from(text.padEnd(4));
const texts = (payloads: readonly Buffer[]) => payloads.map((payload) => payload.toString().trim());

test("a dump is put together from all its datagrams and messages", () => {
  const kernel = fakeKernel((request) => [
    Buffer.concat([reply(request, 16, entry("a"), MULTI), reply(request, 16, entry("b"), MULTI)]),
    reply(request, 16, entry("c"), MULTI),
    done(request),
  ]);
  assert.deepEqual(texts(new NetlinkClient(kernel.open).dump(ask)), ["a", "b", "c"]);
});

test("a dump that the table's change interrupted is read again from the start", () => {
  let attempt = 0;
  const kernel = fakeKernel((request) => {
    attempt++;
    return [reply(request, 16, entry(`${attempt}`), MULTI | (attempt < 3 ? INTERRUPTED : 0)), done(request)];
  });
  assert.deepEqual(texts(new NetlinkClient(kernel.open).dump(ask)), ["3"]);
});

test("an interruption told only at the end of the dump counts", () => {
  let attempt = 0;
  const kernel = fakeKernel((request) => {
    attempt++;
    return [reply(request, 16, entry(`${attempt}`), MULTI), done(request, 0, attempt < 2 ? INTERRUPTED : 0)];
  });
  assert.deepEqual(texts(new NetlinkClient(kernel.open).dump(ask)), ["2"]);
});

test("a table that never stands still is an error that says so, after ten attempts", () => {
  const kernel = fakeKernel((request) => [
    reply(request, 16, entry("x"), MULTI | INTERRUPTED),
    done(request),
  ]);
  assert.throws(() => new NetlinkClient(kernel.open).dump(ask), {
    code: "EINTR",
    message: "ask: EINTR: the table changed while it was read, 10 times over",
  });
  assert.equal(kernel.requests.length, 10);
});

test("a dump whose answers were lost is read again over a new socket", () => {
  let attempt = 0;
  const kernel = fakeKernel((request) => {
    attempt++;
    return attempt === 1
      ? [reply(request, 16, entry("lost")), failure("receive", 105)]
      : [reply(request, 16, entry("kept")), done(request)];
  });
  assert.deepEqual(texts(new NetlinkClient(kernel.open).dump(ask)), ["kept"]);
  assert.deepEqual(kernel.sockets, { opened: 2, closed: 1 });
});

test("a dump whose answers are lost each time is an error after ten attempts", () => {
  const kernel = fakeKernel(() => [failure("receive", 105)]);
  assert.throws(() => new NetlinkClient(kernel.open).dump(ask), { code: "ENOBUFS" });
  assert.equal(kernel.requests.length, 10);
});

/** A kernel that goes on and on. @param sent is told of each datagram */
function endless(request: (bytes: Buffer) => Buffer, sent: () => void): () => Transport {
  return () => {
    let datagram: Buffer = Buffer.alloc(0);
    return {
      port: PORT,
      send: (bytes) => {
        datagram = request(bytes);
      },
      sendInThread: async () => {},
      receive: () => {
        sent();
        return datagram;
      },
      [Symbol.dispose]: () => {},
    };
  };
}

test("an answer that does not end is an error: by its bytes, or by its time, also over many attempts", () => {
  let count = 0;
  const part = (bytes: Buffer) =>
    reply(decodeMessages(bytes)[0] ?? assert.fail(), 16, Buffer.alloc(4080), MULTI);
  const client = new NetlinkClient(
    endless(part, () => count++),
    { bytes: 1024 * 1024, milliseconds: 60_000 },
  );
  for (const how of ["dump", "request"] as const) {
    count = 0;
    assert.throws(() => client[how](ask), {
      code: "EOVERFLOW",
      message: "ask: EOVERFLOW: receive: no end of the answer within 1048576 bytes",
    });
    assert.equal(count, 257);
  }
  // What is for somebody else counts too.
  const others = (bytes: Buffer) =>
    reply({ ...(decodeMessages(bytes)[0] ?? assert.fail()), sequence: 0 }, 16, Buffer.alloc(4), MULTI);
  const patient = new NetlinkClient(
    endless(others, () => {}),
    { bytes: 1e12, milliseconds: 50 },
  );
  const began = performance.now();
  assert.throws(() => patient.dump(ask), { code: "ETIMEDOUT", message: /no end of the answer within 50 ms/ });
  assert.ok(performance.now() - began < 15_000);
  const broken = fakeKernel((request) => [
    reply(request, 16, entry("x"), MULTI | INTERRUPTED),
    done(request),
  ]);
  assert.throws(() => new NetlinkClient(broken.open, { bytes: 1e12, milliseconds: -1 }).dump(ask), {
    code: "ETIMEDOUT",
  });
});

test("a request whose answer was lost is an error, and is not sent twice", () => {
  const kernel = fakeKernel(() => [failure("receive", 105)]);
  assert.throws(() => new NetlinkClient(kernel.open).request(ask), { code: "ENOBUFS" });
  assert.equal(kernel.requests.length, 1);
});

test("answers to another request, or to another socket, are dropped", () => {
  const kernel = fakeKernel((request) => [
    acknowledge({ ...request, sequence: request.sequence - 1 }, 16),
    encodeMessage({
      type: 2,
      flags: 0x100,
      sequence: request.sequence,
      port: PORT + 1,
      payload: Buffer.alloc(20, 0xff),
    }),
    encodeMessage({ type: 16, flags: 0, sequence: 0, port: 0, payload: entry("news") }),
    reply(request, 16, entry("mine")),
    acknowledge(request),
  ]);
  assert.deepEqual(texts(new NetlinkClient(kernel.open).request(ask)), ["mine"]);
});

test("a refusal leaves the socket in use", () => {
  const kernel = fakeKernel((request) => [acknowledge(request, request.sequence === 1 ? 16 : 0)]);
  const client = new NetlinkClient(kernel.open);
  assert.throws(() => client.request(ask), { code: "EBUSY" });
  assert.deepEqual(client.request(ask), []);
  assert.deepEqual(kernel.sockets, { opened: 1, closed: 0 });
});

test("a dump that fails in the middle gives the error, not half a table", () => {
  const kernel = fakeKernel((request) => [reply(request, 16, entry("a"), MULTI), done(request, 12)]);
  assert.throws(() => new NetlinkClient(kernel.open).dump(ask), { code: "ENOMEM" });
});

test("after a time-out the next request goes over a new socket", () => {
  let attempt = 0;
  const kernel = fakeKernel((request) =>
    ++attempt === 1 ? [failure("receive", 110, "no answer within 5 ms")] : [acknowledge(request)],
  );
  const client = new NetlinkClient(kernel.open);
  assert.throws(() => client.request(ask), {
    code: "ETIMEDOUT",
    message: "ask: ETIMEDOUT: receive: no answer within 5 ms",
  });
  assert.deepEqual(client.request(ask), []);
  assert.deepEqual(kernel.sockets, { opened: 2, closed: 1 });
});

test("a datagram that makes no sense is a NetlinkFormatError that names the request", () => {
  let attempt = 0;
  const kernel = fakeKernel((request) => (++attempt === 1 ? [Buffer.alloc(7)] : [acknowledge(request)]));
  const client = new NetlinkClient(kernel.open);
  assert.throws(
    () => client.request(ask),
    (error) => error instanceof NetlinkFormatError && error.message.startsWith("ask: "),
  );
  assert.deepEqual(client.request(ask), []);
});

test("an overrun message means lost answers", () => {
  const kernel = fakeKernel((request) => [reply(request, 4, Buffer.alloc(4))]);
  assert.throws(() => new NetlinkClient(kernel.open).request(ask), { code: "ENOBUFS" });
});

test("a closed client asks nothing and opens nothing", () => {
  const kernel = fakeKernel((request) => [acknowledge(request)]);
  const client = new NetlinkClient(kernel.open);
  client.close();
  assert.throws(
    () => client.request(ask),
    (error) => error instanceof NetlinkError && error.code === "EBADF",
  );
  assert.deepEqual(kernel.sockets, { opened: 1, closed: 1 });
});
