import type { HostState } from "../../host/state/state.ts";
import type { Spec } from "../../spec/schema.ts";
import { Outcome } from "../answers/outcome.ts";
import { readStored, type Stored } from "../reading/jobs.ts";
import { type Judged, type Prepared, prepared, specOf } from "../reading/prepare.ts";
import type { Report, SpecText } from "../reading/report.ts";
import { Chunks } from "./chunks.ts";
import { Database, type Row } from "./database.ts";
import { Forgetting } from "./forgetting.ts";
import { type Came, Keeping } from "./keeping.ts";
import { problemsOf } from "./problems.ts";

/** Why nothing came of asking a host. `no-answer`: the time for all of them was over. */
export const failureKinds = ["unreachable", "failed", "invalid", "no-answer"] as const;
export type FailureKind = (typeof failureKinds)[number];

export interface Failure {
  readonly at: number;
  readonly kind: FailureKind;
  readonly message: string;
}

/**
 * One observation of a host, without its state, which is read when it is needed. Times are in milliseconds
 * since 1970.
 */
export interface Observation {
  readonly id: number;
  readonly host: string;
  /**
   * By the collector's clock: observations of a host follow one another by it, and ages are counted from it.
   */
  readonly at: number;
  /** By the host's own clock, as its state says. */
  readonly clock: number;
  readonly collected: number;
  readonly stateId: number;
  readonly specId: number | null;
  readonly specFrom: string | null;
  readonly outcome: Outcome;
  /**
   * Two observations with the same one have nothing to tell beside what always moves: guests, counters, and
   * lines of logs.
   */
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
  readonly #keeping: Keeping;
  readonly #forgetting: Forgetting;
  /** Verdicts depend on the version of vflag that judges. */
  readonly #judge: string;
  readonly #outcomes = new Map<number, Outcome>();

  private constructor(database: Database, judge: string) {
    this.#database = database;
    this.#chunks = new Chunks(database);
    this.#judge = judge;
    this.#keeping = new Keeping(database, this.#chunks, judge);
    this.#forgetting = new Forgetting(database);
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
    return this.#keeping.together(work);
  }

  /** Prepares and keeps a report that is trusted to be read in this thread. */
  record(report: Report, collected = Date.now()): "stored" | "known" {
    return this.keep(prepared(report), { collected });
  }

  /** Keeps what a host told, whole or not at all. @returns `known`: this very observation is there already */
  keep(report: Prepared, came: Came): "stored" | "known" {
    return this.#keeping.report(report, came);
  }

  /** Keeps that a host could not be asked: it is never left out. */
  fail(host: string, kind: FailureKind, message: string, at = Date.now()): void {
    this.#keeping.failure(host, kind, message, at);
  }

  /**
   * All hosts and what is known of each, by name.
   * @param before only what was observed until then, in ms since 1970
   */
  known(before: number = Number.MAX_SAFE_INTEGER): Known[] {
    const rows = this.#database.all(
      `SELECT h.name AS name, o.*, f.at AS failed, f.kind AS kind, f.message AS message
       FROM host h
       LEFT JOIN observation o ON o.id = (
         SELECT id FROM observation WHERE host = h.id AND at <= ? ORDER BY at DESC, id DESC LIMIT 1)
       LEFT JOIN failure f ON f.id = (
         SELECT id FROM failure WHERE host = h.id AND at <= ? ORDER BY at DESC, id DESC LIMIT 1)
         AND f.at > coalesce(o.collected, 0)`,
      before,
      before,
    );
    return rows.map((row) => this.#knownOf(row)).sort((a, b) => byName(a.host, b.host));
  }

  /** Every observation of a host, the oldest first. */
  observations(host: string): Observation[] {
    const rows = this.#database.all(
      "SELECT h.name AS name, o.* FROM observation o JOIN host h ON h.id = o.host WHERE h.name = ? ORDER " +
        "BY o.at, o.id",
      host,
    );
    return rows.flatMap((row) => this.#knownOf(row).observation ?? []);
  }

  /** Whether a verdict is this version's. */
  judges({ judge }: Observation): boolean {
    return judge === this.#judge;
  }

