import { strip } from "../files/python-text.ts";

/** A value of a rule, and how Nova's Python takes it. */
export type Json = string | number | boolean | null | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json;
}

/** As oslo_utils.strutils.bool_from_string. */
export function isTrueString(value: Json | undefined): boolean {
  if (typeof value === "boolean") return value;
  return ["1", "t", "true", "on", "y", "yes"].includes(strip(pythonString(value ?? null)).toLowerCase());
}

/** As Python's `str(value)`, as far as options have such values. */
export function pythonString(value: Json): string {
  if (typeof value === "boolean") return value ? "True" : "False";
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** As Python's `bool(value)`. */
export function isTruthy(value: Json): boolean {
  if (isList(value)) return value.length > 0;
  return isObject(value) ? Object.keys(value).length > 0 : Boolean(value);
}

export function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

export function isObject(value: Json): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
