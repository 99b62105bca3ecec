import { write } from "node:fs";
import { constants } from "node:os";
import { promisify } from "node:util";
import { failure, isRefusal } from "./errors.ts";
import { type Libc, systemLibc } from "./libc.ts";

/** Datagrams to and from the kernel. The seam where tests put a fake kernel. */
export interface Transport extends Disposable {
  /** Port id of this end: what answers carry in nlmsg_pid. */
  readonly port: number;
  /**
   * Hands a whole message to the kernel. The kernel carries the request out inside this call: it returns when
   * the work is done, which for an eSwitch mode is seconds, and no time limit applies.
   */
  send(message: Buffer): void;
  /** The same in a thread of libuv's pool, so that this one goes on. It rejects with NetlinkError. */
  sendInThread(message: Buffer): Promise<void>;
  /**
   * The next datagram from the kernel, whole, in a buffer of its own. Throws NetlinkError: ETIMEDOUT,
   * ENOBUFS...
   */
  receive(): Buffer;
}

/**
 * A socket that hears what the kernel tells everybody (multicast groups). Reading it never waits: the process
 * gets SIGIO when there is something to read.
 */
export interface EventTransport extends Disposable {
  /** Hears a group from now on. Throws NetlinkError. */
  join(group: number): void;
  /**
   * The next datagram that is there, whole; null when there is none. Throws NetlinkError: ENOBUFS once when
   * some were lost.
   */
  receiveNow(): Buffer | null;
}

/** Netlink protocols, from linux/netlink.h. `uevent`: what udev hears of devices and drivers. */
export type NetlinkProtocol = "route" | "generic" | "uevent";

export interface SocketOptions {
  /**
   * How long receive() waits for a datagram, in ms. Default 5000. The answer is normally there when send()
   * returns.
   */
  readonly receiveTimeout?: number;
  readonly libc?: Libc;
}

export interface EventSocketOptions extends SocketOptions {
  /**
   * Bytes that the kernel keeps until they are read; what comes then is lost, and said to be. The kernel
   * doubles it. Default: 1 MiB.
   */
  readonly receiveBuffer?: number;
  /**
   * A program for the kernel that says which datagrams are wanted, as struct sock_filter: 8 bytes an
   * instruction.
   */
  readonly filter?: Buffer;
}

const protocols = { route: 0, uevent: 15, generic: 16 } as const satisfies Record<NetlinkProtocol, number>;

// sys/socket.h and linux/netlink.h, as on every Linux architecture that Node 26 supports
const AF_NETLINK = 16;
const SOCK_RAW_CLOEXEC = 3 | 0o2000000;
const SOL_SOCKET = 1;
const SO_RCVBUF = 8;
const SO_RCVTIMEO = 20;
const SO_ATTACH_FILTER = 26;
const SO_RCVBUFFORCE = 33;
const SOL_NETLINK = 270;
const NETLINK_ADD_MEMBERSHIP = 1;
const NETLINK_CAP_ACK = 10;
const NETLINK_EXT_ACK = 11;
const NETLINK_GET_STRICT_CHK = 12;
const MSG_PEEK = 0x02;
const MSG_TRUNC = 0x20;
const MSG_DONTWAIT = 0x40;
// asm-generic/ioctls.h, asm-generic/sockios.h
const FIOASYNC = 0x5452n;
const FIOSETOWN = 0x8901n;

const writeInThread = promisify(write);

const { EAGAIN, EBADF, EINTR, EMSGSIZE, ETIMEDOUT } = constants.errno;

/**
 * Opens a netlink socket in the network namespace of the calling thread.
 *
 * It asks for extended acks (sentences in errors), for acks without a copy of the request, and for strict
 * checking of dump requests, each where the kernel knows the option (4.12, 4.2, 4.20). Throws NetlinkError:
 * EPROTONOSUPPORT without netlink, EMFILE...
 */
export function openSocket(protocol: NetlinkProtocol, options: SocketOptions = {}): Transport {
  return new KernelSocket(protocol, options);
}

