import type * as z from "zod";

/**
 * Values that are checked where they come in and carried by their types from then on.
 * Nothing here loads zod: its schemas of the same values are in schemas.ts, for reading files.
 */

/**
 * A PCI function's address, `domain:bus:slot.function` in lower-case hexadecimal: `0000:37:00.1`.
 * Domains may have more than four digits (VMD, hyperv: `10000:01:00.0`).
 */
export type PciAddress = string & z.core.$brand<"PciAddress">;

export const pciAddressPattern = /^[0-9a-f]{4,8}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7]$/;
export const macPattern = /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/;

/** The text as a PCI address, or `null` where it is none. */
export function parsePciAddress(text: string | null): PciAddress | null {
  return text !== null && isPciAddress(text) ? text : null;
}

/** The text as a PCI address. @throws where it is none */
export function pciAddress(text: string): PciAddress {
  if (isPciAddress(text)) return text;
  throw new Error(`"${text}" is not a PCI address such as 0000:37:00.0`);
}

/** Six bytes in lower-case hexadecimal, `24:8a:07:b4:30:8a`. */
export function isMac(text: string): boolean {
  return macPattern.test(text);
}

/** The part of a PCI address that all functions of one card share: `0000:37:00`. */
export function slotOf(address: PciAddress): string {
  return address.slice(0, address.lastIndexOf("."));
}

/**
 * A network interface's name as the kernel accepts it: 1 to 15 bytes, no white space, no `/`, `:` nor `%`,
 * not `.` or `..`. Source: linux net/core/dev.c, dev_valid_name(); `%` would be expanded by dev_alloc_name().
 * Control characters are refused too, though the kernel takes them: terminals obey them.
 */
export function isNetdevName(name: string): boolean {
  if (usualName.test(name)) return name !== "." && name !== "..";
  const bytes = new TextEncoder().encode(name).length;
  return bytes >= 1 && bytes <= 15 && name !== "." && name !== ".." && !/[\s/:%\x00-\x1f\x7f]/.test(name);
}

/** Of printable ASCII, as nearly all are: a state has hundreds of names. */
const usualName = /^[!-$&-.0-9;-~]{1,15}$/;

function isPciAddress(text: string): text is PciAddress {
  return pciAddressPattern.test(text);
}
