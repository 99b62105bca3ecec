/**
 * What somebody else's JSON or YAML has for a value, as text: a string as it is, anything else as JSON.
 * `String(value)` calls the object's own `toString`, which such data may have, and fails where it is no
 * function.
 */
export function valueText(value: unknown): string {
  return typeof value === "string" ? value : (JSON.stringify(value) ?? "undefined");
}
