import { closeSync, constants, fstatSync, openSync, readSync, statSync } from "node:fs";

/** A file that has more bytes than anybody wants to read. */
export class FileTooLarge extends Error {
  override readonly name = "FileTooLarge";
  readonly code = "EFBIG";
}

/** A file as it was when it was read. */
export interface BoundedFile {
  readonly bytes: Buffer<ArrayBuffer>;
  /** When it was last changed, in ms since 1970. */
  readonly modified: number;
}

/**
 * Reads a file that somebody else may have written: at most so many bytes, whatever its size is said to be.
 * @param flags more of open(2), such as O_NOFOLLOW
 * @param memory where to, for a file that is said to have fewer bytes than are asked for
 * @throws {FileTooLarge} and the system's errors
 */
export function readBoundedFile(
  path: string,
  most: number,
  flags = 0,
  memory: (bytes: number) => Buffer<ArrayBuffer> = Buffer.allocUnsafeSlow,
): BoundedFile {
  const file = openSync(path, constants.O_RDONLY | flags);
  try {
    // A regular file's size is right; a pipe, /dev/zero and what lies in /proc have none.
    const { size, mtimeMs: modified } = fstatSync(file);
    if (size > most) throw tooLarge(path, most);
    let bytes = memory(Math.max(size, 4096) + 1);
    let length = 0;
    for (;;) {
      if (length === bytes.length) {
        const larger = Buffer.allocUnsafeSlow(Math.min(bytes.length * 2, most + 1));
        bytes.copy(larger);
        bytes = larger;
      }
      const read = readSync(file, bytes, length, bytes.length - length, null);
      length += read;
      if (length > most) throw tooLarge(path, most);
      // More was asked for than its size, and it had no more.
      if (read === 0 || (size > 0 && length === size)) return { bytes: bytes.subarray(0, length), modified };
    }
  } finally {
    closeSync(file);
  }
}

/** Its bytes alone. */
export function readBounded(path: string, most: number, flags = 0): Buffer {
  return readBoundedFile(path, most, flags).bytes;
}

/**
 * The bytes of a regular file, at most so many; `null` of anything else. A pipe of that name in a folder of
 * configuration keeps nobody waiting.
 * @throws {FileTooLarge} and the system's errors
 */
export function readRegular(path: string, most: number, flags = 0): Buffer | null {
  if (!statSync(path).isFile()) return null;
  // It may have become a pipe meanwhile.
  return readBounded(path, most, flags | constants.O_NONBLOCK);
}

function tooLarge(path: string, most: number): FileTooLarge {
  return new FileTooLarge(`${path}: more than ${most} bytes, which is the limit`);
}
