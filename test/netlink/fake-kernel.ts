import { GenericNetlink } from "../../src/netlink/transport/generic.ts";
import { decodeMessages, encodeMessage, flag, type Message } from "../../src/netlink/transport/message.ts";
import type { Transport } from "../../src/netlink/transport/socket.ts";

/** Datagrams that answer a request, or an error that receiving them gives. */
export type Answers = readonly (Buffer | Error)[];

export interface FakeKernel {
  /** Hand this to a client; each call is a new socket. */
  readonly open: () => Transport;
  readonly requests: Message[];
  /** How many sockets were opened and closed. */
  readonly sockets: { opened: number; closed: number };
}

export const PORT = 4711;

/** A kernel that answers as the function says. */
export function fakeKernel(answer: (request: Message) => Answers): FakeKernel {
  const requests: Message[] = [];
  const sockets = { opened: 0, closed: 0 };
  const open = (): Transport => {
    sockets.opened++;
    const queue: (Buffer | Error)[] = [];
    const send = (bytes: Buffer) => {
      const [request] = decodeMessages(bytes);
      if (request === undefined) throw new Error("sent nothing");
      requests.push(request);
      queue.push(...answer(request));
    };
    return {
      port: PORT,
      send,
      sendInThread: async (bytes) => send(bytes),
      receive() {
        const next = queue.shift();
        if (next === undefined) throw new Error("the client waits for an answer that will not come");
        if (next instanceof Error) throw next;
        return next;
      },
      [Symbol.dispose]() {
        sockets.closed++;
      },
    };
  };
  return { open, requests, sockets };
}

/** One message in answer to a request. */
export function reply(request: Message, type: number, payload: Buffer, flags = 0): Buffer {
  return encodeMessage({ type, flags, sequence: request.sequence, port: PORT, payload });
}

/** NLMSG_ERROR without a copy of the request: 0 is the ack. */
export function acknowledge(request: Message, errno = 0, attributes: Buffer = Buffer.alloc(0)): Buffer {
  const header = Buffer.alloc(20);
  header.writeInt32LE(-errno);
  return reply(request, 2, Buffer.concat([header, attributes]), 0x100 | (attributes.length > 0 ? 0x200 : 0));
}

/** NLMSG_DONE, the end of a dump. */
export function done(request: Message, errno = 0, flags = 0): Buffer {
  const payload = Buffer.alloc(4);
  payload.writeInt32LE(-errno);
  return reply(request, 3, payload, flags);
}

export function isDump(request: Message): boolean {
  return (request.flags & flag.dump) === flag.dump;
}

/**
 * Recorded datagrams, with the sequence number and port of this request written over those of the recorded
 * one.
 */
export function replay(request: Message, recorded: readonly string[]): Buffer[] {
  return recorded.map((hex) => {
    const messages = decodeMessages(Buffer.from(hex, "hex"));
    return Buffer.concat(
      messages.map((message) => encodeMessage({ ...message, sequence: request.sequence, port: PORT })),
    );
  });
}

/** A kernel in which every generic family has the id 99 and is answered for by this function. */
export function genericKernel(answers: (command: number, request: Message) => readonly Buffer[]): {
  netlink: GenericNetlink;
  sent: Message[];
  open: () => Transport;
  sockets: FakeKernel["sockets"];
} {
  const { open, requests, sockets } = fakeKernel((request) => {
    if (request.type !== 0x10) return answers(request.payload.readUInt8(0), request);
    const id = Buffer.from([1, 2, 0, 0, 6, 0, 1, 0, 99, 0, 0, 0]);
    return [reply(request, 0x10, id), acknowledge(request)];
  });
  return { netlink: new GenericNetlink(open), sent: requests, open, sockets };
}
