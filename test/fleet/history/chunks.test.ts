import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import fc from "fast-check";
import { FleetError } from "../../../src/fleet/error.ts";
import { alike } from "../../../src/fleet/history/alike.ts";
import { Chunks } from "../../../src/fleet/history/chunks.ts";
import { Database } from "../../../src/fleet/history/database.ts";
import { hashOf } from "../../../src/fleet/history/hash.ts";
import { roundsFrom } from "../../support/count.ts";
import { readGolden } from "../../support/golden.ts";

/** A text is read back as it was kept, whatever it has in common with its base. */

const folder = mkdtempSync(join(tmpdir(), "vflag-fleet-chunks-"));
after(() => rmSync(folder, { recursive: true }));
const database = Database.open(join(folder, "chunks.db"));
after(() => database.close());
const state = Buffer.from(JSON.stringify(readGolden("guests-run").state));

/** Keeps a text, and another one made of it. */
function keep(first: Buffer, second: Buffer): { readonly base: number; readonly made: number } {
  const chunks = new Chunks(database);
  const kept = (text: Buffer, bases: readonly number[]) => {
    const hash = hashOf(text);
    return chunks.find(hash) ?? chunks.put(hash, text, bases).id;
  };
  const base = kept(first, []);
  return { base, made: kept(second, [base]) };
}

/** A text in place of a part of another one. */
function spliced(text: Buffer, at: number, gone: number, come: string): Buffer {
  const from = at % (text.length + 1);
  return Buffer.concat([text.subarray(0, from), Buffer.from(come), text.subarray(from + gone)]);
}

/** What a chunk takes. */
function bytesOf(id: number): number {
  return Number(database.one("SELECT length(data) AS bytes FROM chunk WHERE id = ?", id)?.["bytes"]);
}

describe("what two texts have in common", () => {
  const cases: readonly (readonly [string, string, number, number])[] = [
    ["", "", 0, 0],
    ["", "abc", 0, 0],
    ["abc", "abc", 3, 0],
    ["aaaa", "aaa", 3, 0],
    ["abcabc", "abc", 3, 0],
    ["xabc", "yabc", 0, 3],
    ["one state of a host", "one state of that host", 13, 5],
  ];
  for (const [one, other, start, end] of cases)
    test(`${JSON.stringify(one)} and ${JSON.stringify(other)}: ${start} and ${end} bytes`, () => {
      assert.deepEqual(alike(Buffer.from(one), Buffer.from(other)), { start, end });
      assert.deepEqual(alike(Buffer.from(other), Buffer.from(one)), { start, end });
    });
});

describe("texts made of others", () => {
  test("are read back as they were kept", () => {
    const text = fc.constantFrom<Buffer>(
      state,
      Buffer.alloc(0),
      Buffer.from("abcabcabc"),
      Buffer.alloc(20_000, "ab"),
    );
    const edit = fc.record({ at: fc.nat(), gone: fc.nat(6000), come: fc.string({ maxLength: 200 }) });
    fc.assert(
      fc.property(text, fc.array(edit, { minLength: 1, maxLength: 3 }), (first, edits) => {
        let second = first;
        for (const { at, gone, come } of edits) second = spliced(second, at, gone, come);
        const { base, made } = keep(first, second);
        const read = new Chunks(database);
        assert.deepEqual([read.get(base), read.get(made)], [first, second]);
      }),
      { numRuns: roundsFrom("PROPERTY_RUNS", 100, 400) },
    );
  });

  test("take the bytes that are not the same, wherever these are", () => {
    for (const at of [100, state.length >> 1, state.length - 100]) {
      const { made: changed } = keep(state, spliced(state, at, 5, `now ${at}`));
      assert.ok(bytesOf(changed) < 60, `${bytesOf(changed)} bytes for a word at ${at}`);
      const again = state.subarray(at, at + 1000).toString();
      const { made: more } = keep(state, spliced(state, at + 1000, 0, again));
      assert.ok(bytesOf(more) < 150, `${bytesOf(more)} bytes for what stands before ${at + 1000} already`);
    }
  });

  test("that claim more of their base than it has are damage", () => {
    const { base, made } = keep(state, spliced(state, 500, 9, "other"));
    const wrong: readonly (readonly [number, number])[] = [
      [state.length, 1],
      [-1, 0],
      [0, -1],
      [499, state.length],
      [501, 0],
    ];
    for (const [start, end] of wrong) {
      database.run("UPDATE chunk SET same_start = ?, same_end = ? WHERE id = ?", start, end, made);
      assert.throws(() => new Chunks(database).get(made), FleetError, `${start} and ${end} of chunk ${base}`);
    }
  });
});