  /** Keeps another verdict on an observation. */
  judge(observation: Observation, { outcome, digest }: Judged): Observation {
    return this.#database.transaction(() => {
      const id = this.#keeping.text(outcome);
      this.#database.run(
        "UPDATE observation SET outcome = ?, digest = ?, judge = ? WHERE id = ?",
        id,
        digest,
        this.#judge,
        observation.id,
      );
      return {
        ...observation,
        outcome: this.#outcome(id),
        digest: Buffer.from(digest).toString("hex"),
        judge: this.#judge,
      };
    });
  }

  /** Why something is no longer tried with an observation, by this version of vflag; null where it is. */
  aside({ id }: Observation, job: string): string | null {
    const row = this.#database.one(
      "SELECT reason FROM aside WHERE observation = ? AND job = ? AND judge = ?",
      id,
      job,
      this.#judge,
    );
    return row === undefined ? null : String(row["reason"]);
  }

  putAside({ id }: Observation, job: string, reason: string): void {
    const sql = "INSERT OR REPLACE INTO aside (observation, job, judge, reason) VALUES (?, ?, ?, ?)";
    this.#database.run(sql, id, job, this.#judge, reason.slice(0, 1000));
  }

  /** An observation with its texts, for a job. */
  stored(observation: Observation): Stored {
    const { host, stateId, clock, at } = observation;
    return {
      host,
      text: this.#chunks.get(stateId),
      clock,
      at,
      spec: this.#specTextOf(observation),
      checked: this.judges(observation),
    };
  }

  /** The state as it was told. */
  state(observation: Observation): HostState {
    return readStored(this.stored(observation));
  }

  /** The spec that it was held against, or why there is none. */
  spec(observation: Observation): Spec | { readonly problem: string } {
    return specOf(this.#specTextOf(observation), observation.host);
  }

  specText(id: number): string {
    return this.#chunks.get(id).toString();
  }

  /**
   * Forgets what was observed before then. What was the newest of a host at that time stays, because it was
   * true then; so does the last that is known of a host, however old.
   * @returns how many observations and failures went
   */
  prune(before: number): number {
    return this.#forgetting.before(before);
  }

  /**
   * Forgets hosts that are no more, with all that is known of them.
   * @throws {FleetError} where one of them is not known
   */
  forget(hosts: readonly string[]): void {
    this.#forgetting.hosts(hosts);
  }

  /** What is wrong with the file, by SQLite's own check and by reading everything back. */
  problems(): string[] {
    return problemsOf(this.#database, this.#chunks);
  }

  #specTextOf({ specId, specFrom }: Observation): SpecText | null {
    return specId === null ? null : { file: specFrom ?? "", text: this.#chunks.get(specId).toString() };
  }

  #outcome(id: number): Outcome {
    const known = this.#outcomes.get(id);
    if (known !== undefined) return known;
    const outcome = Outcome.safeParse(jsonOf(this.#chunks.get(id).toString())).data;
    if (outcome === undefined) throw this.#database.damaged(`chunk ${id} is no verdict`);
    this.#outcomes.set(id, outcome);
    return outcome;
  }

  #knownOf(row: Row): Known {
    const host = String(row["name"]);
    const kind = failureKinds.find((candidate) => candidate === row["kind"]);
    const failure =
      kind === undefined ? null : { at: this.#moment(row, "failed"), kind, message: String(row["message"]) };
    if (row["id"] === null) return { host, observation: null, failure };
    const observation: Observation = {
      id: this.#whole(row, "id"),
      host,
      at: this.#moment(row, "at"),
      clock: this.#moment(row, "clock"),
      collected: this.#moment(row, "collected"),
      stateId: this.#whole(row, "state"),
      specId: row["spec"] === null ? null : this.#whole(row, "spec"),
      specFrom: row["spec_from"] === null ? null : String(row["spec_from"]),
      outcome: this.#outcome(this.#whole(row, "outcome")),
      digest: row["digest"] instanceof Uint8Array ? Buffer.from(row["digest"]).toString("hex") : "",
      judge: String(row["judge"]),
    };
    return { host, observation, failure };
  }

  #whole(row: Row, column: string): number {
    const value = row[column];
    if (typeof value === "number" && Number.isSafeInteger(value)) return value;
    throw this.#database.damaged(
      `the ${column} of ${JSON.stringify(row["name"])} is ${String(value).slice(0, 60)}`,
    );
  }

  /** In ms since 1970, as a date can be. */
  #moment(row: Row, column: string): number {
    const value = this.#whole(row, column);
    if (Math.abs(value) <= 8.64e15) return value;
    throw this.#database.damaged(`the ${column} of ${JSON.stringify(row["name"])} is ${value}`);
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** hv9 before hv10. */
export function byName(a: string, b: string): number {
  collator ??= new Intl.Collator("en", { numeric: true });
  return collator.compare(a, b);
}

/** Made when it is needed: a startup snapshot cannot hold one. */
let collator: Intl.Collator | undefined;
