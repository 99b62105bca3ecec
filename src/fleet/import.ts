import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { FleetError } from "./database.ts";
import type { History, SpecText } from "./history.ts";
import { readReport } from "./report.ts";

export interface ImportResult {
  readonly stored: number;
  /** Observations that were there already. */
  readonly known: number;
  /** Files that are no state: their hosts are recorded as failed. */
  readonly failed: readonly { readonly host: string; readonly file: string; readonly message: string }[];
}

/**
 * Takes in saved states. A process that is killed leaves whole hosts; the same files can be taken in again.
 * A file HOST.json is host HOST's; HOST.yaml beside it is its spec, and counts instead of the one that the file may hold.
 * @param paths files, or directories of them
 */
export function importFiles(history: History, paths: readonly string[]): ImportResult {
  const files = paths.flatMap(filesOf);
  if (files.length === 0) throw new FleetError(`${paths.join(", ")}: no HOST.json there`);
  const failed: { host: string; file: string; message: string }[] = [];
  let [stored, known] = [0, 0];
  const take = (file: string): void => {
    const host = basename(file, ".json");
    try {
      const report = readReport(host, readFileSync(file, "utf8"), specBeside(file));
      if (history.record(report) === "stored") stored += 1;
      else known += 1;
    } catch (error) {
      if (!(error instanceof FleetError) && !(error instanceof Error && "code" in error)) throw error;
      failed.push({ host, file, message: error.message });
      history.fail(host, "invalid", `${file}: ${error.message}`);
    }
  };
  for (let at = 0; at < files.length; at += batch) history.together(() => files.slice(at, at + batch).forEach(take));
  return { stored, known, failed };
}

/** So many files are one transaction: another writer waits for these at the most. */
const batch = 32;

function filesOf(path: string): string[] {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) throw new FleetError(`${path}: no such file or directory`);
  if (!found.isDirectory()) return [path];
  return readdirSync(path)
    .filter((name) => name.endsWith(".json"))
    .sort()
    .map((name) => join(path, name));
}

function specBeside(file: string): SpecText | null {
  for (const ending of [".yaml", ".yml"]) {
    const path = `${file.replace(/\.json$/, "")}${ending}`;
    if (existsSync(path)) return { file: path, text: readFileSync(path, "utf8") };
  }
  return null;
}
