import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { compressed, decompress } from "../../../src/fleet/history/zstd.ts";
import { readGolden } from "../../support/golden.ts";

/** zstd as it is called here, and as Node calls it: one can read what the other has made. */

const state = Buffer.from(JSON.stringify(readGolden("ovs-works").state));
const like = Buffer.from(state.toString().replaceAll("24:8a:07:", "24:8a:08:"));
const cases: Readonly<Record<string, readonly [text: Buffer, prefix: Buffer]>> = {
  "a state": [state, Buffer.alloc(0)],
  "a state that is like another one": [state, like],
  "a state that is the same as another one": [state, state],
  "an empty text": [Buffer.alloc(0), Buffer.alloc(0)],
  "an empty text with a prefix": [Buffer.alloc(0), like],
  "a text that is shorter than what it is like": [state.subarray(0, 5), like],
  "two megabytes": [Buffer.alloc(2_000_000, state), like],
};
const params = { [constants.ZSTD_c_checksumFlag]: 1 };
const dictionaryOf = (prefix: Buffer) => (prefix.length === 0 ? {} : { dictionary: prefix });

describe("zstd", () => {
  for (const [name, [text, prefix]] of Object.entries(cases))
    test(`${name}: read back, and by the other`, () => {
      // From the second time on a prefix is there already.
      const data = [1, 2, 3].map(() => Buffer.from(compressed(text, prefix)));
      for (const made of data) assert.deepEqual(zstdDecompressSync(made, dictionaryOf(prefix)), text);
      for (const made of [...data, zstdCompressSync(text, { params, ...dictionaryOf(prefix) })]) {
        const into = Buffer.alloc(text.length);
        decompress(made, into, prefix);
        assert.deepEqual(into, text);
      }
    });

  test("a prefix that comes again saves time and no bytes, and many of them are not kept", () => {
    const prefixes = Array.from({ length: 20 }, (_, index) =>
      Buffer.from(like.toString().replaceAll("24:8a:08:", `24:8a:${index + 10}:`)),
    );
    const once = prefixes.map((prefix) => compressed(state, Buffer.from(prefix)).length);
    for (let round = 0; round < 4; round++)
      for (const [index, prefix] of prefixes.entries()) {
        const data = Buffer.from(compressed(state, prefix));
        const bytes = once[index] ?? 0;
        assert.ok(data.length <= bytes + 20, `${data.length} bytes, and ${bytes} with a prefix that is new`);
        assert.deepEqual(zstdDecompressSync(data, { dictionary: prefix }), state);
      }
  });

  test("what is damaged, longer or shorter, or of another prefix is refused, and the next text is read", () => {
    const data = Buffer.from(compressed(state, like));
    const into = Buffer.alloc(state.length);
    let refused = 0;
    for (let bit = 0; bit < data.length * 8; bit++) {
      const damaged = Buffer.from(data);
      damaged.writeUInt8(damaged.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      into.fill(0);
      try {
        decompress(damaged, into, like);
        // A bit of the header that means nothing.
        assert.deepEqual(into, state, `bit ${bit}`);
      } catch (error) {
        if (error instanceof assert.AssertionError) throw error;
        refused += 1;
      }
    }
    assert.ok(refused > data.length * 7, `${refused} of ${data.length * 8} refused`);
    assert.throws(() => decompress(data.subarray(0, -1), into, like), Error);
    assert.throws(() => decompress(data, Buffer.alloc(state.length - 1), like), Error);
    assert.throws(
      () => decompress(data, Buffer.alloc(state.length + 1), like),
      /bytes, and \d+ are expected/,
    );
    assert.throws(() => decompress(data, into, Buffer.alloc(0)), Error);
    assert.throws(() => decompress(data, into, state.subarray(10)), Error);
    decompress(data, into, like);
    assert.deepEqual(into, state);
  });
});
