/**
 * zstd as Node has it, bound through node:ffi at first use: node:zlib makes a context for each text, and
 * reads all of the dictionary into it first, which takes three times as long as the rest. Either can read
 * what the other has made, with the prefix as the dictionary. Source: zstd.h 1.5, "Advanced compression API".
 */
interface Zstd {
  readonly compressed: (text: Buffer, prefix: Buffer) => Buffer;
  readonly decompress: (data: Uint8Array, into: Buffer, prefix: Buffer) => void;
}

/**
 * Compresses a text, with its checksum.
 * @param prefix what it is like: it is needed again to read the text. One that comes again is made ready for
 * that, and may not change
 * @returns bytes that are valid until the next call
 */
export function compressed(text: Buffer, prefix: Buffer): Buffer {
  zstd ??= load();
  return zstd.compressed(text, prefix);
}

/** Reads a text of known length. @throws where the data does not make that text: it has a checksum */
export function decompress(data: Uint8Array, into: Buffer, prefix: Buffer): void {
  zstd ??= load();
  zstd.decompress(data, into, prefix);
}

let zstd: Zstd | undefined;

/** Source: zstd.h, ZSTD_cParameter. */
const [compressionLevel, checksumFlag] = [100, 201];

/** zstd's own. */
const level = 3;

/** So many prefixes are kept ready, and of so many bytes: a fleet has hosts of a few kinds. */
const [most, largest] = [8, 1024 * 1024];

function load(): Zstd {
  const { dlopen, toString: textAt } = process.getBuiltinModule("node:ffi");
  const { functions } = dlopen(null, {
    ZSTD_createCCtx: { arguments: [], return: "pointer" },
    ZSTD_CCtx_setParameter: { arguments: ["pointer", "i32", "i32"], return: "u64" },
    ZSTD_CCtx_refPrefix: { arguments: ["pointer", "buffer", "u64"], return: "u64" },
    ZSTD_CCtx_refCDict: { arguments: ["pointer", "pointer"], return: "u64" },
    ZSTD_createCDict: { arguments: ["buffer", "u64", "i32"], return: "pointer" },
    ZSTD_freeCDict: { arguments: ["pointer"], return: "u64" },
    ZSTD_compressBound: { arguments: ["u64"], return: "u64" },
    ZSTD_compress2: { arguments: ["pointer", "buffer", "u64", "buffer", "u64"], return: "u64" },
    ZSTD_createDCtx: { arguments: [], return: "pointer" },
    ZSTD_DCtx_refPrefix: { arguments: ["pointer", "buffer", "u64"], return: "u64" },
    ZSTD_decompressDCtx: { arguments: ["pointer", "buffer", "u64", "buffer", "u64"], return: "u64" },
    ZSTD_isError: { arguments: ["u64"], return: "u32" },
    ZSTD_getErrorName: { arguments: ["u64"], return: "pointer" },
  });
  const done = (result: bigint): number => {
    if (functions.ZSTD_isError(result) === 0) return Number(result);
    throw new Error(textAt(functions.ZSTD_getErrorName(result)) ?? "zstd refuses it");
  };
  const size = ({ length }: Uint8Array) => BigInt(length);
  const compressing = functions.ZSTD_createCCtx();
  done(functions.ZSTD_CCtx_setParameter(compressing, compressionLevel, level));
  done(functions.ZSTD_CCtx_setParameter(compressing, checksumFlag, 1));
  const decompressing = functions.ZSTD_createDCtx();
  let room = Buffer.alloc(0);
  const seen = new WeakSet<Buffer>();
  const made = new Map<Buffer, bigint>();
  /**
   * A prefix that was read into tables, which takes as long as a text; null for one that may not come again.
   */
  const ready = (prefix: Buffer): bigint | null => {
    const known = made.get(prefix);
    if (known !== undefined) return known;
    const again = seen.has(prefix);
    seen.add(prefix);
    if (!again || prefix.length === 0 || prefix.length > largest) return null;
    for (const [oldest, pointer] of made) {
      if (made.size < most) break;
      made.delete(oldest);
      functions.ZSTD_freeCDict(pointer);
    }
    const pointer = functions.ZSTD_createCDict(prefix, size(prefix), level);
    made.set(prefix, pointer);
    return pointer;
  };
  return {
    compressed: (text, prefix) => {
      const bound = done(functions.ZSTD_compressBound(size(text)));
      if (bound > room.length) room = Buffer.allocUnsafeSlow(bound);
      const dictionary = ready(prefix);
      if (dictionary !== null) done(functions.ZSTD_CCtx_refCDict(compressing, dictionary));
      // It counts for one text, and instead of a dictionary.
      else done(functions.ZSTD_CCtx_refPrefix(compressing, prefix, size(prefix)));
      const length = done(functions.ZSTD_compress2(compressing, room, size(room), text, size(text)));
      return room.subarray(0, length);
    },
    decompress: (data, into, prefix) => {
      done(functions.ZSTD_DCtx_refPrefix(decompressing, prefix, size(prefix)));
      const length = done(functions.ZSTD_decompressDCtx(decompressing, into, size(into), data, size(data)));
      if (length !== into.length) throw new Error(`${length} bytes, and ${into.length} are expected`);
    },
  };
}
