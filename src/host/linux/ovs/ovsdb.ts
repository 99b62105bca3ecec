import { valueText } from "../../value-text.ts";

/**
 * What `ovs-vsctl --format=json` prints: one table a line, `{"headings": [...], "data": [[...], ...]}`, with
 * values in OVSDB's notation. Source: RFC 7047, 5.1 <value>; openvswitch lib/table.c, table_print_json__().
 */

/** It is not that. The message says which part. */
export class OvsdbFormatError extends Error {
  override readonly name = "OvsdbFormatError";
}

/** One row of a table, by column; a column that is asked for and not there is an error. */
export class OvsdbRow {
  readonly #cells: ReadonlyMap<string, unknown>;

  constructor(cells: ReadonlyMap<string, unknown>) {
    this.#cells = cells;
  }

  /** A column that holds one value. */
  text(column: string): string {
    const found = this.optionalText(column);
    if (found === null) throw notUnderstood(column, this.#cells.get(column));
    return found;
  }

  /** A column that holds one value or none. */
  optionalText(column: string): string | null {
    const atom = this.#atMostOne(column);
    if (atom !== null && typeof atom !== "string") throw notUnderstood(column, atom);
    return atom;
  }

  optionalInteger(column: string): number | null {
    const atom = this.#atMostOne(column);
    if (atom !== null && !(typeof atom === "number" && Number.isInteger(atom)))
      throw notUnderstood(column, atom);
    return atom;
  }

  /** The rows that a column points to. */
  uuids(column: string): string[] {
    return setOf(this.#cell(column)).map((atom) => {
      if (isPair(atom) && atom[0] === "uuid" && typeof atom[1] === "string") return atom[1];
      throw notUnderstood(column, atom);
    });
  }

  /** A column of keys and values, both strings: a key that is there twice is no such map. */
  map(column: string): ReadonlyMap<string, string> {
    const cell = this.#cell(column);
    if (!isPair(cell) || cell[0] !== "map" || !Array.isArray(cell[1])) throw notUnderstood(column, cell);
    const found = new Map<string, string>();
    for (const entry of cell[1]) {
      if (
        !isPair(entry) ||
        typeof entry[0] !== "string" ||
        typeof entry[1] !== "string" ||
        found.has(entry[0])
      )
        throw notUnderstood(column, entry);
      found.set(entry[0], entry[1]);
    }
    return found;
  }

  #atMostOne(column: string): unknown {
    const atoms = setOf(this.#cell(column));
    if (atoms.length > 1) throw notUnderstood(column, atoms);
    return atoms[0] ?? null;
  }

  #cell(column: string): unknown {
    if (!this.#cells.has(column)) throw new OvsdbFormatError(`ovs-vsctl's answer has no column ${column}`);
    return this.#cells.get(column);
  }
}

/** The tables of an answer, in the order of the commands. @param count how many were asked for */
export function parseTables(stdout: string, count: number): OvsdbRow[][] {
  const lines = stdout.split("\n").filter((line) => line.trim() !== "");
  if (lines.length !== count)
    throw new OvsdbFormatError(`ovs-vsctl printed ${lines.length} tables where ${count} were asked for`);
  return lines.map(parseTable);
}

function parseTable(line: string): OvsdbRow[] {
  const table = json(line);
  if (typeof table !== "object" || table === null || !("headings" in table) || !("data" in table))
    throw notUnderstood("table", line);
  const { headings, data } = table;
  if (!isList(headings) || !isList(data)) throw notUnderstood("table", line);
  return data.map((row) => {
    if (!isList(row) || row.length !== headings.length) throw notUnderstood("row", row);
    return new OvsdbRow(new Map(headings.map((heading, index) => [valueText(heading), row[index]])));
  });
}

function json(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch (error) {
    throw new OvsdbFormatError(`ovs-vsctl's answer is not understood: ${shown(line)}`, { cause: error });
  }
}

/** A set of one may stand as that one. */
function setOf(cell: unknown): readonly unknown[] {
  return isPair(cell) && cell[0] === "set" && isList(cell[1]) ? cell[1] : [cell];
}

function isPair(value: unknown): value is readonly [unknown, unknown] {
  return isList(value) && value.length === 2;
}

function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value);
}

function notUnderstood(what: string, value: unknown): OvsdbFormatError {
  return new OvsdbFormatError(`ovs-vsctl's answer is not understood: ${what}: ${shown(value)}`);
}

function shown(value: unknown): string {
  const text = valueText(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
