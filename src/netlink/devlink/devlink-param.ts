import { type Codec, string, u8, u16, u32, u64 } from "../transport/attributes.ts";

export type ParamType = "u8" | "u16" | "u32" | "u64" | "string" | "flag";
/** runtime: at once; driverinit: after a devlink reload; permanent: after a reset, kept in the device. */
export type ParamMode = (typeof paramModes)[number];
/** u64 is bigint; flag is boolean. */
export type ParamValue = number | bigint | string | boolean;

/** DEVLINK_PARAM_CMODE_*, in the kernel's order. */
export const paramModes = ["runtime", "driverinit", "permanent"] as const;

/**
 * The types of parameters: DEVLINK_PARAM_TYPE_*, numbers from NLA_U8 on. A false flag is an attribute that is
 * not there.
 */
interface ParamTypeEntry {
  readonly id: number;
  readonly name: ParamType;
  /** Undefined: no value there. */
  decode(data: Buffer | undefined): ParamValue | undefined;
  /** Null: nothing to send. Undefined: the value is not of this type. */
  encode(value: ParamValue): Buffer | null | undefined;
}

export const paramTypes: readonly ParamTypeEntry[] = [
  paramType(1, "u8", u8, (value) => integer(value, 0xff)),
  paramType(2, "u16", u16, (value) => integer(value, 0xffff)),
  paramType(3, "u32", u32, (value) => integer(value, 0xffff_ffff)),
  paramType(4, "u64", u64, integer64),
  paramType(5, "string", string, (value) => (typeof value === "string" ? value : undefined)),
  {
    id: 6,
    name: "flag",
    decode: (data) => data !== undefined,
    encode: (value) => (typeof value === "boolean" ? (value ? Buffer.alloc(0) : null) : undefined),
  },
];

function paramType<T extends ParamValue>(
  id: number,
  name: ParamType,
  codec: Codec<T>,
  narrow: (value: ParamValue) => T | undefined,
): ParamTypeEntry {
  return {
    id,
    name,
    decode: (data) => data && codec.decode(data, 0, data.length),
    encode(value) {
      const narrowed = narrow(value);
      return narrowed === undefined ? undefined : codec.encode(narrowed)[0];
    },
  };
}

function integer(value: ParamValue, largest: number): number | undefined {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= largest
    ? value
    : undefined;
}

function integer64(value: ParamValue): bigint | undefined {
  if (typeof value === "number") return Number.isSafeInteger(value) && value >= 0 ? BigInt(value) : undefined;
  return typeof value === "bigint" && value === BigInt.asUintN(64, value) ? value : undefined;
}
