import { type Database, FleetError } from "./database.ts";

/**
 * Texts under their content's hash, each once. A state is kept as what it has beyond another one, its base (zstd with the base as
 * dictionary): hosts of a fleet are alike, and a host is like itself a day ago. A base has at most one base itself.
 */
export class Chunks {
  readonly #database: Database;
  readonly #zlib = process.getBuiltinModule("node:zlib");
  readonly #crypto = process.getBuiltinModule("node:crypto");
  /** What was read or written last, by id: bases are needed again and again. */
  readonly #recent = new Map<number, Buffer>();
  #recentBytes = 0;

  constructor(database: Database) {
    this.#database = database;
  }

  hash(text: string | Buffer): Buffer {
    return this.#crypto.hash("sha256", text, "buffer").subarray(0, 20);
  }

  /** The id of a text that is there already. */
  find(hash: Buffer): number | null {
    const row = this.#database.one("SELECT id FROM chunk WHERE hash = ?", hash);
    return row === undefined ? null : Number(row["id"]);
  }

  /** Keeps a text. @param bases of which it may be made: that one is taken which leaves least to keep @returns its id */
  put(hash: Buffer, text: Buffer, bases: readonly number[] = []): { readonly id: number; readonly base: number | null } {
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
  get(id: number): Buffer {
    const known = this.#recent.get(id);
    if (known !== undefined) return known;
    const row = this.#database.one("SELECT base, size, data FROM chunk WHERE id = ?", id);
    if (row === undefined || !(row["data"] instanceof Uint8Array)) throw new FleetError(`the database has no chunk ${id}: it is damaged`);
    const dictionary = row["base"] === null ? undefined : this.get(Number(row["base"]));
    const size = Number(row["size"]);
    const text = this.#zlib.zstdDecompressSync(row["data"], {
      chunkSize: Math.max(size, 64),
      maxOutputLength: size + 1,
      ...(dictionary !== undefined && { dictionary }),
    });
    if (text.length !== size) throw new FleetError(`chunk ${id} has ${text.length} bytes and should have ${size}: the database is damaged`);
    this.#remember(id, text);
    return text;
  }

  #compressed(text: Buffer, dictionary?: Buffer): Buffer {
    return this.#zlib.zstdCompressSync(text, { ...(dictionary !== undefined && { dictionary }) });
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

/** Bytes that are so few that no other base is tried. */
const small = 1500;

/** Bytes of texts that are remembered. */
const recentLimit = 8 * 1024 * 1024;
