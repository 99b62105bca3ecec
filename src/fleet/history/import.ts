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
  let bytes = 0;
  const keep = () => {
    const collected = Date.now();
    history.together(() => {
      for (const [{ host, file }, report] of some) {
        if ("refused" in report) {
          failed.push({ host, file, message: report.refused });
          history.fail(host, "invalid", `${report.refused}\n(${file})`);
          continue;
        }
        // A state is not newer than its file, whatever the host's clock said: this machine's has dated that.
        const notAfter = Math.min(collected, report.modified);
        counts[history.keep(report, { collected, notAfter })] += 1;
      }
    });
    for (const [, report] of some) if ("text" in report) reader.reuse(report.text);
    some = [];
    bytes = 0;
  };
  for await (const done of ahead(files, most.read, read)) {
    const [, report] = done;
    bytes += "refused" in report ? 0 : report.text.length;
    if (some.push(done) === most.kept || bytes > most.bytes) keep();
  }
  keep();
  return { ...counts, failed };
}

/**
 * So many files are read ahead; and so many, or so many bytes of states, are one transaction: another writer
 * waits for these at the most.
 */
const most = { read: 64, kept: 128, bytes: 16 * 1024 * 1024 } as const;

function filesOf(path: string): StateFile[] {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) throw new FleetError(`${path}: no such file or directory`);
  const folder = found.isDirectory() ? path : join(path, "..");
  const prefix = join(folder, "/");
  const names = new Set(readdirSync(folder));
  const states = found.isDirectory()
    ? [...names].filter((name) => name.endsWith(".json")).sort()
    : [basename(path)];
  return states.map((name) => {
    const host = basename(name, ".json");
    const spec = [".yaml", ".yml"].map((ending) => `${host}${ending}`).find((beside) => names.has(beside));
    return { host, file: `${prefix}${name}`, specFile: spec === undefined ? null : `${prefix}${spec}` };
  });
}
