import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";
import { FleetError } from "../error.ts";

/**
 * "vflg": what `file` and SQLite tell of whose database it is. Source: SQLite's documentation, PRAGMA
 * application_id.
 */
const applicationId = 0x76666c67;

/** How long a writer waits for another one, in ms. */
const patience = 60_000;

/**
 * Each brings a database from the version before it to its own; the number of them is the version (PRAGMA
 * user_version). What has been released is never edited, only added to.
 */
const migrations: readonly string[] = [
  // AUTOINCREMENT: another process may remember what an id stood for, so that none is used twice.
  `CREATE TABLE chunk (
     id INTEGER PRIMARY KEY AUTOINCREMENT,
     hash BLOB NOT NULL UNIQUE,
     base INTEGER REFERENCES chunk (id),
     size INTEGER NOT NULL,
     data BLOB NOT NULL
   ) STRICT;
   CREATE TABLE pattern (
     likeness TEXT PRIMARY KEY,
     chunk INTEGER NOT NULL REFERENCES chunk (id)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE host (
     id INTEGER PRIMARY KEY,
     name TEXT NOT NULL UNIQUE,
     keyframe INTEGER REFERENCES chunk (id)
   ) STRICT;
   CREATE TABLE observation (
     id INTEGER PRIMARY KEY,
     host INTEGER NOT NULL REFERENCES host (id) ON DELETE CASCADE,
     at INTEGER NOT NULL,
     collected INTEGER NOT NULL,
     state INTEGER NOT NULL REFERENCES chunk (id),
     spec INTEGER REFERENCES chunk (id),
     spec_from TEXT,
     outcome INTEGER NOT NULL REFERENCES chunk (id),
     digest BLOB NOT NULL,
     judge TEXT NOT NULL
   ) STRICT;
   CREATE INDEX observation_of_host ON observation (host, at, id);
   CREATE TABLE failure (
     id INTEGER PRIMARY KEY,
     host INTEGER NOT NULL REFERENCES host (id) ON DELETE CASCADE,
     at INTEGER NOT NULL,
     kind TEXT NOT NULL,
     message TEXT NOT NULL
   ) STRICT;
   CREATE INDEX failure_of_host ON failure (host, at, id);`,
  // From here on `at` is when it was by the collector's clock, and `clock` when by the host's own, which may
  // be anything.
  `ALTER TABLE observation ADD COLUMN clock INTEGER NOT NULL DEFAULT 0;
   UPDATE observation SET clock = at, at = min(at, collected);
   CREATE TABLE aside (
     observation INTEGER NOT NULL REFERENCES observation (id) ON DELETE CASCADE,
     job TEXT NOT NULL,
     judge TEXT NOT NULL,
     reason TEXT NOT NULL,
     PRIMARY KEY (observation, job, judge)
   ) STRICT, WITHOUT ROWID;`,
  // How many bytes of a text are its base's, at its beginning and at its end.
  `ALTER TABLE chunk ADD COLUMN same_start INTEGER NOT NULL DEFAULT 0;
   ALTER TABLE chunk ADD COLUMN same_end INTEGER NOT NULL DEFAULT 0;`,
];

/**
 * The fleet's SQLite database. A write-ahead log: readers and one writer at a time do not wait for each
 * other, and a process that is killed leaves every transaction whole or not there. Source:
 * https://www.sqlite.org/wal.html.
 *
 * node:sqlite is loaded when a database is opened: no other command pays for it.
 */
