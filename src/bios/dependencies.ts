import { valueText } from "../host/value-text.ts";
import type { AttributeRegistry, Condition } from "./registry.ts";

/** What attributes are set to. */
export type AttributeValues = ReadonlyMap<string, unknown>;

/** Properties that keep an attribute from being changed. */
const locks = ["ReadOnly", "GrayOut"] as const;

/**
 * Why an attribute cannot be changed while the others have these values; null where it can.
 * Source: DMTF AttributeRegistry.v1_3, MapFromCondition and MapTerms, which join from the first condition to
 * the last.
 */
export function lockOf(registry: AttributeRegistry, name: string, values: AttributeValues): string | null {
  const attribute = registry.attributes.get(name);
  if (attribute === undefined) return "the BIOS attribute registry does not describe it";
  // Of several dependencies that hold, the last one decides.
  const state = new Map<string, { readonly on: boolean; readonly because: string | null }>([
    ["ReadOnly", { on: attribute.readOnly, because: null }],
    ["GrayOut", { on: attribute.grayOut, because: null }],
  ]);
  for (const { attribute: to, property, value, conditions } of registry.dependencies) {
    if (to !== name || !state.has(property) || !allHold(conditions, values)) continue;
    state.set(property, {
      on: value === true,
      because: conditions.map((each) => wordsOf(each, values)).join(", "),
    });
  }
  for (const property of locks) {
    const { on, because } = state.get(property) ?? { on: false, because: null };
    if (on)
      return because === null
        ? "the BIOS lets nobody change it (read-only)"
        : `it depends on another setting: ${because}`;
  }
  return null;
}

function allHold(conditions: readonly Condition[], values: AttributeValues): boolean {
  return conditions.reduce((before, condition, index) => {
    const now = holds(condition, values);
    if (index === 0) return now;
    return condition.term === "OR" ? before || now : before && now;
  }, false);
}

/** A condition on anything but a current value, or on an attribute that is not there, does not hold. */
function holds({ attribute, property, condition, value }: Condition, values: AttributeValues): boolean {
  if (property !== "CurrentValue" || !values.has(attribute)) return false;
  const current = values.get(attribute);
  if (condition === "EQU") return current === value;
  if (condition === "NEQ") return current !== value;
  if (typeof current !== "number" || typeof value !== "number") return false;
  switch (condition) {
    case "GTR":
      return current > value;
    case "GEQ":
      return current >= value;
    case "LSS":
      return current < value;
    case "LEQ":
      return current <= value;
    default:
      return false;
  }
}

function wordsOf({ attribute }: Condition, values: AttributeValues): string {
  return `${attribute} is ${valueText(values.get(attribute))}`;
}
