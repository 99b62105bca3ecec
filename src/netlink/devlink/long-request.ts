import { constants } from "node:os";
import { failure } from "../transport/errors.ts";
import { GenericNetlink, type GenericRequest } from "../transport/generic.ts";
import type { Transport } from "../transport/socket.ts";
import { Devlink, type EswitchChange } from "./devlink.ts";
import type { DevlinkHandle } from "./devlink-answers.ts";
import type { ParamMode, ParamValue } from "./devlink-param.ts";

/** A request that can take seconds. */
export type LongRequest =
  | { readonly kind: "setEswitch"; readonly handle: DevlinkHandle; readonly change: EswitchChange }
  | {
      readonly kind: "setParam";
      readonly handle: DevlinkHandle;
      readonly name: string;
      readonly value: ParamValue;
      readonly mode: ParamMode;
    };

export interface LongRequestOptions {
  /** How long to wait for the outcome, in ms. Default 120000. */
  readonly timeout?: number;
  /** Opens the socket; a test hands in its own. */
  readonly open?: () => Transport;
}

/**
 * Carries a long request out over a socket of its own, while this thread goes on: the kernel works inside a
 * write(2) in a thread of libuv's pool. Which requests bear one another is the caller's business.
 *
 * Rejects with the NetlinkError that the kernel gave, or with code ETIMEDOUT when the time is over. A system
 * call cannot be taken back, and no socket option bounds it: after ETIMEDOUT the kernel may still be at work,
 * the outcome is unknown, and the process cannot end before the kernel lets the thread go. Observe again
 * before doing anything else.
 *
 * @example
 * await Promise.all([
 *   carryOut({ kind: "setEswitch", handle: "pci/0000:37:00.0", change: { mode: "switchdev" } }),
 *   carryOut({ kind: "setEswitch", handle: "pci/0000:d8:00.0", change: { mode: "switchdev" } }),
 * ]);
 */
export async function carryOut(
  request: LongRequest,
  { timeout = 120_000, open }: LongRequestOptions = {},
): Promise<void> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    const what =
      request.kind === "setEswitch"
        ? `set eSwitch of ${request.handle}`
        : `set ${request.name} of ${request.handle}`;
    late.reject(
      failure(
        what,
        constants.errno.ETIMEDOUT,
        `no answer within ${timeout} ms; the kernel may still be at work`,
      ),
    );
  }, timeout);
  try {
    await Promise.race([ask(request, new GenericNetlink(open)), late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** The socket is closed when the kernel is done with it, however long that takes. */
async function ask(request: LongRequest, socket: GenericNetlink): Promise<void> {
  using netlink = socket;
  await netlink.requestInThread("devlink", messageOf(request, new Devlink(netlink)));
}

function messageOf(request: LongRequest, devlink: Devlink): GenericRequest {
  switch (request.kind) {
    case "setEswitch":
      return devlink.eswitchRequest(request.handle, request.change);
    case "setParam":
      return devlink.paramRequest(request.handle, request.name, request.value, request.mode);
  }
}
