import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";

/** A file that has more bytes than anybody wants to read. */
export class FileTooLarge extends Error {
  override readonly name = "FileTooLarge";
  readonly code = "EFBIG";
}

/**
 * Reads a file that somebody else may have written: at most so many bytes, whatever its size is said to be.
 * @param flags more of open(2), such as O_NOFOLLOW
 * @param into where to; it is used again, and for a longer file left
 * @throws {FileTooLarge} and the system's errors
 */
export function readBounded(path: string, most: number, flags = 0, into?: Buffer): Buffer {
  const file = openSync(path, constants.O_RDONLY | flags);
  try {
    // A regular file's size is right; a pipe, /dev/zero and what lies in /proc have none.
    const { size } = fstatSync(file);
    if (size > most) throw tooLarge(path, most);
    let bytes =
      into !== undefined && into.length > size ? into : Buffer.allocUnsafeSlow(Math.max(size, 4096) + 1);
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
      if (read === 0) return bytes.subarray(0, length);
    }
  } finally {
    closeSync(file);
  }
}

function tooLarge(path: string, most: number): FileTooLarge {
  return new FileTooLarge(`${path}: more than ${most} bytes, which is the limit`);
}
