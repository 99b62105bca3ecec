import type { Prepared } from "../reading/prepare.ts";
import type { Chunks } from "./chunks.ts";
import type { Database } from "./database.ts";
import { hashOf } from "./hash.ts";

/** When a report came, by the collector's clock. */
export interface Came {
  readonly collected: number;
  /** The host was asked just now: what its own clock says does not matter. */
  readonly justAsked?: boolean;
  /** A saved state is not newer than this. */
  readonly notAfter?: number;
}

/** A host's row; the keyframe is the state that its later ones are made of. */
interface Host {
  readonly id: number;
  readonly keyframe: number | null;
}

/** How observations come into the database. */
export class Keeping {
  readonly #database: Database;
  readonly #chunks: Chunks;
  readonly #judge: string;
  /**
   * Ids of texts, and of patterns by likeness, that this transaction has seen: most hosts have the same.
   * After it another process may remove them.
   */
  #seen: { readonly texts: Map<string, number>; readonly patterns: Map<string, number> } | null = null;

  /** @param judge the version of vflag that judges */
  constructor(database: Database, chunks: Chunks, judge: string) {
    this.#database = database;
    this.#chunks = chunks;
    this.#judge = judge;
  }

  /** Several reports in one go: all of them are kept, or none. */
  together<T>(work: () => T): T {
    return this.#database.transaction(() => {
      this.#seen ??= { texts: new Map(), patterns: new Map() };
      try {
        return work();
      } finally {
        this.#seen = null;
      }
    });
  }

  /** Keeps what a host told, whole or not at all. @returns `known`: this very observation is there already */
  report(
    { host: name, clock, text, hash, likeness, spec, judged }: Prepared,
    { collected, justAsked = false, notAfter }: Came,
  ): "stored" | "known" {
    const at = justAsked ? collected : Math.min(clock, Math.floor(notAfter ?? collected));
    return this.#database.transaction(() => {
      const host = this.#host(name);
      const known = this.#chunks.find(hash);
      const specId = spec === null ? null : this.text(spec.text);
      if (host !== null && known !== null && this.#isThere(host.id, clock, known, specId)) return "known";
      const keyframe = host?.keyframe ?? null;
      const state = known === null ? this.#state(hash, text, keyframe, likeness) : { id: known, keyframe };
      this.#database.run(
        `INSERT INTO observation (host, at, clock, collected, state, spec, spec_from, outcome, digest, judge)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        ...[this.#hostWith(name, host, state.keyframe), at, clock, collected],
        ...[state.id, specId, spec?.file.slice(0, 1000) ?? null],
        ...[this.text(judged.outcome), judged.digest, this.#judge],
      );
      return "stored";
    });
  }

  /** Keeps that a host could not be asked. @param message of which the beginning is kept */
  failure(host: string, kind: string, message: string, at: number): void {
    this.#database.transaction(() => {
      const id = this.#host(host)?.id ?? this.#hostWith(host, null, null);
      const sql = "INSERT INTO failure (host, at, kind, message) VALUES (?, ?, ?, ?)";
      this.#database.run(sql, id, at, kind, message.slice(0, 4000));
    });
  }

  /** Keeps a text that many have. @returns its id */
  text(text: string): number {
    const seen = this.#seen?.texts.get(text);
    if (seen !== undefined) return seen;
    const hash = hashOf(text);
    const id = this.#chunks.find(hash) ?? this.#chunks.put(hash, Buffer.from(text)).id;
    this.#seen?.texts.set(text, id);
    return id;
  }

  #host(name: string): Host | null {
    const row = this.#database.one("SELECT id, keyframe FROM host WHERE name = ?", name);
    if (row === undefined) return null;
    return { id: Number(row["id"]), keyframe: row["keyframe"] === null ? null : Number(row["keyframe"]) };
  }

  #hostWith(name: string, host: Host | null, keyframe: number | null): number {
    if (host === null)
      return this.#database.run("INSERT INTO host (name, keyframe) VALUES (?, ?)", name, keyframe).id;
    if (host.keyframe !== keyframe)
      this.#database.run("UPDATE host SET keyframe = ? WHERE id = ?", keyframe, host.id);
    return host.id;
  }

  #isThere(host: number, clock: number, state: number, spec: number | null): boolean {
    const sql = "SELECT 1 AS found FROM observation WHERE host = ? AND clock = ? AND state = ? AND spec IS ?";
    return this.#database.one(sql, host, clock, state, spec) !== undefined;
  }

  /**
   * Keeps a state as what it has beyond the host's own keyframe, else beyond the first state of a host of its
   * kind. @returns its id, and the host's keyframe from now on
   */
  #state(
    hash: Uint8Array,
    text: Uint8Array,
    keyframe: number | null,
    likeness: string,
  ): { readonly id: number; readonly keyframe: number | null } {
    const pattern = this.#pattern(likeness);
    const bases = [keyframe, pattern].filter((base) => base !== null);
    const bytes = Buffer.from(text.buffer, text.byteOffset, text.length);
    const { id, base } = this.#chunks.put(hash, bytes, bases);
    if (pattern === null && base === null)
      this.#database.run("INSERT INTO pattern (likeness, chunk) VALUES (?, ?)", likeness, id);
    // A base has at most one base itself, so that reading a state reads three texts at the most.
    return { id, keyframe: base === null || base === pattern ? id : keyframe };
  }

  /** The state of which those of such hosts are made. */
  #pattern(likeness: string): number | null {
    const seen = this.#seen?.patterns.get(likeness);
    if (seen !== undefined) return seen;
    const row = this.#database.one("SELECT chunk FROM pattern WHERE likeness = ?", likeness);
    if (row === undefined) return null;
    const pattern = Number(row["chunk"]);
    this.#seen?.patterns.set(likeness, pattern);
    return pattern;
  }
}
