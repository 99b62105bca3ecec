import { NetlinkFormatError } from "./errors.ts";

/**
 * Netlink attributes (struct nlattr: u16 length, u16 type, payload, padding to 4) by declarative tables.
 *
 * @example
 * const link = attributes({ name: [3, string], mtu: [4, u32], altNames: [52, list(53, string)] });
 * link.decode(bytes)                  // { name?: string, mtu?: number, altNames?: string[] }
 * link.encode({ name: "eth0" })       // Buffer
 *
 * A table says what we use: attributes that it does not name are skipped, so newer kernels do no harm.
 * Every length is checked; bytes that make no sense give a NetlinkFormatError that names the attribute.
 * Source: linux/netlink.h, net/netlink.h of the kernel.
 */
export function attributes<V>(fields: Fields<V>): Attributes<V> {
  const readers: (Reader<V> | undefined)[] = [];
  for (const key in fields) {
    const [type, codec] = fields[key];
    readers[type] = (values, buffer, start, end) => {
      try {
        values[key] = codec.decode(buffer, start, end, values[key]);
      } catch (error) {
        throw error instanceof NetlinkFormatError
          ? new NetlinkFormatError(`${key}: ${error.message}`)
          : error;
      }
    };
  }
  return {
    nested: true,
    decode(buffer, start = 0, end = buffer.length) {
      const values: Partial<V> = {};
      for (let at = start; end - at >= HEADER; ) {
        const length = readU16(buffer, at);
        if (length < HEADER || length > end - at) {
          throw new NetlinkFormatError(`attribute of ${length} bytes where ${end - at} are left`);
        }
        readers[readU16(buffer, at + 2) & TYPE_MASK]?.(values, buffer, at + HEADER, at + length);
        at += (length + 3) & ~3;
      }
      return values;
    },
    encode(values) {
      const parts: Buffer[] = [];
      for (const key in fields) {
        const [type, codec] = fields[key];
        const value = values[key];
        if (value === undefined) continue;
        for (const payload of codec.encode(value))
          parts.push(encodeAttribute(type, payload, codec.nested === true));
      }
      return [Buffer.concat(parts)];
    },
  };
}

/** How a value stands in an attribute's payload. */
export interface Codec<T> {
  /** Payloads are buffer[start..end). `previous` is what an earlier attribute of the same type gave. */
  decode(buffer: Buffer, start: number, end: number, previous?: T): T;
  /** One payload per attribute: one, but for `repeated` (one each) and `flag` (none when false). */
  encode(value: T): readonly Buffer[];
  /** The payload is attributes again: NLA_F_NESTED is set, which strict families such as ethtool demand. */
  readonly nested?: boolean;
}

/**
 * A table of attributes is itself a codec, so tables nest. Every value is optional: the kernel leaves out
 * what it does not know.
 */
export interface Attributes<V> extends Codec<Partial<V>> {
  decode(buffer: Buffer, start?: number, end?: number): Partial<V>;
}

/** Attribute type and codec, by name. */
export type Fields<V> = { readonly [K in keyof V]: readonly [type: number, codec: Codec<V[K]>] };

/** What a table decodes to: `Decoded<typeof linkAttributes>`. */
export type Decoded<A> = A extends Attributes<infer V> ? Partial<V> : never;

/** Numbers. 64-bit ones are bigint: counters and parameters can pass 2^53. */
export const u8 = fixed<number>(
  1,
  (b, at) => b.readUInt8(at),
  (v, b) => b.writeUInt8(v),
);
export const u16 = fixed<number>(
  2,
  (b, at) => b.readUInt16LE(at),
  (v, b) => b.writeUInt16LE(v),
);
export const u32 = fixed<number>(
  4,
  (b, at) => b.readUInt32LE(at),
  (v, b) => b.writeUInt32LE(v),
);
export const i32 = fixed<number>(
  4,
  (b, at) => b.readInt32LE(at),
  (v, b) => b.writeInt32LE(v),
);
export const u64 = fixed<bigint>(
  8,
  (b, at) => b.readBigUInt64LE(at),
  (v, b) => b.writeBigUInt64LE(v),
);

/** Text up to its NUL, or to the end where the kernel left the NUL out (NLA_STRING). */
export const string: Codec<string> = {
  decode(buffer, start, end) {
    const nul = buffer.indexOf(0, start);
    return buffer.toString("utf8", start, nul === -1 || nul > end ? end : nul);
  },
  encode: (value) => [Buffer.from(`${value}\0`)],
};

/** Present or absent, no payload. */
export const flag: Codec<boolean> = {
  decode: () => true,
  encode: (value) => (value ? [Buffer.alloc(0)] : []),
};

