import * as z from "zod";
import { PciAddress } from "./schemas.ts";

/**
 * A setting that a device has refused because it cannot do it, whatever its mode: asking again, with the same
 * kernel and the same firmware, is answered alike.
 */
export const RefusedSetting = z
  .strictObject({
    pf: PciAddress,
    setting: z.enum(["steering", "encap"]),
    value: z.string(),
    /** The driver's sentence, or the error's name where it said none. */
    words: z.string(),
    kernel: z.string(),
    firmware: z.string().nullable(),
  })
  .meta({
    id: "RefusedSetting",
    description: "a setting that the device cannot do, as it said when it was asked",
  });
export type RefusedSetting = z.infer<typeof RefusedSetting>;
