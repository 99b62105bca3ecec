import { plainText } from "../../plain-text.ts";
import type { KernelLine } from "../../state/kernel-log.ts";
import { type PciAddress, parsePciAddress } from "../../state/values.ts";

/** One record of the kernel log. `gap`: what came before it is missing. */
export interface KernelRecord extends KernelLine {
  readonly gap: boolean;
}

/**
 * The records of a text as /dev/kmsg gives them: `priority,sequence,microseconds,flags[,more];text`, then
 * lines that begin with a blank and hold a dictionary. Bytes that are no printable ASCII, and the backslash,
 * come as \xNN. Lines of another form are skipped. Kernels before 4.9 give a line that was printed in parts
 * as records of their own: the flag + continues the one before. Source: linux
 * Documentation/ABI/testing/dev-kmsg; kernel/printk/printk.c, info_print_ext_header() and msg_add_ext_text().
 * @param last the sequence number before the first record, where something was read already
 */
export function parseKmsg(text: string, last = -1): { records: KernelRecord[]; last: number } {
  const records: { -readonly [Key in keyof KernelRecord]: KernelRecord[Key] }[] = [];
  let sequence = last;
  for (const line of text.split("\n")) {
    const current = records.at(-1);
    if (line.startsWith(" ")) {
      const device = /^ DEVICE=\+pci:(\S+)$/.exec(line)?.[1];
      if (device !== undefined && current !== undefined)
        current.device = parsePciAddress(device) ?? current.device;
      continue;
    }
    const [, priority = "", number = "", micros = "", flags = "", rest = ""] =
      /^(\d+),(\d+),(\d+),([^,;]*)(?:,[^;]*)?;(.*)$/.exec(line) ?? [];
    if (priority === "") continue;
    const said = plainText(unescaped(rest));
    const gap = Number(number) !== sequence + 1;
    sequence = Number(number);
    if (flags === "+" && current !== undefined && !gap) current.text += ` ${said}`;
    else
      records.push({
        seconds: Number(micros) / 1e6,
        level: Number(priority) % 8,
        device: pciAddressIn(said),
        text: said,
        gap,
      });
  }
  return { records, last: sequence };
}

/**
 * The kernel's records of `journalctl -o json`, one object a line. A message that is not UTF-8 is a list of
 * bytes. What journald itself says of kernel messages that it missed stands for a gap. Lines of another form
 * are skipped. Source: systemd.journal-fields(7), journal-export-formats (Journal JSON Format); systemd
 * src/journal/journald-kmsg.c.
 */
export function parseJournal(text: string): KernelRecord[] {
  const records: KernelRecord[] = [];
  // Nothing tells that the first one is the kernel's first but the words with which each kernel begins.
  let gap = true;
  for (const line of text.split("\n")) {
    const fields = parseFields(line);
    if (fields === null) continue;
    const message = messageOf(fields["MESSAGE"]);
    const transport = fields["_TRANSPORT"];
    if (transport === "driver") {
      gap ||= message !== null && /^Missed \d+ kernel messages/.test(message);
      continue;
    }
    const micros = Number(
      fields["_SOURCE_MONOTONIC_TIMESTAMP"] ?? fields["__MONOTONIC_TIMESTAMP"] ?? Number.NaN,
    );
    if (message === null || !Number.isFinite(micros) || micros < 0) {
      gap = true;
      continue;
    }
    const said = plainText(message);
    const priority = fields["PRIORITY"];
    const level = typeof priority === "string" && /^[0-7]$/.test(priority) ? Number(priority) : null;
    const device = fields["_KERNEL_DEVICE"];
    const named = typeof device === "string" ? parsePciAddress(device.replace(/^\+pci:/, "")) : null;
    const first = records.length === 0 && /^Linux version \d/.test(said);
    records.push({
      seconds: micros / 1e6,
      level,
      device: named ?? pciAddressIn(said),
      text: said,
      gap: gap && !first,
    });
    gap = false;
  }
  return records;
}

/** The first PCI function that a text names. */
function pciAddressIn(text: string): PciAddress | null {
  return parsePciAddress(
    /(?<![0-9a-f:])[0-9a-f]{4,8}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7](?![0-9a-f])/.exec(text)?.[0] ?? null,
  );
}

/** Undoes \xNN; what then is no UTF-8 becomes U+FFFD. */
function unescaped(text: string): string {
  if (!text.includes("\\x")) return text;
  return text.replace(/(?:\\x[0-9a-f]{2})+/gi, (escapes) =>
    Buffer.from(escapes.replaceAll("\\x", ""), "hex").toString("utf8"),
  );
}

function parseFields(line: string): Readonly<Record<string, unknown>> | null {
  if (!line.startsWith("{")) return null;
  try {
    const parsed: unknown = JSON.parse(line);
    return typeof parsed === "object" && parsed !== null ? Object.fromEntries(Object.entries(parsed)) : null;
  } catch {
    return null;
  }
}

function messageOf(value: unknown): string | null {
  if (typeof value === "string") return value;
  if (Array.isArray(value) && value.every((byte) => Number.isInteger(byte) && byte >= 0 && byte < 256))
    return Buffer.from(value).toString("utf8");
  return null;
}
