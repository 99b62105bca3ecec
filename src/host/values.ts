import * as z from "zod";

/**
 * A PCI function's address, `domain:bus:slot.function` in lower-case hexadecimal: `0000:37:00.1`.
 * Domains may have more than four digits (VMD, hyperv: `10000:01:00.0`).
 */
export const PciAddress = z
  .string()
  .regex(/^[0-9a-f]{4,8}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7]$/, "not a PCI address such as 0000:37:00.0")
  .brand<"PciAddress">()
  .meta({ id: "PciAddress", description: "domain:bus:slot.function, lower-case hexadecimal" });
export type PciAddress = z.infer<typeof PciAddress>;

/**
 * A network interface's name as the kernel accepts it: 1 to 15 bytes, no white space, no `/`, `:` nor `%`, not `.` or `..`.
 * Source: linux net/core/dev.c, dev_valid_name(); `%` would be expanded by dev_alloc_name().
 */
export const NetdevName = z
  .string()
  .refine(isNetdevName, "not a name that the kernel accepts (1 to 15 bytes, no white space, no '/', ':' or '%')")
  .meta({ id: "NetdevName", description: "a network interface's name, 1 to 15 bytes", minLength: 1, maxLength: 15 });

/** A MAC address in lower-case hexadecimal, `24:8a:07:b4:30:8a`. */
export const Mac = z
  .string()
  .regex(/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/, "not a MAC address such as 24:8a:07:b4:30:8a")
  .meta({ id: "Mac", description: "six bytes, lower-case hexadecimal" });

/** A PCI vendor or product id: four lower-case hexadecimal digits without `0x`. */
export const PciId = z
  .string()
  .regex(/^[0-9a-f]{4}$/, "not four lower-case hexadecimal digits such as 15b3")
  .meta({ id: "PciId", description: "four lower-case hexadecimal digits" });

/** The part of a PCI address that all functions of one card share: `0000:37:00`. */
export function slotOf(address: PciAddress): string {
  return address.slice(0, address.lastIndexOf("."));
}

/** The kernel's own test of an interface name (net/core/dev.c, dev_valid_name), and no control characters, which terminals obey. */
export function isNetdevName(name: string): boolean {
  const bytes = new TextEncoder().encode(name).length;
  return bytes >= 1 && bytes <= 15 && name !== "." && name !== ".." && !/[\s/:%\x00-\x1f\x7f]/.test(name);
}
