import { HostState } from "../host/state.ts";
import { loadSpec, SpecError } from "../spec/load.ts";
import type { Spec } from "../spec/schema.ts";
import { Chunks } from "./chunks.ts";
import { Database, FleetError, type Row } from "./database.ts";
import { Outcome, outcomeOf } from "./outcome.ts";
import { withoutGuests } from "./quiet.ts";

/** A spec as it was found: its text, and whose it is, such as `hv1:/etc/vflag/vflag.yaml`. */
export interface SpecText {
  readonly file: string;
  readonly text: string;
}

/** What one host told of itself. */
export interface Report {
  /** Its name in the inventory. */
  readonly host: string;
  readonly state: HostState;
  readonly spec: SpecText | null;
}

/** Why nothing came of asking a host. `no-answer`: the time for all of them was over. */
export const failureKinds = ["unreachable", "failed", "invalid", "no-answer"] as const;
export type FailureKind = (typeof failureKinds)[number];

export interface Failure {
  readonly at: number;
  readonly kind: FailureKind;
  readonly message: string;
}

/** One observation of a host, without its state, which is read when it is needed. Times are in milliseconds since 1970. */
export interface Observation {
  readonly id: number;
  readonly host: string;
  readonly at: number;
  readonly collected: number;
  readonly stateId: number;
  readonly specId: number | null;
  readonly specFrom: string | null;
  readonly outcome: Outcome;
  /** Two observations with the same one have nothing to tell beside what always moves: guests, counters, and lines of logs. */
  readonly digest: string;
  readonly judge: string;
}

/** A host, and what is known of it. */
export interface Known {
  readonly host: string;
  /** Null: it never told anything. */
  readonly observation: Observation | null;
  /** What came of asking it after that; null where nothing went wrong since. */
  readonly failure: Failure | null;
}

/** The states of all hosts over time, in one database. */
export class History {
  readonly #database: Database;
  readonly #chunks: Chunks;
  /** Verdicts depend on the version of vflag that judges. */
  readonly #judge: string;
  readonly #specs = new Map<string, Spec>();
  readonly #outcomes = new Map<number, Outcome>();

  private constructor(database: Database, judge: string) {
    this.#database = database;
    this.#chunks = new Chunks(database);
    this.#judge = judge;
  }

  /** @param judge the version of this vflag @throws {FleetError} */
  static open(file: string, judge: string): History {
    return new History(Database.open(file), judge);
  }

