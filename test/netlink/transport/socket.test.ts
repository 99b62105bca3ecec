import assert from "node:assert/strict";
import { test } from "node:test";
import type { Libc } from "../../../src/netlink/transport/libc.ts";
import { openSocket } from "../../../src/netlink/transport/socket.ts";

const EINTR = 4;
const EAGAIN = 11;
const ENOBUFS = 105;
const PEEK = 0x02;
const TRUNC = 0x20;

interface Datagram {
  readonly bytes: Buffer;
  /** nl_pid of the sender; 0 is the kernel. */
  readonly sender: number;
}

/** A libc whose socket holds these datagrams; a number is an errno that the next call fails with. */
function fakeLibc(queue: (Datagram | number)[], sendErrors: number[] = []) {
  let errno = 0;
  const fail = (number: number) => {
    errno = number;
    return -1n;
  };
  const sent: Buffer[] = [];
  const closed: number[] = [];
  const options: string[] = [];
  const libc: Libc = {
    socket: () => 7,
    bind: () => 0,
    getsockname(_fd, address) {
      address.writeUInt32LE(4711, 4);
      return 0;
    },
    setsockopt(_fd, level, option, value) {
      options.push(`${level}/${option}=${value.toString("hex")}`);
      return 0;
    },
    send(_fd, bytes) {
      const error = sendErrors.shift();
      if (error !== undefined) return fail(error);
      sent.push(Buffer.from(bytes));
      return BigInt(bytes.length);
    },
    recvfrom(_fd, bytes, length, flags, address) {
      const next = queue[0];
      if (next === undefined) return fail(EAGAIN);
      if (typeof next === "number") {
        queue.shift();
        return fail(next);
      }
      if ((flags & PEEK) === 0) queue.shift();
      address.writeUInt16LE(16, 0);
      address.writeUInt32LE(next.sender, 4);
      const copied = bytes === null ? 0 : next.bytes.copy(bytes, 0, 0, Number(length));
      return BigInt((flags & TRUNC) !== 0 ? next.bytes.length : copied);
    },
    ioctl: () => -1,
    close(fd) {
      closed.push(fd);
      return 0;
    },
    errno: () => errno,
    address: () => 0n,
  };
  return { libc, sent, closed, options };
}

const fromKernel = (bytes: Buffer): Datagram => ({ bytes, sender: 0 });

test("receiving goes on after a signal", () => {
  const { libc } = fakeLibc([EINTR, EINTR, fromKernel(Buffer.from("answer"))]);
  assert.equal(openSocket("route", { libc }).receive().toString(), "answer");
});

test("sending goes on after a signal", () => {
  const { libc, sent } = fakeLibc([], [EINTR]);
  openSocket("route", { libc }).send(Buffer.from("request"));
  assert.deepEqual(sent.map(String), ["request"]);
});

test("a datagram larger than any before arrives whole", () => {
  const large = Buffer.alloc(300_000, "x");
  const { libc } = fakeLibc([fromKernel(large), fromKernel(Buffer.from("small"))]);
  const socket = openSocket("route", { libc });
  assert.ok(socket.receive().equals(large));
  assert.equal(socket.receive().toString(), "small");
});

test("a datagram is not changed by the next one", () => {
  const { libc } = fakeLibc([fromKernel(Buffer.from("first")), fromKernel(Buffer.from("other"))]);
  const socket = openSocket("route", { libc });
  const first = socket.receive();
  socket.receive();
  assert.equal(first.toString(), "first");
});

test("datagrams of other processes are dropped", () => {
  const { libc } = fakeLibc([{ bytes: Buffer.from("forged"), sender: 666 }, fromKernel(Buffer.from("true"))]);
  assert.equal(openSocket("route", { libc }).receive().toString(), "true");
});

test("silence is a time-out that says how long it took", () => {
  const { libc, options } = fakeLibc([]);
  const socket = openSocket("generic", { libc, receiveTimeout: 1500 });
  assert.throws(() => socket.receive(), {
    code: "ETIMEDOUT",
    message: "receive from generic netlink socket: ETIMEDOUT: no answer within 1500 ms",
  });
  assert.equal(options[0], `1/20=${"0100000000000000"}${"20a1070000000000"}`);
});

test("a full receive queue is told as ENOBUFS", () => {
  const { libc } = fakeLibc([ENOBUFS]);
  assert.throws(() => openSocket("route", { libc }).receive(), { code: "ENOBUFS" });
});

test("the socket asks for sentences, short acks and strict checks", () => {
  const { libc, options } = fakeLibc([]);
  openSocket("route", { libc });
  assert.deepEqual(options.slice(1), ["270/11=01000000", "270/10=01000000", "270/12=01000000"]);
});

test("a kernel without those options does no harm", () => {
  const { libc } = fakeLibc([fromKernel(Buffer.from("answer"))]);
  const old: Libc = { ...libc, setsockopt: (_fd, level) => (level === 270 ? -1 : 0) };
  assert.equal(openSocket("route", { libc: old }).receive().toString(), "answer");
});

test("a socket that cannot be bound is closed", () => {
  const { libc, closed } = fakeLibc([]);
  assert.throws(() => openSocket("route", { libc: { ...libc, bind: () => -1, errno: () => 13 } }), {
    code: "EACCES",
  });
  assert.deepEqual(closed, [7]);
});

test("a socket closes once, and a closed one says so", () => {
  const { libc, closed } = fakeLibc([]);
  const socket = openSocket("route", { libc });
  socket[Symbol.dispose]();
  socket[Symbol.dispose]();
  assert.deepEqual(closed, [7]);
  assert.throws(() => socket.receive(), { code: "EBADF" });
});
