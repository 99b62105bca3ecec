import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type KernelRecord, parseKmsg } from "../../src/host/linux/log/kernel-records.ts";

/** Kernel logs for tests, written as `dmesg` prints them. */

/**
 * The records of `[  44.064025] text` lines, as /dev/kmsg would give them; what has no time belongs to the
 * line before.
 */
export function dmesg(
  text: string,
  options: { readonly level?: number; readonly first?: number } = {},
): KernelRecord[] {
  const { level = 6, first = 0 } = options;
  const lines = text.split("\n").flatMap((line) => {
    const [, seconds, said = ""] = /^\s*\[\s*(\d+\.\d+)\] (.*)$/.exec(line) ?? [];
    return seconds === undefined ? [] : [{ micros: Math.round(Number(seconds) * 1e6), said }];
  });
  const kmsg = lines.map(({ micros, said }, index) => {
    const worse = /failed|failure|can't|not supported/i.test(said) ? 3 : level;
    return `${worse},${first + index},${micros},-;${said.replaceAll("\\", "\\x5c")}`;
  });
  return parseKmsg(kmsg.join("\n")).records;
}

/** A capture in test/symptoms/captures. */
export function capture(name: string): string {
  return readFileSync(join(import.meta.dirname, "../symptoms/captures", name), "utf8");
}
