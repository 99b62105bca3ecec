import type { AttributeRegistry } from "./registry.ts";
import { type Entry, undecided } from "./vendors.ts";

/** What a value means. `auto`: the BIOS decides. */
export type Standing = "on" | "off" | "auto" | "unknown";

export function standingOf(value: unknown, { on }: Pick<Entry, "on">): Standing {
  if (typeof value === "boolean") return value ? "on" : "off";
  if (typeof value !== "string") return "unknown";
  if (on.includes(value)) return "on";
  if (undecided.has(value.toLowerCase())) return "auto";
  return /^(?:disabled?|off|no)$/i.test(value) ? "off" : "unknown";
}

/** The value that turns a setting on, as its registry has it. */
export function wantedValue(
  name: string,
  { on }: Pick<Entry, "on">,
  registry: AttributeRegistry | { readonly problem: string },
): { readonly value: string | boolean } | { readonly problem: string } {
  if ("problem" in registry) return { problem: `its attribute registry cannot be read: ${registry.problem}` };
  const attribute = registry.attributes.get(name);
  if (attribute === undefined) return { problem: "the BIOS attribute registry does not describe it" };
  if (attribute.type === "Boolean") return { value: true };
  if (attribute.type !== "Enumeration")
    return {
      problem: `the registry says that it is of type ${attribute.type || "unknown"}, not an enumeration`,
    };
  const value = on.find((candidate) => attribute.values.includes(candidate));
  if (value !== undefined) return { value };
  return {
    problem:
      `none of its values means on for sure: the registry lists ` +
      `${attribute.values.slice(0, 10).join(", ") || "none"}`,
  };
}
