import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";

/** What is wrong with the fleet's database, an inventory or a report of a host: the message says what to do. */
export class FleetError extends Error {
  override readonly name = "FleetError";
}

/** "vflg": what `file` and SQLite tell of whose database it is. Source: SQLite's documentation, PRAGMA application_id. */
const applicationId = 0x76666c67;

/** How long a writer waits for another one, in ms. */
const patience = 60_000;

/**
 * Each brings a database from the version before it to its own; the number of them is the version (PRAGMA user_version).
 * What has been released is never edited, only added to.
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
   CREATE TABLE pattern (likeness TEXT PRIMARY KEY, chunk INTEGER NOT NULL REFERENCES chunk (id)) STRICT, WITHOUT ROWID;
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
];

/**
 * The fleet's SQLite database. A write-ahead log: readers and one writer at a time do not wait for each other, and a process that
 * is killed leaves every transaction whole or not there. Source: https://www.sqlite.org/wal.html.
 *
 * node:sqlite is loaded when a database is opened: no other command pays for it.
 */
export class Database {
  readonly #sqlite: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  private constructor(sqlite: DatabaseSync) {
    this.#sqlite = sqlite;
  }

  /** Opens it, makes it where there is none, and brings an older one to this version. @throws {FleetError} with what is wrong */
  static open(file: string): Database {
    const { DatabaseSync } = process.getBuiltinModule("node:sqlite");
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    // States name serial numbers and guests: the database is its owner's.
    const mask = process.umask(0o077);
    let sqlite: DatabaseSync | null = null;
    try {
      sqlite = new DatabaseSync(file, { timeout: patience, enableForeignKeyConstraints: true });
      const database = new Database(sqlite);
      database.#prepareFile(file);
      return database;
    } catch (error) {
      sqlite?.close();
      if (error instanceof FleetError || !(error instanceof Error)) throw error;
      throw new FleetError(`${file}: ${error.message}: not a database of \`vflag fleet\`, or it cannot be opened`, { cause: error });
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
      throw new FleetError(`${file} has version ${version}, and this vflag knows ${migrations.length}: use the newer vflag that wrote it`);
    if (empty) this.#sqlite.exec("PRAGMA auto_vacuum = INCREMENTAL");
    this.#sqlite.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA journal_size_limit = 16777216");
    if (version < migrations.length) this.#migrate();
  }

  /** Another process may be at it: the version is asked again under the lock. */
  #migrate(): void {
    this.transaction(() => {
      for (const sql of migrations.slice(this.#number("user_version"))) this.#sqlite.exec(sql);
      this.#sqlite.exec(`PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${migrations.length}`);
    });
  }

  #number(pragma: string): number {
    return Number(this.one(`PRAGMA ${pragma}`)?.[pragma]);
  }

  /** All of it happens, or nothing; within another one it is a part of that. One writer at a time: another one waits here. */
  transaction<T>(work: () => T): T {
    if (this.#sqlite.isTransaction) return work();
    this.#sqlite.exec("BEGIN IMMEDIATE");
    try {
      const result = work();
      this.#sqlite.exec("COMMIT");
      return result;
    } catch (error) {
      if (this.#sqlite.isTransaction) this.#sqlite.exec("ROLLBACK");
      throw error;
    }
  }

  /** The first row. */
  one(sql: string, ...values: SQLInputValue[]): Row | undefined {
    return this.#statement(sql).get(...values);
  }

  all(sql: string, ...values: SQLInputValue[]): Row[] {
    return this.#statement(sql).all(...values);
  }

  /** @returns the new row's id, and how many rows it changed */
  run(sql: string, ...values: SQLInputValue[]): { readonly id: number; readonly changes: number } {
    const { lastInsertRowid, changes } = this.#statement(sql).run(...values);
    return { id: Number(lastInsertRowid), changes: Number(changes) };
  }

  /** Gives the space of what was deleted back to the file system. */
  shrink(): void {
    this.#sqlite.exec("PRAGMA incremental_vacuum; PRAGMA wal_checkpoint(TRUNCATE)");
  }

  /** What SQLite itself finds wrong with the file; nothing, where it is whole. */
  problems(): string[] {
    const told = this.all("PRAGMA integrity_check").map((row) => String(row["integrity_check"]));
    return [...told.filter((line) => line !== "ok"), ...this.all("PRAGMA foreign_key_check").map((row) => JSON.stringify(row))];
  }

  close(): void {
    this.#sqlite.close();
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
