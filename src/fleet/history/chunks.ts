import type { FleetError } from "../error.ts";
import type { Database } from "./database.ts";

/**
 * Texts under their content's hash, each once. A state is kept as what it has beyond another one, its base
 * (zstd with the base as dictionary): hosts of a fleet are alike, and a host is like itself a day ago. A base
 * has at most one base itself.
 */
export class Chunks {
  readonly #database: Database;
  readonly #zlib = process.getBuiltinModule("node:zlib");
  /** What was read or written last, by id: bases are needed again and again. */
  readonly #recent = new Map<number, Buffer>();
  #recentBytes = 0;

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
    text: Uint8Array,
    bases: readonly number[] = [],
  ): { readonly id: number; readonly base: number | null } {
    let best: { base: number | null; data: Buffer } | null = null;
    for (const base of [...bases, null]) {
      const data = this.#compressed(text, base === null ? undefined : this.get(base));
      if (best === null || data.length < best.data.length) best = { base, data };
      if (data.length < small) break;
    }
    if (best === null) throw new Error("a text is kept without a base at least");
    const { id } = this.#database.run(
      "INSERT INTO chunk (hash, base, size, data) VALUES (?, ?, ?, ?)",
      hash,
      best.base,
      text.length,
      best.data,
    );
    return { id, base: best.base };
  }

  /** @throws {FleetError} where the database does not hold what it should */
  get(id: number, depth = 0): Buffer {
    const known = this.#recent.get(id);
    if (known !== undefined) return known;
    const row = this.#database.one("SELECT base, size, data FROM chunk WHERE id = ?", id);
    if (row === undefined || !(row["data"] instanceof Uint8Array))
      throw this.#damaged(`chunk ${id} is missing`);
    const base = row["base"] === null ? null : Number(row["base"]);
    // A base is older than what was made of it, and has at most one itself.
    if (base !== null && (base >= id || depth > 1))
      throw this.#damaged(`chunk ${id} is made of chunk ${base}`);
    const size = Number(row["size"]);
    if (size > largest) throw this.#damaged(`chunk ${id} has ${size} bytes`);
    const dictionary = base === null ? undefined : this.get(base, depth + 1);
    const text = this.#decompressed(id, row["data"], size, dictionary);
    if (text.length !== size)
      throw this.#damaged(`chunk ${id} has ${text.length} bytes and should have ${size}`);
    // What is made of another text is hardly needed twice.
    if (base === null) this.#remember(id, text);
    return text;
  }

  /** Data that is not what it was has another checksum. */
  #decompressed(id: number, data: Uint8Array, size: number, dictionary: Buffer | undefined): Buffer {
    try {
      const options = {
        chunkSize: Math.max(size, 64),
        maxOutputLength: size + 1,
        ...(dictionary !== undefined && { dictionary }),
      };
      return this.#zlib.zstdDecompressSync(data, options);
    } catch (error) {
      throw this.#damaged(`chunk ${id}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  #damaged(what: string): FleetError {
    return this.#database.damaged(what);
  }

  #compressed(text: Uint8Array, dictionary?: Buffer): Buffer {
    return this.#zlib.zstdCompressSync(text, {
      params: { [this.#zlib.constants.ZSTD_c_checksumFlag]: 1 },
      chunkSize: outputSize,
      ...(dictionary !== undefined && { dictionary }),
    });
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

/** No text is larger: what a host says has a limit, and so has what is made of it. */
const largest = 64 * 1024 * 1024;

/** Bytes that are asked for at a time for what a compressed text takes: with a base it is less. */
const outputSize = 2048;

/** Bytes that are so few that no other base is tried. */
const small = 1500;

/** Bytes of texts that are remembered. */
const recentLimit = 8 * 1024 * 1024;
