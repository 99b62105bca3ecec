import { closeSync, constants, openSync, readSync } from "node:fs";
import { join } from "node:path";
import { errnoName } from "./refusal.ts";

/**
 * The last five lines of the kernel log that name a PF, or a LAG of mlx5; none when the log cannot be read.
 * Source: linux Documentation/ABI/testing/dev-kmsg: a read gives one record, `priority,sequence,time,flags;text`.
 */
export function kernelLogOf(devRoot: string, pf: string): string[] {
  const about = (text: string) =>
    (text.includes(pf) || (text.includes("mlx5") && /\blag\b/i.test(text))) && !text.includes(": renamed from ");
  return readLog(join(devRoot, "kmsg")).filter(about).slice(-5);
}

function readLog(path: string): string[] {
  const texts: string[] = [];
  let file: number;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch {
    return texts;
  }
  try {
    const record = Buffer.alloc(8192);
    for (;;) {
      const text = readRecord(file, record);
      if (text === null) return texts;
      texts.push(text);
    }
  } finally {
    closeSync(file);
  }
}

/** The next record's text; null at the end, where the kernel answers EAGAIN. */
function readRecord(file: number, buffer: Buffer): string | null {
  for (;;) {
    try {
      const length = readSync(file, buffer);
      if (length === 0) return null;
      const [line = ""] = buffer.toString("utf8", 0, length).split("\n");
      // Line feeds within a record, and other bytes that are no text, come escaped.
      return line.slice(line.indexOf(";") + 1).replaceAll("\\x0a", " ");
    } catch (error) {
      // Records that were overwritten before they could be read are skipped.
      if (errnoName(error) !== "EPIPE") return null;
    }
  }
}
