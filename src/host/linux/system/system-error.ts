import { constants } from "node:os";
import { getSystemErrorMessage } from "node:util";

/** What the system answered to a call that failed. */
export interface SystemError {
  /** The errno's name, such as `EACCES`. */
  readonly code: string;
  /** What it means, in words. */
  readonly words: string;
  /** What was called, and on which file, as far as the error says it. */
  readonly call: string | null;
  readonly path: string | null;
}

/**
 * Names of Linux by number; libuv, and so Node, has no name for some of them. Source: os.constants.errno,
 * linux asm-generic/errno.h.
 */
const names = new Map<number, string>([
  ...Object.entries(constants.errno).map(([name, number]): [number, string] => [number, name]),
  [constants.errno.EAGAIN, "EAGAIN"],
  [117, "EUCLEAN"],
  [121, "EREMOTEIO"],
  [123, "ENOMEDIUM"],
]);

/** Words for those of which libuv has none. Source: strerror(3) of glibc. */
const words: Readonly<Record<string, string>> = {
  EDQUOT: "disk quota exceeded",
  ENOLCK: "no locks available",
  ESTALE: "stale file handle",
  EUCLEAN: "structure needs cleaning: the file system is damaged",
  EREMOTEIO: "remote I/O error",
  ENOMEDIUM: "no medium found",
};

/** The system's answer in an error that Node made of it; null for any other error. */
export function systemErrorOf(error: unknown): SystemError | null {
  if (
    !(error instanceof Error) ||
    !("errno" in error) ||
    typeof error.errno !== "number" ||
    !("code" in error)
  )
    return null;
  const code =
    names.get(Math.abs(error.errno)) ??
    (typeof error.code === "string" ? error.code : `errno ${Math.abs(error.errno)}`);
  const call = "syscall" in error && typeof error.syscall === "string" ? error.syscall : null;
  const path = "path" in error && typeof error.path === "string" ? error.path : null;
  return { code, words: words[code] ?? getSystemErrorMessage(-Math.abs(error.errno)), call, path };
}

/** `EDQUOT: disk quota exceeded, write '/etc/vflag/vflag.yaml'`. */
export function systemErrorText({ code, words: meaning, call, path }: SystemError): string {
  const place = [call, path === null ? null : `'${path}'`].filter((part) => part !== null).join(" ");
  return `${code}: ${meaning}${place === "" ? "" : `, ${place}`}`;
}

/** A file could not be read or written, or is not trusted; the message names it and what the system said. */
export class FileError extends Error {
  override readonly name = "FileError";
  readonly code: string | null;
  readonly path: string;

  constructor(code: string | null, path: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.path = path;
  }

  /** Any failure about a file, with the file's name in it. @param what what was tried, such as `write` */
  static of(error: unknown, what: string, path: string): Error {
    if (error instanceof FileError) return error;
    const system = systemErrorOf(error);
    if (system === null) return error instanceof Error ? error : new Error(String(error));
    const place = system.path === null || system.path.startsWith("/proc/self/fd/") ? path : system.path;
    return new FileError(
      system.code,
      place,
      systemErrorText({ ...system, call: system.call ?? what, path: place }),
      { cause: error },
    );
  }
}
