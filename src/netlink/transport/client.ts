import { constants } from "node:os";
import { failure, isRefusal, NetlinkError, NetlinkFormatError } from "./errors.ts";
import { control, decodeMessages, decodeRefusal, encodeMessage, flag, type Message } from "./message.ts";
import type { Transport } from "./socket.ts";

/** A request to the kernel. */
export interface Request {
  /** What is asked, in words, for errors: `list links`. */
  readonly what: string;
  /** nlmsg_type: RTM_GETLINK, or the id of a generic family. */
  readonly type: number;
  readonly payload: Buffer;
}

/** How much of an answer is taken, and how long it may come, all attempts together. */
export interface AnswerLimits {
  /** Bytes. Twenty thousand links are 40 MB. */
  readonly bytes: number;
  readonly milliseconds: number;
}

const usualLimits: AnswerLimits = { bytes: 256 * 1024 * 1024, milliseconds: 60_000 };

/** How often a dump is tried while the kernel says that its table changed in between. */
const DUMP_ATTEMPTS = 10;

/**
 * Asks the kernel and waits for the whole answer, one request at a time, synchronously.
 *
 * Answers are matched by sequence number and port id, so what is left over from an earlier request is
 * dropped. After a failure that leaves the conversation in doubt (a time-out, bytes that make no sense) the
 * socket is closed and the next request opens another, because a dump that was not read to its end blocks the
 * next one with EBUSY.
 */
export class NetlinkClient implements Disposable {
  readonly #open: () => Transport;
  readonly #limits: AnswerLimits;
  #transport: Transport | null = null;
  #sequence = 0;
  #closed = false;

  /** @param open opens a socket; called now, and again after a failure that left the socket in doubt */
  constructor(open: () => Transport, limits: AnswerLimits = usualLimits) {
    this.#open = open;
    this.#limits = limits;
    this.#transport = open();
  }

  /**
   * Sends a request and returns the payloads of its answers (none for a plain "done"). Throws NetlinkError,
   * NetlinkFormatError.
   */
  request(request: Request): Buffer[] {
    return this.#exchange(request, flag.request | flag.ack, this.#end()).payloads;
  }

  /**
   * As `request`, with the kernel at work in another thread. Nothing else may be asked on this client
   * meanwhile.
   */
  async requestInThread(request: Request): Promise<Buffer[]> {
    const { transport, sent } = this.#prepare(request, flag.request | flag.ack);
    try {
      await transport.sendInThread(sent);
    } catch (error) {
      throw this.#inDoubt(error, request);
    }
    return this.#answer(request, transport, sent, false, this.#end()).payloads;
  }

  /**
   * Reads a whole table. When the kernel says that the table changed meanwhile (NLM_F_DUMP_INTR), or that
   * answers were lost (ENOBUFS), the table is read again, up to ten times; then NetlinkError with code EINTR
   * or ENOBUFS. One that does not end is an error too: EOVERFLOW, ETIMEDOUT.
   */
  dump(request: Request): Buffer[] {
    const end = this.#end();
    for (let attempt = 1; ; attempt++) {
      try {
        const { payloads, interrupted } = this.#exchange(request, flag.request | flag.dump, end);
        if (!interrupted) return payloads;
      } catch (error) {
        if (!isRefusal(error, "ENOBUFS") || attempt >= DUMP_ATTEMPTS) throw error;
        continue;
      }
      if (attempt >= DUMP_ATTEMPTS) {
        throw failure(
          request.what,
          constants.errno.EINTR,
          `the table changed while it was read, ${attempt} times over`,
        );
      }
    }
  }

  close(): void {
    this.#closed = true;
    this.#drop();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** When an answer that begins now must have ended. */
  #end(): number {
    return performance.now() + this.#limits.milliseconds;
  }

  #exchange(request: Request, flags: number, end: number): { payloads: Buffer[]; interrupted: boolean } {
    const { transport, sent } = this.#prepare(request, flags);
    try {
      transport.send(sent);
    } catch (error) {
      throw this.#inDoubt(error, request);
    }
    return this.#answer(request, transport, sent, (flags & flag.dump) !== 0, end);
  }

  #prepare({ what, type, payload }: Request, flags: number): { transport: Transport; sent: Buffer } {
    if (this.#closed) throw failure(what, constants.errno.EBADF, "the netlink client was closed");
    this.#transport ??= this.#open();
    const transport = this.#transport;
    this.#sequence = (this.#sequence % 0xffff_ffff) + 1;
    return {
      transport,
      sent: encodeMessage({ type, flags, sequence: this.#sequence, port: transport.port, payload }),
    };
  }

  #answer(request: Request, transport: Transport, sent: Buffer, dump: boolean, end: number): Answer {
    let answer: Answer;
    try {
      answer = this.#collect(transport, dump, end);
    } catch (error) {
      throw this.#inDoubt(error, request);
    }
    const refusal = answer.end && decodeRefusal(answer.end, request.what, sent);
    if (refusal) throw refusal;
    return answer;
  }

  /** Reads until the answer's end: NLMSG_DONE of a dump, NLMSG_ERROR (which is also the ack) of anything. */
  #collect(transport: Transport, dump: boolean, end: number): Answer {
    const { bytes, milliseconds } = this.#limits;
    const payloads: Buffer[] = [];
    let interrupted = false;
    for (let taken = 0; ; ) {
      if (performance.now() > end)
        throw failure("receive", constants.errno.ETIMEDOUT, `no end of the answer within ${milliseconds} ms`);
      const datagram = transport.receive();
      taken += datagram.length;
      if (taken > bytes)
        throw failure("receive", constants.errno.EOVERFLOW, `no end of the answer within ${bytes} bytes`);
      for (const message of decodeMessages(datagram)) {
        if (message.sequence !== this.#sequence || message.port !== transport.port) continue;
        interrupted ||= dump && (message.flags & flag.dumpInterrupted) !== 0;
        switch (message.type) {
          case control.noop:
            break;
          case control.error:
          case control.done:
            return { payloads, interrupted, end: message };
          case control.overrun:
            throw failure("receive", constants.errno.ENOBUFS, "the kernel dropped answers");
          default:
            payloads.push(message.payload);
        }
      }
    }
  }

  /** Gives the socket up, and tells the failure as that of this request. */
  #inDoubt(error: unknown, { what }: Request): unknown {
    this.#drop();
    return inContext(error, what);
  }

  #drop(): void {
    this.#transport?.[Symbol.dispose]();
    this.#transport = null;
  }
}

interface Answer {
  readonly payloads: Buffer[];
  readonly interrupted: boolean;
  /** The NLMSG_DONE or NLMSG_ERROR that ended the answer. */
  readonly end: Message;
}

/** The same failure, told as the failure of this request. */
function inContext(error: unknown, what: string): unknown {
  if (error instanceof NetlinkFormatError) return new NetlinkFormatError(`${what}: ${error.message}`);
  if (!(error instanceof NetlinkError)) return error;
  return failure(
    what,
    error.errno,
    error.extack === null ? error.request : `${error.request}: ${error.extack}`,
  );
}
