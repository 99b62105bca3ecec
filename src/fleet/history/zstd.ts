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
 * @param prefix what it is like: it is needed again to read the text
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

function load(): Zstd {
  const { dlopen, toString: textAt } = process.getBuiltinModule("node:ffi");
  const { functions } = dlopen(null, {
    ZSTD_createCCtx: { arguments: [], return: "pointer" },
    ZSTD_CCtx_setParameter: { arguments: ["pointer", "i32", "i32"], return: "u64" },
    ZSTD_CCtx_refPrefix: { arguments: ["pointer", "buffer", "u64"], return: "u64" },
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
  done(functions.ZSTD_CCtx_setParameter(compressing, compressionLevel, 3));
  done(functions.ZSTD_CCtx_setParameter(compressing, checksumFlag, 1));
  const decompressing = functions.ZSTD_createDCtx();
  let room = Buffer.alloc(0);
  return {
    compressed: (text, prefix) => {
      const most = done(functions.ZSTD_compressBound(size(text)));
      if (most > room.length) room = Buffer.allocUnsafeSlow(most);
      // It counts for one text.
      done(functions.ZSTD_CCtx_refPrefix(compressing, prefix, size(prefix)));
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
