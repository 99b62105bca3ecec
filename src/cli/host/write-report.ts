import { statSync } from "node:fs";
import { dirname } from "node:path";
import { writeWhole } from "../../host/linux/system/files.ts";
import { UsageError } from "../target.ts";

/**
 * Writes a report, whole or not at all; a new file can be read by everybody (0644), as node_exporter's
 * collector needs it.
 */
export async function writeReport(file: string, text: string): Promise<void> {
  try {
    const there = statSync(file, { throwIfNoEntry: false });
    if (there !== undefined && !there.isFile())
      throw new UsageError(`--write ${file}: that is no regular file`);
    const folder = dirname(file);
    if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true)
      throw new UsageError(
        `--write ${file}: ${folder} is no directory; make it first, so that its owner and mode are yours ` +
          `to choose`,
      );
    await writeWhole(file, text);
  } catch (error) {
    if (error instanceof UsageError || !(error instanceof Error)) throw error;
    throw new UsageError(`--write ${file}: ${error.message}`, { cause: error });
  }
}
