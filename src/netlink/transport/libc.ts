/**
 * The calls that a netlink socket needs. An interface, so that tests can hand in EINTR, ENOBUFS and
 * strangers' datagrams.
 */
export interface Libc {
  socket(domain: number, type: number, protocol: number): number;
  bind(fd: number, address: Buffer, length: number): number;
  getsockname(fd: number, address: Buffer, length: Buffer): number;
  setsockopt(fd: number, level: number, option: number, value: Buffer, length: number): number;
  send(fd: number, bytes: Buffer, length: bigint, flags: number): bigint;
  recvfrom(
    fd: number,
    bytes: Buffer | null,
    length: bigint,
    flags: number,
    address: Buffer,
    size: Buffer,
  ): bigint;
  ioctl(fd: number, request: bigint, argument: Buffer): number;
  close(fd: number): number;
  /** errno of the calling thread. Valid only right after the call that failed. */
  errno(): number;
  /** Where a buffer's bytes are. Valid while the buffer is reachable and not detached. */
  address(bytes: Buffer): bigint;
}

/**
 * The process's own libc, bound through node:ffi at first use: importing types costs nothing, and a startup
 * snapshot, into which node:ffi cannot go, can be made of what imports this.
 */
export function systemLibc(): Libc {
  loaded ??= load();
  return loaded;
}

let loaded: Libc | undefined;

function load(): Libc {
  const { dlopen, getInt32, getRawPointer } = process.getBuiltinModule("node:ffi");
  const { functions } = dlopen(null, {
    socket: { arguments: ["i32", "i32", "i32"], return: "i32" },
    bind: { arguments: ["i32", "buffer", "u32"], return: "i32" },
    getsockname: { arguments: ["i32", "buffer", "buffer"], return: "i32" },
    setsockopt: { arguments: ["i32", "i32", "i32", "buffer", "u32"], return: "i32" },
    send: { arguments: ["i32", "buffer", "u64", "i32"], return: "i64" },
    recvfrom: { arguments: ["i32", "buffer", "u64", "i32", "buffer", "buffer"], return: "i64" },
    // Variadic in C; on the x86-64 and AArch64 Linux ABIs an integer or pointer is passed just as to a fixed
    // parameter.
    ioctl: { arguments: ["i32", "u64", "buffer"], return: "i32" },
    close: { arguments: ["i32"], return: "i32" },
    __errno_location: { arguments: [], return: "pointer" },
  });
  const { __errno_location: errnoLocation, ...calls } = functions;
  return { ...calls, errno: () => getInt32(errnoLocation(), 0), address: getRawPointer };
}
