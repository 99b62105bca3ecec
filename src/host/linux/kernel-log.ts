import { closeSync, constants, openSync, readSync } from "node:fs";
import { join } from "node:path";
import { known, type Observed, unknown } from "../observed.ts";
import { errnoName, reasonOf } from "./refusal.ts";

/**
 * What the kernel log says of a PF, or of a LAG of mlx5, as far as it matters now; nothing when the log cannot be read.
 * Source: linux Documentation/ABI/testing/dev-kmsg: a read gives one record, `priority,sequence,time,flags;text`.
 */
export function kernelLogOf(devRoot: string, pf: string): string[] {
  return linesAbout(pf, known(readKernelLog(devRoot)) ?? []);
}

/** The texts of all records that the kernel still has, oldest first; unknown when the log cannot be opened. */
export function readKernelLog(devRoot: string): Observed<string[]> {
  return readLog(join(devRoot, "kmsg"));
}

/**
 * The last five lines, and before them, if it is older, the one that says that the driver must be restarted: until it is,
 * the others follow from that. At its start the driver tells its firmware's version.
 */
export function linesAbout(pf: string, log: readonly string[]): string[] {
  const lines = log.filter(
    (text) => (text.includes(pf) || (text.includes("mlx5") && /\blag\b/i.test(text))) && !text.includes(": renamed from "),
  );
  const started = lines.findLastIndex((text) => text.includes(pf) && text.includes("firmware version"));
  const restart = lines.findLastIndex((text) => text.includes("driver restart required"));
  const from = Math.max(0, lines.length - 5);
  return [...(restart > started && restart < from ? lines.slice(restart, restart + 1) : []), ...lines.slice(from)];
}

function readLog(path: string): Observed<string[]> {
  const texts: string[] = [];
  let file: number;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    return unknown(`the kernel log cannot be read: ${reasonOf(error)}`);
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
