import { attributes, string, u32 } from "./attributes.ts";
import { NetlinkError, NetlinkFormatError } from "./errors.ts";

/**
 * One netlink message: struct nlmsghdr and its payload.
 * Source: linux/netlink.h. Numbers are in host byte order, which is little-endian on every machine that Node
 * 26 runs on here.
 */
export interface Message {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  /** Port id of the socket that asked. */
  readonly port: number;
  readonly payload: Buffer;
}

/** Message types below NLMSG_MIN_TYPE (0x10): netlink's own. */
export const control = { noop: 1, error: 2, done: 3, overrun: 4 } as const;

/** nlmsg_flags. Source: linux/netlink.h. */
export const flag = { request: 0x01, ack: 0x04, dumpInterrupted: 0x10, dump: 0x300 } as const;

const CAPPED = 0x100;
const ACK_TLVS = 0x200;
const HEADER = 16;

/** The message as the kernel wants it, padded to 4 bytes. */
export function encodeMessage({ type, flags, sequence, port, payload }: Message): Buffer {
  const bytes = Buffer.alloc(align(HEADER + payload.length));
  bytes.writeUInt32LE(HEADER + payload.length, 0);
  bytes.writeUInt16LE(type, 4);
  bytes.writeUInt16LE(flags, 6);
  bytes.writeUInt32LE(sequence, 8);
  bytes.writeUInt32LE(port, 12);
  payload.copy(bytes, HEADER);
  return bytes;
}

/** The messages in one datagram, in order; payloads are views of it. Throws NetlinkFormatError. */
export function decodeMessages(datagram: Buffer): Message[] {
  const messages: Message[] = [];
  for (let at = 0; at < datagram.length; ) {
    const left = datagram.length - at;
    const length = left < HEADER ? 0 : datagram.readUInt32LE(at);
    if (length < HEADER || length > left) {
      throw new NetlinkFormatError(`message of ${length} bytes where ${left} are left`);
    }
    messages.push({
      type: datagram.readUInt16LE(at + 4),
      flags: datagram.readUInt16LE(at + 6),
      sequence: datagram.readUInt32LE(at + 8),
      port: datagram.readUInt32LE(at + 12),
      payload: datagram.subarray(at + HEADER, at + length),
    });
    at += align(length);
  }
  return messages;
}

/**
 * The refusal that an NLMSG_ERROR or NLMSG_DONE carries, or null for success.
 *
 * NLMSG_ERROR: int error, the request's header, the request's payload unless capped, then attributes.
 * NLMSG_DONE: int error, then attributes. Attributes are there when NLM_F_ACK_TLVS is set.
 * @param sent the request, to name the attribute that the kernel points at
 */
export function decodeRefusal(message: Message, request: string, sent: Buffer): NetlinkError | null {
  const { type, flags, payload } = message;
  if (payload.length < 4) {
    // A dump that ends without a code ended well (dumps of kernels before 2.6).
    if (type === control.done) return null;
    throw new NetlinkFormatError(`error message of ${payload.length} bytes`);
  }
  const errno = -payload.readInt32LE(0);
  if (errno <= 0) return null;
  const start = type === control.done ? 4 : startOfAttributes(payload, flags);
  const { text, offset, missing } =
    (flags & ACK_TLVS) !== 0 && start < payload.length
      ? ackAttributes.decode(payload, start, payload.length)
      : {};
  const attribute =
    missing ??
    (offset !== undefined && offset + 4 <= sent.length ? sent.readUInt16LE(offset + 2) & 0x3fff : null);
  return new NetlinkError({ request, errno, extack: text ?? null, attribute });
}

/** enum nlmsgerr_attrs. */
const ackAttributes = attributes({ text: [1, string], offset: [2, u32], missing: [5, u32] });

function startOfAttributes(payload: Buffer, flags: number): number {
  const echoed = (flags & CAPPED) !== 0 || payload.length < 8 ? HEADER : payload.readUInt32LE(4);
  return 4 + align(Math.max(echoed, HEADER));
}

function align(length: number): number {
  return (length + 3) & ~3;
}
