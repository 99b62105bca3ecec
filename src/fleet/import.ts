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
 * Takes in saved states, each host for itself: a process that is killed loses the host that it was at, and no other.
 * A file HOST.json is host HOST's; HOST.yaml beside it is its spec, and counts instead of the one that the file may hold.
 * @param paths files, or directories of them
 */
export function importFiles(history: History, paths: readonly string[]): ImportResult {
  const files = paths.flatMap(filesOf);
  if (files.length === 0) throw new FleetError(`${paths.join(", ")}: no HOST.json there`);
  const failed: { host: string; file: string; message: string }[] = [];
  let [stored, known] = [0, 0];
  for (const file of files) {
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
  }
  return { stored, known, failed };
}

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
