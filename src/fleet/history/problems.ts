import { FleetError } from "../error.ts";
import type { Chunks } from "./chunks.ts";
import type { Database, Row } from "./database.ts";
import { hashOf } from "./hash.ts";

/** What is wrong with a database, by SQLite's own check and by reading everything back. */
export function problemsOf(database: Database, chunks: Chunks): string[] {
  const found = attempt(() => database.problems());
  const rows = attempt(() => database.all("SELECT id, hash FROM chunk"));
  return [...found, ...rows].flatMap((row) =>
    typeof row === "string" ? row : attempt(() => problemOf(row, chunks)),
  );
}

function problemOf({ id, hash }: Row, chunks: Chunks): string[] {
  const found = hashOf(chunks.get(Number(id)));
  return hash instanceof Uint8Array && found.compare(hash) === 0 ? [] : [`chunk ${id} is not what it was`];
}

/** What was found; or, where it could not be looked for, why. */
function attempt<T>(work: () => T[]): (T | string)[] {
  try {
    return work();
  } catch (error) {
    if (error instanceof FleetError) return [error.message];
    throw error;
  }
}
