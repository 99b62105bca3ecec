import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  attributes,
  bytes,
  flag,
  hardwareAddress,
  hex,
  i32,
  list,
  repeated,
  string,
  u8,
  u16,
  u32,
  u64,
} from "../../../src/netlink/transport/attributes.ts";
import { NetlinkFormatError } from "../../../src/netlink/transport/errors.ts";
import { processorTime } from "../../support/processor-time.ts";

const inner = attributes({ word: [1, string], number: [2, u16] });
const table = attributes({
  small: [1, u8],
  medium: [2, u16],
  large: [3, u32],
  signed: [4, i32],
  huge: [5, u64],
  text: [6, string],
  yes: [7, flag],
  data: [8, bytes],
  digits: [9, hex],
  mac: [10, hardwareAddress],
  nest: [11, inner],
  words: [12, list(1, string)],
  several: [13, repeated(inner)],
});

const noNul = fc.string({ unit: "grapheme" }).filter((text) => !text.includes("\0") && text.isWellFormed());
const hexPairs = (minLength: number) =>
  fc
    .array(fc.integer({ min: 0, max: 255 }), { minLength, maxLength: 20 })
    .map((list) => list.map((n) => n.toString(16).padStart(2, "0")));
const innerValue = fc.record(
  { word: noNul, number: fc.integer({ min: 0, max: 0xffff }) },
  { requiredKeys: [], noNullPrototype: true },
);
const value = fc.record(
  {
    small: fc.integer({ min: 0, max: 0xff }),
    medium: fc.integer({ min: 0, max: 0xffff }),
    large: fc.integer({ min: 0, max: 0xffff_ffff }),
    signed: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
    huge: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    text: noNul,
    yes: fc.constant(true),
    data: fc.uint8Array().map((array) => Buffer.from(array)),
    digits: hexPairs(0).map((pairs) => pairs.join("")),
    mac: hexPairs(1).map((pairs) => pairs.join(":")),
    nest: innerValue,
    words: fc.array(noNul),
    several: fc.array(innerValue, { minLength: 1 }),
  },
  { requiredKeys: [], noNullPrototype: true },
);

function encode(values: Parameters<typeof table.encode>[0]): Buffer {
  return Buffer.concat(table.encode(values));
}

test("what a table encodes it decodes to the same", () => {
  fc.assert(fc.property(value, (values) => assert.deepEqual(table.decode(encode(values)), values)));
});

test("attributes that the table does not name are skipped, wherever they stand", () => {
  const newer = attributes({ unheardOf: [999, bytes] });
  fc.assert(
    fc.property(value, fc.uint8Array(), (values, noise) => {
      const extra = Buffer.concat(newer.encode({ unheardOf: Buffer.from(noise) }));
      assert.deepEqual(table.decode(Buffer.concat([extra, encode(values), extra])), values);
    }),
  );
});

test("random bytes give a value or a NetlinkFormatError, nothing else", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (noise) => decodesOrRefuses(Buffer.from(noise))),
    { numRuns: 2000 },
  );
});

test("a cut or a flipped bit gives a value or a NetlinkFormatError, nothing else", () => {
  fc.assert(
    fc.property(value, fc.nat(), fc.nat(), (values, cut, flip) => {
      const whole = encode(values);
      decodesOrRefuses(whole.subarray(0, cut % (whole.length + 1)));
      if (whole.length > 0) {
        const at = flip % (whole.length * 8);
        whole.writeUInt8(whole.readUInt8(at >> 3) ^ (1 << (at & 7)), at >> 3);
        decodesOrRefuses(whole);
      }
    }),
    { numRuns: 2000 },
  );
});

function decodesOrRefuses(buffer: Buffer): void {
  try {
    table.decode(buffer);
  } catch (error) {
    assert.ok(error instanceof NetlinkFormatError, String(error));
  }
}

test("an attribute of length zero is refused, not read for ever", () => {
  assert.throws(() => table.decode(Buffer.alloc(64)), NetlinkFormatError);
});

test("a megabyte of the smallest attributes is read in linear time", () => {
  const smallest = Buffer.alloc(1 << 20);
  for (let at = 0; at < smallest.length; at += 4) {
    smallest.writeUInt16LE(4, at);
    smallest.writeUInt16LE(13, at + 2);
  }
  const start = processorTime();
  assert.equal(table.decode(smallest).several?.length, 1 << 18);
  assert.ok(processorTime() - start < 2000);
});

test("a wrong length is told with the path to the attribute", () => {
  const wrong = attributes({ nest: [11, attributes({ number: [2, u32] })] });
  assert.throws(
    () => table.decode(Buffer.concat(wrong.encode({ nest: { number: 1 } }))),
    new NetlinkFormatError("nest: number: 4 bytes where 2 are due"),
  );
});

test("an attribute that runs past the end of its nest is refused although the buffer goes on", () => {
  const buffer = encode({ nest: { number: 7 }, large: 1 });
  const nest = buffer.indexOf(Buffer.from([0x0b, 0x80])) - 2;
  buffer.writeUInt16LE(20, nest + 4);
  assert.throws(() => table.decode(buffer), /nest: attribute of 20 bytes where 8 are left/);
});

test("the nested and byte-order bits are no part of the type", () => {
  for (const bits of [0x8000, 0x4000, 0xc000]) {
    assert.deepEqual(table.decode(Buffer.from([6, 0, 2, bits >> 8, 0x34, 0x12, 0, 0])), { medium: 0x1234 });
  }
});

test("nests are marked as such and plain attributes are not", () => {
  assert.equal(encode({ nest: {} }).readUInt16LE(2), 0x8000 | 11);
  assert.equal(encode({ several: [{}] }).readUInt16LE(2), 0x8000 | 13);
  assert.equal(encode({ small: 1 }).readUInt16LE(2), 1);
});

test("text without its NUL ends where the attribute ends", () => {
  assert.deepEqual(table.decode(Buffer.from([6, 0, 6, 0, 0x65, 0x6e, 0x33, 0x34])), { text: "en" });
});

test("a false flag is an attribute that is not there", () => {
  assert.equal(encode({ yes: false }).length, 0);
});

test("what is no hardware address is refused rather than sent shortened", () => {
  for (const mac of [
    "",
    "02:00:00:00:00:0",
    "02-00-00-00-00-01",
    "zz:00:00:00:00:01",
    "02:00:00:00:00:01:",
  ]) {
    assert.throws(() => encode({ mac }), NetlinkFormatError, mac);
  }
});

test("a payload that does not fit into an attribute is refused", () => {
  assert.throws(() => encode({ data: Buffer.alloc(0xffff) }), NetlinkFormatError);
});