export class Database {
  readonly #file: string;
  readonly #sqlite: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  private constructor(file: string, sqlite: DatabaseSync) {
    this.#file = file;
    this.#sqlite = sqlite;
  }

  /**
   * Opens it, makes it where there is none, and brings an older one to this version.
   * @throws {FleetError} with what is wrong
   */
  static open(file: string): Database {
    const { DatabaseSync } = process.getBuiltinModule("node:sqlite");
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    // States name serial numbers and guests: the database is its owner's.
    const mask = process.umask(0o077);
    let sqlite: DatabaseSync | null = null;
    try {
      sqlite = new DatabaseSync(file, { timeout: patience, enableForeignKeyConstraints: true });
      const database = new Database(file, sqlite);
      database.#prepareFile(file);
      return database;
    } catch (error) {
      sqlite?.close();
      throw errorOf(file, error);
    } finally {
      process.umask(mask);
    }
  }

  #prepareFile(file: string): void {
    const version = this.#number("user_version");
    const empty = this.one("SELECT count(*) AS n FROM sqlite_schema")?.["n"] === 0;
    if (!empty && this.#number("application_id") !== applicationId)
      throw new FleetError(`${file} is another program's SQLite database: name a file of its own with --db`);
    if (version > migrations.length)
      throw new FleetError(
        `${file} has version ${version}, and this vflag knows ${migrations.length}: use the newer vflag ` +
          `that wrote it`,
      );
    if (empty) this.#exec("PRAGMA auto_vacuum = INCREMENTAL");
    this.#exec(
      "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA journal_size_limit = 16777216",
    );
    if (version < migrations.length) this.#migrate();
  }

  /** Another process may be at it: the version is asked again under the lock. */
  #migrate(): void {
    this.transaction(() => {
      for (const sql of migrations.slice(this.#number("user_version"))) this.#exec(sql);
      this.#exec(`PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${migrations.length}`);
    });
  }

  #number(pragma: string): number {
    return Number(this.one(`PRAGMA ${pragma}`)?.[pragma]);
  }

  /**
   * All of it happens, or nothing; within another one it is a part of that. One writer at a time: another one
   * waits here.
   */
  transaction<T>(work: () => T): T {
    if (this.#sqlite.isTransaction) return work();
    this.#exec("BEGIN IMMEDIATE");
    try {
      const result = work();
      this.#exec("COMMIT");
      return result;
    } catch (error) {
      if (this.#sqlite.isTransaction) this.#exec("ROLLBACK");
      throw error;
    }
  }

  /** The first row. */
  one(sql: string, ...values: SQLInputValue[]): Row | undefined {
    return this.#told(() => this.#statement(sql).get(...values));
  }

  all(sql: string, ...values: SQLInputValue[]): Row[] {
    return this.#told(() => this.#statement(sql).all(...values));
  }

  /** @returns the new row's id, and how many rows it changed */
  run(sql: string, ...values: SQLInputValue[]): { readonly id: number; readonly changes: number } {
    const { lastInsertRowid, changes } = this.#told(() => this.#statement(sql).run(...values));
    return { id: Number(lastInsertRowid), changes: Number(changes) };
  }

  /** Gives the space of what was deleted back to the file system. */
  shrink(): void {
    this.#exec("PRAGMA incremental_vacuum; PRAGMA wal_checkpoint(TRUNCATE)");
  }

  /** What SQLite itself finds wrong with the file; nothing, where it is whole. */
  problems(): string[] {
    const told = this.all("PRAGMA integrity_check").map((row) => String(row["integrity_check"]));
    return [
      ...told.filter((line) => line !== "ok"),
      ...this.all("PRAGMA foreign_key_check").map((row) => JSON.stringify(row)),
    ];
  }

  close(): void {
    this.#sqlite.close();
  }

  /** What is to be thrown where the file does not hold what it should. */
  damaged(what: string): FleetError {
    return damaged(this.#file, what);
  }

  #exec(sql: string): void {
    this.#told(() => this.#sqlite.exec(sql));
  }

  /** What SQLite refuses is about the file, and said of it. */
  #told<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw errorOf(this.#file, error);
    }
  }

  #statement(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = this.#sqlite.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }
}

export type Row = NonNullable<ReturnType<StatementSync["get"]>>;

function damaged(file: string, what: string, cause?: unknown): FleetError {
  const remedy =
    `\`vflag fleet prune --check\` says what; put a copy in its place, or move it away and ` +
    `collect again`;
  return new FleetError(`${file} is damaged, or no database of \`vflag fleet\`: ${what}: ${remedy}`, {
    cause,
  });
}

/** SQLite's primary result codes that are the machine's. Source: https://www.sqlite.org/rescode.html. */
const machine: ReadonlyMap<number, string> = new Map([
  [3, "it may not be opened by this user"],
  [5, `another process has been writing for ${patience / 1000} s: try again`],
  [6, `another process has been writing for ${patience / 1000} s: try again`],
  [7, "there is no memory left"],
  [8, "it cannot be written: its file system is read-only (findmnt), or it is another user's (ls -l)"],
  [10, "its disk cannot be read or written (dmesg), or is full (df -h, df -i)"],
  [13, "there is no space left on its disk, or in the quota: make room, and try again"],
  [
    14,
    "it, or a file beside it, cannot be opened or made: is its file system read-only (findmnt), or its " +
      "folder another user's (ls -l)?",
  ],
]);

/** SQLite's own errors, and values that no vflag has written. */
function errorOf(file: string, error: unknown): unknown {
  if (error instanceof FleetError || !(error instanceof Error)) return error;
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  if (!code.startsWith("ERR_")) return error;
  const reason =
    "errcode" in error && typeof error.errcode === "number" ? machine.get(error.errcode & 0xff) : undefined;
  return reason === undefined
    ? damaged(file, error.message, error)
    : new FleetError(`${file}: ${error.message}: ${reason}`, { cause: error });
}
