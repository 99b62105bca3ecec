import { readdirSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { FleetError } from "../error.ts";
import { ahead, type Reader } from "../reading/reader.ts";
import type { History } from "./history.ts";

export interface ImportResult {
  readonly stored: number;
  /** Observations that were there already. */
  readonly known: number;
  /** Files that are no state: their hosts are recorded as failed. */
  readonly failed: readonly { readonly host: string; readonly file: string; readonly message: string }[];
}

interface StateFile {
  readonly host: string;
  readonly file: string;
  /** Its spec, beside it. */
  readonly specFile: string | null;
}

/**
 * Takes in saved states. A process that is killed leaves whole hosts; the same files can be taken in again.
 * A file HOST.json is host HOST's; HOST.yaml beside it is its spec, and counts instead of the one that the
 * file may hold.
 * @param paths files, or directories of them
 */
export async function importFiles(
  history: History,
  reader: Reader,
  paths: readonly string[],
): Promise<ImportResult> {
  const files = paths.flatMap(filesOf);
  if (files.length === 0) throw new FleetError(`${paths.join(", ")}: no HOST.json there`);
  const failed: { host: string; file: string; message: string }[] = [];
  const counts = { stored: 0, known: 0 };
  const read = ({ host, file, specFile }: StateFile) =>
    reader.run({ kind: "report", host, file, flags: 0, spec: null, specFile });
  let some: (readonly [StateFile, Awaited<ReturnType<typeof read>>])[] = [];
  const keep = () => {
    history.together(() => {
      for (const [{ host, file }, report] of some) {
        if ("refused" in report) {
          failed.push({ host, file, message: report.refused });
          history.fail(host, "invalid", `${report.refused}\n(${file})`);
        } else counts[history.keep(report, writtenAt(file))] += 1;
      }
    });
    some = [];
  };
  for await (const done of ahead(files, 2 * batch, read)) if (some.push(done) === batch) keep();
  keep();
  return { ...counts, failed };
}

/** So many files are one transaction: another writer waits for these at the most. */
const batch = 32;

/**
 * A state is not newer than its file, whatever the host's clock said: this machine's clock has dated that.
 */
function writtenAt(file: string): { readonly collected: number; readonly notAfter: number } {
  const collected = Date.now();
  return {
    collected,
    notAfter: Math.min(collected, statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? collected),
  };
}

function filesOf(path: string): StateFile[] {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) throw new FleetError(`${path}: no such file or directory`);
  const folder = found.isDirectory() ? path : join(path, "..");
  const names = new Set(readdirSync(folder));
  const states = found.isDirectory()
    ? [...names].filter((name) => name.endsWith(".json")).sort()
    : [basename(path)];
  return states.map((name) => {
    const host = basename(name, ".json");
    const spec = [".yaml", ".yml"].map((ending) => `${host}${ending}`).find((beside) => names.has(beside));
    return { host, file: join(folder, name), specFile: spec === undefined ? null : join(folder, spec) };
  });
}