/** Bytes as they are; a view, not a copy. Also for nests whose table depends on another attribute. */
export const bytes: Codec<Buffer> = {
  decode: (buffer, start, end) => buffer.subarray(start, end),
  encode: (value) => [value],
};

/** Bytes as lower-case hexadecimal: `e8ebd30003a2a0b8`. */
export const hex: Codec<string> = {
  decode: (buffer, start, end) => buffer.toString("hex", start, end),
  encode: (value) => [Buffer.from(value, "hex")],
};

/** A hardware address of any length (6 bytes for Ethernet, 20 for InfiniBand): `24:8a:07:ad:77:ca`. */
export const hardwareAddress: Codec<string> = {
  decode: (buffer, start, end) => formatHardwareAddress(buffer, start, end),
  encode: (value) => [parseHardwareAddress(value)],
};

/**
 * Parses a hardware address, bytes with two digits each. Throws NetlinkFormatError rather than leave bytes
 * out.
 */
export function parseHardwareAddress(text: string): Buffer {
  if (!/^[0-9a-f]{2}(:[0-9a-f]{2})*$/i.test(text))
    throw new NetlinkFormatError(`${JSON.stringify(text)} is no hardware address`);
  return Buffer.from(text.replaceAll(":", ""), "hex");
}

/** Formats buffer[start..end) as a hardware address. */
export function formatHardwareAddress(buffer: Buffer, start: number, end: number): string {
  return buffer.toString("hex", start, end).replace(/..(?=.)/g, "$&:");
}

/** A value of a fixed size. `read` is called only when all bytes are there; a longer payload is an error. */
export function fixed<T>(
  size: number,
  read: (buffer: Buffer, at: number) => T,
  write: (value: T, buffer: Buffer) => void,
): Codec<T> {
  return sized(size, size, read, write);
}

/** A C struct: as `fixed`, and a longer payload is a newer kernel's, whose added fields are skipped. */
export function struct<T>(
  size: number,
  read: (buffer: Buffer, at: number) => T,
  write: (value: T, buffer: Buffer) => void,
): Codec<T> {
  return sized(size, Number.POSITIVE_INFINITY, read, write);
}

/** The same attribute several times, side by side. */
export function repeated<T>(element: Codec<T>): Codec<T[]> {
  return {
    nested: element.nested === true,
    decode(buffer, start, end, previous = []) {
      previous.push(element.decode(buffer, start, end));
      return previous;
    },
    encode: (values) => values.flatMap((value) => element.encode(value)),
  };
}

/** A nest that holds the same attribute several times: IFLA_VFINFO_LIST and its IFLA_VF_INFO. */
export function list<T>(type: number, element: Codec<T>): Codec<T[]> {
  const nest = attributes({ items: [type, repeated(element)] });
  return {
    nested: true,
    decode: (buffer, start, end) => nest.decode(buffer, start, end).items ?? [],
    encode: (values) => nest.encode({ items: values }),
  };
}

type Reader<V> = (values: Partial<V>, buffer: Buffer, start: number, end: number) => void;

const HEADER = 4;
const NESTED = 0x8000;
/** Clears NLA_F_NESTED and NLA_F_NET_BYTEORDER. */
const TYPE_MASK = 0x3fff;

/** As readUInt16LE, in half the time while the code is cold, and a link table is mostly read once. */
function readU16(buffer: Buffer, at: number): number {
  return (buffer[at] ?? 0) | ((buffer[at + 1] ?? 0) << 8);
}

function sized<T>(
  size: number,
  longest: number,
  read: (buffer: Buffer, at: number) => T,
  write: (value: T, buffer: Buffer) => void,
): Codec<T> {
  return {
    decode(buffer, start, end) {
      const length = end - start;
      if (length < size || length > longest)
        throw new NetlinkFormatError(`${length} bytes where ${size} are due`);
      return read(buffer, start);
    },
    encode(value) {
      const buffer = Buffer.alloc(size);
      write(value, buffer);
      return [buffer];
    },
  };
}

function encodeAttribute(type: number, payload: Buffer, nested: boolean): Buffer {
  const length = HEADER + payload.length;
  if (length > 0xffff) throw new NetlinkFormatError(`attribute ${type}: ${payload.length} bytes do not fit`);
  const buffer = Buffer.alloc((length + 3) & ~3);
  buffer.writeUInt16LE(length, 0);
  buffer.writeUInt16LE(nested ? type | NESTED : type, 2);
  payload.copy(buffer, HEADER);
  return buffer;
}
