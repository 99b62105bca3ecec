import type { FleetError } from "../error.ts";
import { type Alike, alike } from "./alike.ts";
import type { Database } from "./database.ts";
import { compressed, decompress } from "./zstd.ts";

/**
 * Texts under their content's hash, each once. A state is kept as what it has beyond another one, its base:
 * hosts of a fleet are alike, and a host is like itself a day ago. Where a text begins and ends as its base
 * does, only the bytes between are kept, compressed by zstd with what the base has there as its dictionary.
 * A base has at most one base itself.
 */
export class Chunks {
  readonly #database: Database;
  /** What was read or written last, by id: bases are needed again and again. */
  readonly #recent = new Map<number, Buffer>();
  #recentBytes = 0;
  /**
   * Where a text is read that is only looked at: new memory for each is much for the collector of garbage.
   */
  #scratch = nothing;

  constructor(database: Database) {
    this.#database = database;
  }

  /** The id of a text that is there already. */
  find(hash: Uint8Array): number | null {
    const row = this.#database.one("SELECT id FROM chunk WHERE hash = ?", hash);
    return row === undefined ? null : Number(row["id"]);
  }

  /**
   * Keeps a text.
   * @param bases of which it may be made: that one is taken which leaves least to keep
   * @returns its id
   */
  put(
    hash: Uint8Array,
    text: Buffer,
    bases: readonly number[] = [],
  ): { readonly id: number; readonly base: number | null } {
    let best: Packed | null = null;
    for (const base of [...bases, null]) {
      const packed = this.#packed(text, base);
      if (best === null || packed.data.length < best.data.length) best = packed;
      if (packed.data.length < small) break;
    }
    if (best === null) throw new Error("a text is kept without a base at least");
    const { base, start, end, data } = best;
    const sql = "INSERT INTO chunk (hash, base, same_start, same_end, size, data) VALUES (?, ?, ?, ?, ?, ?)";
    const { id } = this.#database.run(sql, hash, base, start, end, text.length, data);
    return { id, base };
  }

  #packed(text: Buffer, base: number | null): Packed {
    const other = base === null ? nothing : this.#read(base, 0, (size) => this.#scratchFor(size));
    const same = alike(other, text);
    const middle = text.subarray(same.start, text.length - same.end);
    return { base, ...same, data: Buffer.from(compressed(middle, dictionaryOf(other, same))) };
  }

  /** @throws {FleetError} where the database does not hold what it should */
  get(id: number): Buffer {
    return this.#read(id, 0, Buffer.allocUnsafeSlow);
  }

  /** @param memory where to, unless the text is remembered */
  #read(id: number, depth: number, memory: (size: number) => Buffer): Buffer {
    const known = this.#recent.get(id);
    if (known !== undefined) return known;
    const sql = "SELECT base, same_start, same_end, size, data FROM chunk WHERE id = ?";
    const row = this.#database.one(sql, id);
    if (row === undefined || !(row["data"] instanceof Uint8Array))
      throw this.#damaged(`chunk ${id} is missing`);
    const base = row["base"] === null ? null : Number(row["base"]);
    // A base is older than what was made of it, and has at most one itself.
    if (base !== null && (base >= id || depth > 1))
      throw this.#damaged(`chunk ${id} is made of chunk ${base}`);
    const size = Number(row["size"]);
    if (size > largest) throw this.#damaged(`chunk ${id} has ${size} bytes`);
    const other = base === null ? nothing : this.#read(base, depth + 1, Buffer.allocUnsafeSlow);
    const same = { start: Number(row["same_start"]), end: Number(row["same_end"]) };
    if (!(same.start >= 0 && same.end >= 0 && same.start + same.end <= Math.min(other.length, size)))
      throw this.#damaged(`chunk ${id} has ${same.start} and ${same.end} bytes of chunk ${base}`);
    const text = base === null ? Buffer.allocUnsafeSlow(size) : memory(size);
    const middle = text.subarray(same.start, size - same.end);
    other.copy(text, 0, 0, same.start);
    other.copy(text, size - same.end, other.length - same.end);
    try {
      decompress(row["data"], middle, dictionaryOf(other, same));
    } catch (error) {
      throw this.#damaged(`chunk ${id}: ${error instanceof Error ? error.message : String(error)}`);
    }
    // What is made of another text is hardly needed twice.
    if (base === null) this.#remember(id, text);
    return text;
  }

  #scratchFor(size: number): Buffer {
    if (size > this.#scratch.length) this.#scratch = Buffer.allocUnsafeSlow(2 * size);
    return this.#scratch.subarray(0, size);
  }

  #damaged(what: string): FleetError {
    return this.#database.damaged(what);
  }

  #remember(id: number, text: Buffer): void {
    this.#recent.set(id, text);
    this.#recentBytes += text.length;
    for (const [oldest, { length }] of this.#recent) {
      if (this.#recentBytes <= recentLimit) break;
      this.#recent.delete(oldest);
      this.#recentBytes -= length;
    }
  }
}

const nothing = Buffer.alloc(0);

/** What a text is kept as. */
interface Packed extends Alike {
  readonly base: number | null;
  readonly data: Buffer;
}

/**
 * What a base has where a text is not the same, and some bytes before that: what was added there is often
 * like them. All of it where that is most of it: as a dictionary it is then ready for the next text too. How
 * many bytes these are is part of what is in databases.
 */
function dictionaryOf(base: Buffer, { start, end }: Alike): Buffer {
  if (start < context && end < context) return base;
  return base.subarray(Math.max(0, start - context), base.length - end);
}

const context = 4096;

/** No text is larger: what a host says has a limit, and so has what is made of it. */
const largest = 64 * 1024 * 1024;

/** Bytes that are so few that no other base is tried. */
const small = 1500;

/** Bytes of texts that are remembered. */
const recentLimit = 8 * 1024 * 1024;
