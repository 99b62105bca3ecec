import * as z from "zod";

const Unknown = z
  .strictObject({ unknown: z.string() })
  .meta({ id: "Unknown", description: "could not be observed, and why" });

/** A value that was observed, or the reason why not, as it stands in a saved state. */
export function observed<T extends z.ZodType>(schema: T) {
  return z.union([schema, Unknown]);
}
