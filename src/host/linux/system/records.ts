import { closeSync, constants, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { FileError, systemErrorOf, systemErrorText } from "./system-error.ts";
import { openOwn } from "./trusted.ts";

/**
 * Records of this machine: files of one's own, and the kernel's log for what must be known when no file can
 * be written.
 */

/** Opens a record to be appended to, and makes it and its folder. Throws FileError. */
export function openRecord(file: string): number {
  return openOwn(file, { flags: constants.O_APPEND, mode: 0o640, folderMode: 0o750 });
}

/** What an error says, in a line; the system's answers with their own names and words. */
export function reasonInWords(error: unknown): string {
  const system = error instanceof FileError ? null : systemErrorOf(error);
  if (system !== null) return systemErrorText(system);
  return error instanceof Error ? error.message : String(error);
}

/**
 * The kernel takes so many bytes as one record. Source: linux kernel/printk/printk.c, devkmsg_write(),
 * PRINTKRB_RECORD_MAX.
 */
const longest = 900;

/**
 * Writes a warning to the kernel's log, where journald and `dmesg` find it also when no disk can be written
 * to; who may not, does not. Source: linux Documentation/ABI/testing/dev-kmsg.
 */
export function warnKernelLog(text: string, devRoot = "/dev"): void {
  try {
    const file = openSync(
      join(devRoot, "kmsg"),
      constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW,
    );
    try {
      writeSync(
        file,
        Buffer.from(`<4>vflag[${process.pid}]: ${text.replace(/[\x00-\x1f\x7f]/g, " ")}\n`).subarray(
          0,
          longest,
        ),
      );
    } finally {
      closeSync(file);
    }
  } catch (error) {
    // It is the second place of a warning: standard error is the first.
    if (systemErrorOf(error) === null) throw error;
  }
}