/**
 * Opens a netlink socket for events: reading it never waits, and the kernel sends this process SIGIO whenever
 * something has come (socket(7), "Signals"), so that nobody has to look, and no thread has to wait. Throws
 * NetlinkError.
 */
export function openEventSocket(protocol: NetlinkProtocol, options: EventSocketOptions = {}): EventTransport {
  const socket = new KernelSocket(protocol, options);
  try {
    socket.signalWhenReadable(options);
    return socket;
  } catch (error) {
    socket.close();
    throw error;
  }
}

class KernelSocket implements Transport, EventTransport {
  readonly port: number;
  readonly #libc: Libc;
  readonly #what: string;
  readonly #timeout: number;
  #fd: number;
  /** The kernel fills a dump's datagrams up to the largest buffer it was shown, and up to 32 KiB. */
  #buffer = Buffer.allocUnsafeSlow(32 * 1024);

  constructor(protocol: NetlinkProtocol, { receiveTimeout = 5000, libc = systemLibc() }: SocketOptions) {
    this.#libc = libc;
    this.#what = `${protocol} netlink socket`;
    this.#timeout = receiveTimeout;
    this.#fd = libc.socket(AF_NETLINK, SOCK_RAW_CLOEXEC, protocols[protocol]);
    if (this.#fd < 0) throw failure(`open ${this.#what}`, libc.errno());
    try {
      this.#setOption(SOL_SOCKET, SO_RCVTIMEO, timeval(receiveTimeout));
      this.port = this.#bind();
    } catch (error) {
      this.close();
      throw error;
    }
    for (const option of [NETLINK_EXT_ACK, NETLINK_CAP_ACK, NETLINK_GET_STRICT_CHK]) {
      libc.setsockopt(this.#fd, SOL_NETLINK, option, int32(1), 4);
    }
  }

  send(message: Buffer): void {
    const sent = this.#retry("send to", () => this.#libc.send(this.#fd, message, BigInt(message.length), 0));
    if (sent !== message.length)
      throw failure(`send to ${this.#what}`, EMSGSIZE, `${sent} of ${message.length} bytes sent`);
  }

  /**
   * write(2) to a socket that is not connected goes to the kernel, as send(2) does: linux
   * net/netlink/af_netlink.c, netlink_sendmsg().
   */
  async sendInThread(message: Buffer): Promise<void> {
    const what = `send to ${this.#what}`;
    if (this.#fd < 0) throw failure(what, EBADF, "the socket was closed");
    const { bytesWritten } = await writeInThread(this.#fd, message).catch((error: unknown) => {
      throw isSystemError(error) ? failure(what, -error.errno) : error;
    });
    if (bytesWritten !== message.length)
      throw failure(what, EMSGSIZE, `${bytesWritten} of ${message.length} bytes sent`);
  }

  receive(): Buffer {
    const end = performance.now() + this.#timeout;
    for (;;) {
      const datagram = this.#take(0);
      if (datagram !== null) return datagram;
      if (performance.now() > end)
        throw failure(`receive from ${this.#what}`, ETIMEDOUT, "datagrams of other processes only");
    }
  }

  receiveNow(): Buffer | null {
    for (;;) {
      try {
        const datagram = this.#take(MSG_DONTWAIT);
        if (datagram !== null) return datagram;
      } catch (error) {
        if (isRefusal(error, "ETIMEDOUT")) return null;
        throw error;
      }
    }
  }

  join(group: number): void {
    this.#setOption(SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, int32(group));
  }

  /** Only an administrator may have a larger buffer than net.core.rmem_max. */
  signalWhenReadable({ receiveBuffer = 1024 * 1024, filter }: EventSocketOptions): void {
    const size = int32(receiveBuffer);
    if (this.#libc.setsockopt(this.#fd, SOL_SOCKET, SO_RCVBUFFORCE, size, size.length) < 0)
      this.#setOption(SOL_SOCKET, SO_RCVBUF, size);
    if (filter !== undefined) this.#attach(filter);
    for (const [request, value] of [
      [FIOSETOWN, process.pid],
      [FIOASYNC, 1],
    ] as const) {
      if (this.#libc.ioctl(this.#fd, request, int32(value)) < 0)
        throw failure(`set up ${this.#what}`, this.#libc.errno());
    }
  }

  /** struct sock_fprog: the number of instructions, and where they are. Source: linux/filter.h. */
  #attach(filter: Buffer): void {
    const program = Buffer.alloc(16);
    program.writeUInt16LE(filter.length / 8, 0);
    program.writeBigUInt64LE(this.#libc.address(filter), 8);
    this.#setOption(SOL_SOCKET, SO_ATTACH_FILTER, program);
  }

  /**
   * Looks at the next datagram (MSG_PEEK, and MSG_TRUNC for its true length) and takes it off the queue only
   * once it is held whole, so nothing is ever cut off. Datagrams that other processes sent are dropped: null.
   */
  #take(flags: number): Buffer | null {
    const sender = Buffer.alloc(12);
    let length = this.#recvfrom(this.#buffer, flags | MSG_PEEK | MSG_TRUNC, sender);
    while (length > this.#buffer.length) {
      this.#buffer = Buffer.allocUnsafeSlow(length);
      length = this.#recvfrom(this.#buffer, flags | MSG_PEEK | MSG_TRUNC, sender);
    }
    this.#recvfrom(null, flags | MSG_TRUNC, sender);
    const fromKernel = sender.readUInt16LE(0) === AF_NETLINK && sender.readUInt32LE(4) === 0;
    return fromKernel ? Buffer.copyBytesFrom(this.#buffer, 0, length) : null;
  }

  close(): void {
    if (this.#fd < 0) return;
    this.#libc.close(this.#fd);
    this.#fd = -1;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #recvfrom(bytes: Buffer | null, flags: number, sender: Buffer): number {
    return this.#retry("receive from", () =>
      this.#libc.recvfrom(this.#fd, bytes, BigInt(bytes?.length ?? 0), flags, sender, int32(sender.length)),
    );
  }

  /** Runs a call again while a signal interrupts it. The length it returned, or NetlinkError. */
  #retry(verb: string, call: () => bigint): number {
    if (this.#fd < 0) throw failure(`${verb} ${this.#what}`, EBADF, "the socket was closed");
    for (;;) {
      const result = call();
      if (result >= 0n) return Number(result);
      const errno = this.#libc.errno();
      if (errno === EINTR) continue;
      if (errno === EAGAIN)
        throw failure(`${verb} ${this.#what}`, ETIMEDOUT, `no answer within ${this.#timeout} ms`);
      throw failure(`${verb} ${this.#what}`, errno);
    }
  }

  #setOption(level: number, option: number, value: Buffer): void {
    if (this.#libc.setsockopt(this.#fd, level, option, value, value.length) < 0) {
      throw failure(`set up ${this.#what}`, this.#libc.errno());
    }
  }

  /** Lets the kernel choose a port id (struct sockaddr_nl, 12 bytes) and returns it. */
  #bind(): number {
    const address = Buffer.alloc(12);
    address.writeUInt16LE(AF_NETLINK, 0);
    if (
      this.#libc.bind(this.#fd, address, address.length) < 0 ||
      this.#libc.getsockname(this.#fd, address, int32(address.length)) < 0
    ) {
      throw failure(`bind ${this.#what}`, this.#libc.errno());
    }
    return address.readUInt32LE(4);
  }
}

function isSystemError(error: unknown): error is { errno: number } {
  return error instanceof Error && "errno" in error && typeof error.errno === "number";
}

function int32(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeInt32LE(value);
  return buffer;
}

/** struct timeval on 64-bit Linux. */
function timeval(milliseconds: number): Buffer {
  const buffer = Buffer.alloc(16);
  buffer.writeBigInt64LE(BigInt(Math.floor(milliseconds / 1000)), 0);
  buffer.writeBigInt64LE(BigInt(Math.round((milliseconds % 1000) * 1000)), 8);
  return buffer;
}
