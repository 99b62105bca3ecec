import * as z from "zod";
import { isNetdevName, macPattern, pciAddressPattern } from "./values.ts";

/** Schemas of the values of values.ts, for what is read from files. */

export const PciAddress = z
  .string()
  .regex(pciAddressPattern, "not a PCI address such as 0000:37:00.0")
  .brand<"PciAddress">()
  .meta({ id: "PciAddress", description: "domain:bus:slot.function, lower-case hexadecimal" });

export const NetdevName = z
  .string()
  .refine(
    isNetdevName,
    "not a name that the kernel accepts (1 to 15 bytes, no white space, no '/', ':' or '%')",
  )
  .meta({
    id: "NetdevName",
    description: "a network interface's name, 1 to 15 bytes",
    minLength: 1,
    maxLength: 15,
  });

export const Mac = z
  .string()
  .regex(macPattern, "not a MAC address such as 24:8a:07:b4:30:8a")
  .meta({ id: "Mac", description: "six bytes, lower-case hexadecimal" });

/** A PCI vendor or product id, without `0x`. */
export const PciId = z
  .string()
  .regex(/^[0-9a-f]{4}$/, "not four lower-case hexadecimal digits such as 15b3")
  .meta({ id: "PciId", description: "four lower-case hexadecimal digits" });
