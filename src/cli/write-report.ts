import { statSync } from "node:fs";
import { writeWhole } from "../host/linux/files.ts";
import { UsageError } from "./target.ts";

/** Writes a report, whole or not at all; a new file can be read by everybody (0644), as node_exporter's collector needs it. */
export async function writeReport(file: string, text: string): Promise<void> {
  try {
    const there = statSync(file, { throwIfNoEntry: false });
    if (there !== undefined && !there.isFile()) throw new UsageError(`--write ${file}: that is no regular file`);
    await writeWhole(file, text);
  } catch (error) {
    if (error instanceof UsageError || !(error instanceof Error)) throw error;
    throw new UsageError(`--write ${file}: ${error.message}`, { cause: error });
  }
}
