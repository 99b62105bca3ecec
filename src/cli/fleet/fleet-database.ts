import { existsSync } from "node:fs";
import { setFlagsFromString } from "node:v8";
import { Option } from "commander";
import { version } from "../version.ts";

/** The fleet's database, as all commands of `vflag fleet` open it. */

export interface DatabaseOptions {
  readonly db?: string;
}

export const databaseOption = () =>
  new Option(
    "--db <file>",
    "the fleet's database (default: $VFLAG_FLEET_DB, or vflag/fleet.db in $XDG_STATE_HOME or ~/.local/state)",
  );

/** @param create whether there may be none yet */
export async function open(options: DatabaseOptions, create = false) {
  const { UsageError } = await import("../target.ts");
  const { History } = await import("../../fleet/history/history.ts");
  const { refuseForeign } = await import("../../host/linux/system/trusted.ts");
  // The shipped program does not optimize what it runs, because the boot stages mostly wait. Thousands of
  // hosts are work.
  setFlagsFromString("--max-opt=999");
  const file = databaseFile(options);
  if (!create && !existsSync(file))
    throw new UsageError(
      `${file}: no such database: \`vflag fleet collect\` or \`vflag fleet import\` makes it`,
    );
  for (const path of [file, `${file}-wal`, `${file}-shm`, spoolOf(options)]) refuseForeign(path);
  return History.open(file, version);
}

export function databaseFile({ db }: DatabaseOptions): string {
  const { env } = process;
  const state = env["XDG_STATE_HOME"] || `${env["HOME"] || "/root"}/.local/state`;
  return db ?? (env["VFLAG_FLEET_DB"] || `${state}/vflag/fleet.db`);
}

/** Where answers of hosts lie until they are taken in. */
export function spoolOf(options: DatabaseOptions): string {
  return `${databaseFile(options)}.spool`;
}

/**
 * Runs a command on the database. What fails because the file is damaged says that; the machine's errors have
 * their words already.
 */
export function onDatabase<Args extends readonly unknown[]>(
  optionsOf: (...args: Args) => DatabaseOptions,
  act: (...args: Args) => Promise<void>,
): (...args: Args) => Promise<void> {
  return async (...args) => {
    try {
      await act(...args);
    } catch (error) {
      const file = databaseFile(optionsOf(...args));
      const { FleetError } = await import("../../fleet/error.ts");
      if (isExpected(error)) throw error;
      const problem = await damageOf(file);
      if (problem === null) throw error;
      throw new FleetError(
        `${file} is damaged: ${problem}\n` +
          `Restore it from a copy, or move it away with ${file}-wal and ${file}-shm, and collect or import ` +
          "again.",
        { cause: error },
      );
    }
  };
}

/** Whether an error has its own words already. */
function isExpected(error: unknown): boolean {
  return (
    error instanceof Error &&
    ["FleetError", "UsageError", "FileError", "SpecError", "Interrupted"].includes(error.name)
  );
}

/** What is wrong with the file; null where it is whole. */
async function damageOf(file: string): Promise<string | null> {
  const { History } = await import("../../fleet/history/history.ts");
  try {
    using history = History.open(file, version);
    return history.problems()[0] ?? null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** The threads that read states. */
export async function openReader() {
  const { Reader } = await import("../../fleet/reading/reader.ts");
  return new Reader();
}
