import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { NetlinkError, NetlinkFormatError } from "../../../src/netlink/transport/errors.ts";
import {
  decodeMessages,
  decodeRefusal,
  encodeMessage,
  type Message,
} from "../../../src/netlink/transport/message.ts";

const uint = (bits: number) => fc.integer({ min: 0, max: 2 ** bits - 1 });
const message: fc.Arbitrary<Message> = fc.record(
  {
    type: uint(16),
    flags: uint(16),
    sequence: uint(32),
    port: uint(32),
    payload: fc.uint8Array({ maxLength: 100 }).map((array) => Buffer.from(array)),
  },
  { noNullPrototype: true },
);

test("a datagram of messages decodes to the messages", () => {
  fc.assert(
    fc.property(fc.array(message), (messages) => {
      assert.deepEqual(decodeMessages(Buffer.concat(messages.map(encodeMessage))), messages);
    }),
  );
});

test("random bytes give messages and a refusal, or a NetlinkFormatError, nothing else", () => {
  const noise = fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array));
  fc.assert(
    fc.property(noise, message, (bytes, fake) => {
      try {
        decodeMessages(bytes);
        for (const type of [2, 3]) decodeRefusal({ ...fake, type, payload: bytes }, "ask", bytes);
      } catch (error) {
        assert.ok(error instanceof NetlinkFormatError, String(error));
      }
    }),
    { numRuns: 3000 },
  );
});

test("a message of length zero is refused, not read for ever", () => {
  assert.throws(() => decodeMessages(Buffer.alloc(32)), /message of 0 bytes where 32 are left/);
});

test("a message that runs past the datagram is refused", () => {
  const bytes = encodeMessage({ type: 16, flags: 0, sequence: 1, port: 1, payload: Buffer.alloc(8) });
  assert.throws(() => decodeMessages(bytes.subarray(0, 20)), NetlinkFormatError);
});

const EBUSY = Buffer.from([0xf0, 0xff, 0xff, 0xff]);
const sentence = Buffer.from("\x0d\0\x01\0go away\0\0\0\0\0", "latin1").subarray(0, 16);
const ended = (type: number, flags: number, payload: Buffer): Message => ({
  type,
  flags,
  sequence: 1,
  port: 1,
  payload,
});

test("the kernel's sentence is found after a capped copy of the request", () => {
  const payload = Buffer.concat([EBUSY, Buffer.alloc(16), sentence]);
  const refusal = decodeRefusal(ended(2, 0x300, payload), "set mode", Buffer.alloc(0));
  assert.equal(refusal?.message, "set mode: EBUSY: go away");
  assert.equal(refusal?.extack, "go away");
});

test("the kernel's sentence is found after a whole copy of the request", () => {
  const copy = encodeMessage({ type: 16, flags: 0, sequence: 1, port: 1, payload: Buffer.alloc(6, 0xaa) });
  copy.writeUInt32LE(22, 0);
  const refusal = decodeRefusal(
    ended(2, 0x200, Buffer.concat([EBUSY, copy, sentence])),
    "set mode",
    Buffer.alloc(0),
  );
  assert.equal(refusal?.extack, "go away");
});

test("the kernel's sentence is found at the end of a dump", () => {
  const refusal = decodeRefusal(ended(3, 0x200, Buffer.concat([EBUSY, sentence])), "list", Buffer.alloc(0));
  assert.equal(refusal?.message, "list: EBUSY: go away");
});

test("what stands behind a refusal without the attribute flag is no sentence", () => {
  const payload = Buffer.concat([EBUSY, Buffer.alloc(16), sentence]);
  assert.equal(decodeRefusal(ended(2, 0x100, payload), "set mode", Buffer.alloc(0))?.extack, null);
});

test("the attribute that the kernel points at is named", () => {
  const sent = encodeMessage({
    type: 16,
    flags: 0,
    sequence: 1,
    port: 1,
    payload: Buffer.from([8, 0, 62, 0x80, 9, 0, 0, 0]),
  });
  const offset = Buffer.from([8, 0, 2, 0, 16, 0, 0, 0]);
  const refusal = decodeRefusal(
    ended(2, 0x300, Buffer.concat([EBUSY, Buffer.alloc(16), offset])),
    "set mode",
    sent,
  );
  assert.equal(refusal?.attribute, 62);
  assert.match(refusal?.message ?? "", /\(attribute 62\)$/);
});

test("an offset outside the request names no attribute", () => {
  const offset = Buffer.from([8, 0, 2, 0, 0xff, 0xff, 0xff, 0xff]);
  const refusal = decodeRefusal(
    ended(2, 0x300, Buffer.concat([EBUSY, Buffer.alloc(16), offset])),
    "ask",
    Buffer.alloc(32),
  );
  assert.equal(refusal?.attribute, null);
});

test("zero is success, at the end of a dump and as an ack", () => {
  assert.equal(decodeRefusal(ended(2, 0x100, Buffer.alloc(20)), "ask", Buffer.alloc(0)), null);
  assert.equal(decodeRefusal(ended(3, 0, Buffer.alloc(4)), "ask", Buffer.alloc(0)), null);
});

test("95 is called EOPNOTSUPP and an errno without a name keeps its number", () => {
  assert.equal(
    new NetlinkError({ request: "ask", errno: 95, extack: null, attribute: null }).code,
    "EOPNOTSUPP",
  );
  assert.match(
    new NetlinkError({ request: "ask", errno: 5000, extack: null, attribute: null }).message,
    /errno 5000/,
  );
});
