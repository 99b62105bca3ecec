/**
 * A value that was observed, or the reason why it could not be.
 *
 * "Not supported" is a fact and is written `null` by the field that can have it; `{ unknown }` means that
 * nobody looked or that looking failed. The difference decides between "wrong" and "cannot tell", so it is
 * never folded into a default.
 */
export type Observed<T> = T | Unknown;

/** Why a value is not known, in words for an operator: `{ unknown: "debugfs is not mounted" }`. */
export interface Unknown {
  readonly unknown: string;
}

/** Says that a value could not be observed, and why. */
export function unknown(reason: string): Unknown {
  return { unknown: reason };
}

/** For what older versions did not look at, in the states that they saved. */
export const notLookedThen = { unknown: "the version of vflag that saved this state did not look at it" };

/** True when the value could not be observed. */
export function isUnknown(value: unknown): value is Unknown {
  return typeof value === "object" && value !== null && "unknown" in value;
}

/** The value if it was observed, else `undefined`. */
export function known<T>(value: T): Exclude<T, Unknown> | undefined {
  return isKnown(value) ? value : undefined;
}

function isKnown<T>(value: T): value is Exclude<T, Unknown> {
  return !isUnknown(value);
}