  close(): void {
    this.#database.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Several reports in one go: all of them are kept, or none. */
  together<T>(work: () => T): T {
    return this.#database.transaction(work);
  }

  /** Keeps what a host told, whole or not at all. @returns `known`: this very observation is there already */
  record(report: Report, collected = Date.now()): "stored" | "known" {
    const { host, state } = report;
    const at = Date.parse(state.observedAt);
    const { observedAt: _, ...timeless } = state;
    const text = Buffer.from(JSON.stringify(timeless));
    const hash = this.#chunks.hash(text);
    const spec = this.#specOf(report.spec, host);
    const outcome = outcomeOf(spec, state);
    const digest = this.#digestOf(timeless, outcome, report.spec);
    return this.#database.transaction(() => {
      const { id, keyframe } = this.#host(host);
      const known = this.#chunks.find(hash);
      const specId = report.spec === null ? null : this.#keep(report.spec.text);
      if (known !== null && this.#isThere(id, at, known, specId)) return "known";
      const stateId = known ?? this.#keepState(id, keyframe, hash, text, state);
      this.#database.run(
        "INSERT INTO observation (host, at, collected, state, spec, spec_from, outcome, digest, judge) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        ...[id, at, collected, stateId, specId, report.spec?.file ?? null, this.#keep(JSON.stringify(outcome)), digest, this.#judge],
      );
      return "stored";
    });
  }

  /** Keeps that a host could not be asked: it is never left out. */
  fail(host: string, kind: FailureKind, message: string, at = Date.now()): void {
    this.#database.transaction(() => {
      const { id } = this.#host(host);
      this.#database.run("INSERT INTO failure (host, at, kind, message) VALUES (?, ?, ?, ?)", id, at, kind, message.slice(0, 4000));
    });
  }

  /** All hosts and what is known of each, by name. @param before only what was observed until then, in ms since 1970 */
  known(before: number = Number.MAX_SAFE_INTEGER): Known[] {
    const rows = this.#database.all(
      `SELECT h.name AS name, o.*, f.at AS failed, f.kind AS kind, f.message AS message
       FROM host h
       LEFT JOIN observation o ON o.id = (SELECT id FROM observation WHERE host = h.id AND at <= ? ORDER BY at DESC, id DESC LIMIT 1)
       LEFT JOIN failure f ON f.id = (SELECT id FROM failure WHERE host = h.id AND at <= ? ORDER BY at DESC, id DESC LIMIT 1)
         AND f.at > coalesce(o.collected, 0)`,
      before,
      before,
    );
    return rows.map((row) => this.#knownOf(row)).sort((a, b) => byName(a.host, b.host));
  }

  /** Every observation of a host, the oldest first. */
  observations(host: string): Observation[] {
    const rows = this.#database.all(
      "SELECT h.name AS name, o.* FROM observation o JOIN host h ON h.id = o.host WHERE h.name = ? ORDER BY o.at, o.id",
      host,
    );
    return rows.flatMap((row) => this.#knownOf(row).observation ?? []);
  }

  /** Verdicts of another version of vflag, made anew by this one. @param all those of this version too */
  judged(known: readonly Known[], all = false): Known[] {
    return known.map((each) => {
      const { observation } = each;
      if (observation === null || (!all && observation.judge === this.#judge)) return each;
      const state = this.state(observation);
      const outcome = outcomeOf(this.spec(observation), state);
      const { observedAt: _, ...timeless } = state;
      const spec = observation.specId === null ? null : { file: "", text: this.#chunks.get(observation.specId).toString() };
      const digest = this.#digestOf(timeless, outcome, spec);
      this.#database.transaction(() => {
        const sql = "UPDATE observation SET outcome = ?, digest = ?, judge = ? WHERE id = ?";
        this.#database.run(sql, this.#keep(JSON.stringify(outcome)), digest, this.#judge, observation.id);
      });
      return { ...each, observation: { ...observation, outcome, digest: digest.toString("hex"), judge: this.#judge } };
    });
  }

  /** The state as it was told. */
  state({ stateId, at, judge }: Observation): HostState {
    const data: unknown = JSON.parse(this.#chunks.get(stateId).toString());
    const state = { ...(data as Omit<HostState, "observedAt">), observedAt: new Date(at).toISOString() };
    // It was checked when it was taken in; an older vflag may not have known of everything that there is now.
    return judge === this.#judge ? state : HostState.parse(state);
  }

  /** The spec that it was held against, or why there is none. */
  spec({ specId, specFrom, host }: Observation): Spec | { readonly problem: string } {
    if (specId === null) return this.#specOf(null, host);
    return this.#specOf({ file: specFrom ?? "", text: this.#chunks.get(specId).toString() }, host);
  }

  specText(id: number): string {
    return this.#chunks.get(id).toString();
  }

  /**
   * Forgets what was observed before then. What was the newest of a host at that time stays, because it was true then; so does the last
   * that is known of a host, however old. @returns how many observations and failures went
   */
  prune(before: number): number {
    const gone = this.#database.transaction(() => {
      const observations = this.#database.run(
        `DELETE FROM observation WHERE at < ?1 AND id <> (
           SELECT newest.id FROM observation newest WHERE newest.host = observation.host AND newest.at < ?1
           ORDER BY newest.at DESC, newest.id DESC LIMIT 1)`,
        before,
      ).changes;
      const failures = this.#database.run(
        `DELETE FROM failure WHERE at < ?1 AND id <> (
           SELECT newest.id FROM failure newest WHERE newest.host = failure.host ORDER BY newest.at DESC, newest.id DESC LIMIT 1)`,
        before,
      ).changes;
      this.#sweep();
      return observations + failures;
    });
    this.#database.shrink();
    return gone;
  }

  /** Forgets hosts that are no more, with all that is known of them. @throws {FleetError} where one of them is not known */
  forget(hosts: readonly string[]): void {
    this.#database.transaction(() => {
      const unknown = hosts.filter((host) => this.#database.run("DELETE FROM host WHERE name = ?", host).changes === 0);
      if (unknown.length > 0) throw new FleetError(`no host is called ${unknown.join(", ")}: \`vflag fleet status --hosts\` lists them`);
      this.#sweep();
    });
    this.#database.shrink();
  }

  /** What is wrong with the file, by SQLite's own check and by reading everything back. */
  problems(): string[] {
    const found = this.#database.problems();
    for (const row of this.#database.all("SELECT id, hash FROM chunk")) {
      const hash = this.#chunks.hash(this.#chunks.get(Number(row["id"])));
      if (!(row["hash"] instanceof Uint8Array) || hash.compare(row["hash"]) !== 0) found.push(`chunk ${row["id"]} is not what it was`);
    }
    return found;
  }

  /** Removes texts that nothing needs; without them their bases may not be needed either. */
  #sweep(): void {
    this.#database.run("DELETE FROM pattern WHERE NOT EXISTS (SELECT 1 FROM chunk c WHERE c.base = pattern.chunk)");
    const unused = `DELETE FROM chunk WHERE id NOT IN (
      SELECT state FROM observation UNION SELECT outcome FROM observation UNION SELECT spec FROM observation WHERE spec IS NOT NULL
      UNION SELECT keyframe FROM host WHERE keyframe IS NOT NULL UNION SELECT chunk FROM pattern
      UNION SELECT base FROM chunk WHERE base IS NOT NULL)`;
    while (this.#database.run(unused).changes > 0);
  }

  #host(name: string): { readonly id: number; readonly keyframe: number | null } {
    const row = this.#database.one("SELECT id, keyframe FROM host WHERE name = ?", name);
    if (row !== undefined) return { id: Number(row["id"]), keyframe: row["keyframe"] === null ? null : Number(row["keyframe"]) };
    return { id: this.#database.run("INSERT INTO host (name) VALUES (?)", name).id, keyframe: null };
  }

  #isThere(host: number, at: number, state: number, spec: number | null): boolean {
    const sql = "SELECT 1 AS found FROM observation WHERE host = ? AND at = ? AND state = ? AND spec IS ?";
    return this.#database.one(sql, host, at, state, spec) !== undefined;
  }

  /** A state as what it has beyond the host's own keyframe, else beyond the first state of a host of its kind. */
  #keepState(host: number, keyframe: number | null, hash: Buffer, text: Buffer, state: HostState): number {
    const likeness = likenessOf(state);
    const row = this.#database.one("SELECT chunk FROM pattern WHERE likeness = ?", likeness);
    const pattern = row === undefined ? null : Number(row["chunk"]);
    const bases = [keyframe, pattern].filter((base) => base !== null);
    const { id, base } = this.#chunks.put(hash, text, bases);
    // A base has at most one base itself, so that reading a state reads three texts at the most.
    if (base === null || base === pattern) this.#database.run("UPDATE host SET keyframe = ? WHERE id = ?", id, host);
    if (pattern === null && base === null) this.#database.run("INSERT INTO pattern (likeness, chunk) VALUES (?, ?)", likeness, id);
    return id;
  }

  #keep(text: string): number {
    const bytes = Buffer.from(text);
    const hash = this.#chunks.hash(bytes);
    return this.#chunks.find(hash) ?? this.#chunks.put(hash, bytes).id;
  }

  #specOf(spec: SpecText | null, host: string): Spec | { readonly problem: string } {
    if (spec === null) return { problem: "no spec was found" };
    const known = this.#specs.get(spec.text);
    if (known !== undefined) return known;
    const loaded = readSpecText(spec, host);
    if (this.#specs.size > 1000) this.#specs.clear();
    // What is wrong with one names its file, which is each host's own.
    if (!("problem" in loaded)) this.#specs.set(spec.text, loaded);
    return loaded;
  }

  #digestOf(timeless: Omit<HostState, "observedAt">, { nics, problem }: Outcome, spec: SpecText | null): Buffer {
    const answers = nics.map(({ nic, answer, causes }) => [
      nic,
      answer,
      causes.map(({ requirement, severity }) => [requirement, severity]),
    ]);
    return this.#chunks.hash(JSON.stringify([withoutGuests(timeless), answers, problem, spec?.text ?? null]));
  }

  #outcome(id: number): Outcome {
    const known = this.#outcomes.get(id);
    if (known !== undefined) return known;
    const outcome = Outcome.parse(JSON.parse(this.#chunks.get(id).toString()));
    this.#outcomes.set(id, outcome);
    return outcome;
  }

  #knownOf(row: Row): Known {
    const host = String(row["name"]);
    const kind = failureKinds.find((candidate) => candidate === row["kind"]);
    const failure = kind === undefined ? null : { at: Number(row["failed"]), kind, message: String(row["message"]) };
    if (row["id"] === null) return { host, observation: null, failure };
    const observation: Observation = {
      id: Number(row["id"]),
      host,
      at: Number(row["at"]),
      collected: Number(row["collected"]),
      stateId: Number(row["state"]),
      specId: row["spec"] === null ? null : Number(row["spec"]),
      specFrom: row["spec_from"] === null ? null : String(row["spec_from"]),
      outcome: this.#outcome(Number(row["outcome"])),
      digest: row["digest"] instanceof Uint8Array ? Buffer.from(row["digest"]).toString("hex") : "",
      judge: String(row["judge"]),
    };
    return { host, observation, failure };
  }
}

function readSpecText({ text, file }: SpecText, host: string): Spec | { readonly problem: string } {
  try {
    return loadSpec(text, file === "" ? host : file);
  } catch (error) {
    if (error instanceof SpecError) return { problem: `its spec is wrong: ${error.message}` };
    throw error;
  }
}

/** Hosts of one kind have the same cards with as many VFs: their states are alike. */
function likenessOf({ pfs }: HostState): string {
  return pfs.map(({ vendor, product, vfs }) => `${vendor}:${product}/${vfs.length}`).join(" ");
}

/** hv9 before hv10. */
export function byName(a: string, b: string): number {
  collator ??= new Intl.Collator("en", { numeric: true });
  return collator.compare(a, b);
}

/** Made when it is needed: a startup snapshot cannot hold one. */
let collator: Intl.Collator | undefined;
