import { LINK_HEADER } from "./rtnetlink/link.ts";
import { linkAttributes } from "./rtnetlink/link-attributes.ts";
import { isRefusal, type NetlinkError, NetlinkFormatError } from "./transport/errors.ts";
import { GenericNetlink } from "./transport/generic.ts";
import { decodeMessages, type Message } from "./transport/message.ts";
import {
  type EventSocketOptions,
  type EventTransport,
  type NetlinkProtocol,
  openEventSocket,
} from "./transport/socket.ts";

/** Something that the kernel told everybody. It is a reason to look, and tells no more than where. */
export type KernelEvent =
  /** A link appeared, changed or went. */
  | { readonly kind: "link"; readonly index: number; readonly name: string | null; readonly gone: boolean }
  /** A queueing discipline was set up or taken away. */
  | { readonly kind: "qdisc"; readonly link: number }
  /** A devlink device, port or parameter changed, or its driver was loaded anew. */
  | { readonly kind: "devlink" }
  /** Features or channels were set with ethtool. */
  | { readonly kind: "ethtool" }
  /** A device or a driver: `add`, `remove`, `bind`, `unbind`, `change`... */
  | {
      readonly kind: "device";
      readonly action: string;
      readonly subsystem: string | null;
      readonly path: string;
    }
  /** The kernel had more to tell than this process read in time: anything may have changed. */
  | { readonly kind: "lost"; readonly what: string };

/** What is heard of the kernel. */
export interface KernelEvents extends Disposable {
  /** What this kernel does not tell, in words: families and groups that it does not have. */
  readonly missing: readonly string[];
}

export interface KernelEventOptions {
  /** See EventSocketOptions. */
  readonly receiveBuffer?: number;
  /** Opens the sockets; a test hands in its own. */
  readonly open?: (protocol: NetlinkProtocol, options: EventSocketOptions) => EventTransport;
  /** Asks which families there are; a test hands in its own. */
  readonly generic?: () => GenericNetlink;
}

// linux/rtnetlink.h: groups of NETLINK_ROUTE, and its messages
const RTNLGRP_LINK = 1;
const RTNLGRP_TC = 4;
const RTM_NEWLINK = 16;
const RTM_DELLINK = 17;
const RTM_NEWQDISC = 36;
const RTM_DELQDISC = 37;
/** The kernel's own uevents; group 2 is udevd's. */
const UEVENTS = 1;

/**
 * Multicast groups of generic families. Source: linux/devlink.h, DEVLINK_GENL_MCGRP_CONFIG_NAME;
 * ethtool_netlink.h, ETHTOOL_MCGRP_MONITOR_NAME.
 */
const genericGroups = [
  { family: "devlink", group: "config", kind: "devlink" },
  { family: "ethtool", group: "monitor", kind: "ethtool" },
] as const;

/**
 * The group of qdiscs also has every rule of tc, of which Open vSwitch makes thousands a second: the kernel
 * keeps those back. Classic BPF loads numbers as the network orders them, and nlmsg_type (at 4) is in the
 * host's order: the bytes are turned.
 */
const qdiscsAndLinks = (): Buffer =>
  bpf([
    [0x28, 0, 0, 4], // ldh [4]
    [0x15, 4, 0, turned(RTM_NEWQDISC)], // jeq: take it
    [0x15, 3, 0, turned(RTM_DELQDISC)],
    [0x15, 2, 0, turned(RTM_NEWLINK)],
    [0x15, 1, 0, turned(RTM_DELLINK)],
    [0x06, 0, 0, 0], // ret 0: drop it
    [0x06, 0, 0, 0xffff_ffff], // ret all
  ]);

/**
 * Hears of links, qdiscs, devlink, ethtool, devices and drivers, in the network namespace of the calling
 * thread, until it is disposed of. Nothing is polled: SIGIO says that there is something to read, and then
 * all sockets are read until they are empty, a part at a time. Must be called on the main thread, which is
 * the one that gets signals. Throws NetlinkError.
 */
export function openKernelEvents(
  hear: (event: KernelEvent) => void,
  options: KernelEventOptions = {},
): KernelEvents {
  const { open = openEventSocket, generic = () => new GenericNetlink(), ...more } = options;
  hearSignals();
  using stack = new DisposableStack();
  const route = stack.use(open("route", { ...more, filter: qdiscsAndLinks() }));
  for (const group of [RTNLGRP_LINK, RTNLGRP_TC]) route.join(group);
  const uevents = stack.use(open("uevent", more));
  uevents.join(UEVENTS);
  const { sources, missing } = openGeneric(stack, open, generic, more);
  const all: Source[] = [
    { what: "links", socket: route, decode: routeEvents },
    { what: "devices", socket: uevents, decode: (datagram) => deviceEvent(datagram) ?? [] },
    ...sources,
  ];
  let again: NodeJS.Immediate | null = null;
  const drain = () => {
    // What is left is read after whatever else this process has to do: the kernel may tell faster than
    // anybody reads.
    const left = all.filter((source) => !readSome(source, hear)).length > 0;
    if (left && again === null) {
      again = setImmediate(() => {
        again = null;
        drain();
      });
    }
  };
  drains.add(drain);
  stack.defer(() => {
    drains.delete(drain);
    if (again !== null) clearImmediate(again);
  });
  const held = stack.move();
  // What came before there was somebody to hear the signal.
  drain();
  return { missing, [Symbol.dispose]: () => held.dispose() };
}

/** What reads the sockets that are open now. */
const drains = new Set<() => void>();
let hearsSignals = false;

/**
 * SIGIO ends a process that does not expect it: it is expected before the first socket is open, and ever
 * after. It keeps nothing alive.
 */
function hearSignals(): void {
  if (hearsSignals) return;
  hearsSignals = true;
  process.on("SIGIO", () => {
    for (const drain of drains) drain();
  });
}

interface Source {
  readonly what: string;
  readonly socket: EventTransport;
  readonly decode: (datagram: Buffer) => KernelEvent | readonly KernelEvent[];
}

function openGeneric(
  stack: DisposableStack,
  open: (protocol: NetlinkProtocol, options: EventSocketOptions) => EventTransport,
  generic: () => GenericNetlink,
  options: EventSocketOptions,
): { sources: Source[]; missing: string[] } {
  using ask = generic();
  const missing: string[] = [];
  const sources = genericGroups.flatMap(({ family, group, kind }): Source[] => {
    const id = ask.groupId(family, group);
    if (id === null) {
      missing.push(`this kernel tells nothing of ${family}`);
      return [];
    }
    const socket = stack.use(open("generic", options));
    socket.join(id);
    return [{ what: family, socket, decode: () => ({ kind }) }];
  });
  return { sources, missing };
}

/** So many datagrams of a socket are read in one go: 10 ms, about. */
const atOnce = 1000;

/**
 * Reads what a socket has, or a part of it. That something was lost is an event like the others.
 * @returns whether it is empty
 */
function readSome({ what, socket, decode }: Source, hear: (event: KernelEvent) => void): boolean {
  for (let count = 0; count < atOnce; count++) {
    try {
      const datagram = socket.receiveNow();
      if (datagram === null) return true;
      for (const event of [decode(datagram)].flat()) hear(event);
    } catch (error) {
      if (!isLoss(error)) throw error;
      hear({ kind: "lost", what });
    }
  }
  return false;
}

/** ENOBUFS: the socket's buffer was full. Bytes that make no sense are as good as lost. */
function isLoss(error: unknown): error is NetlinkError | NetlinkFormatError {
  return isRefusal(error, "ENOBUFS") || error instanceof NetlinkFormatError;
}

function routeEvents(datagram: Buffer): KernelEvent[] {
  return decodeMessages(datagram).flatMap((message) => routeEvent(message) ?? []);
}

/** struct ifinfomsg and struct tcmsg both have the ifindex at 4. */
function routeEvent({ type, payload }: Message): KernelEvent | null {
  if (payload.length < LINK_HEADER) throw new NetlinkFormatError(`link or qdisc of ${payload.length} bytes`);
  const index = payload.readInt32LE(4);
  switch (type) {
    case RTM_NEWLINK:
    case RTM_DELLINK:
      return {
        kind: "link",
        index,
        name: linkAttributes.decode(payload, LINK_HEADER).name ?? null,
        gone: type === RTM_DELLINK,
      };
    case RTM_NEWQDISC:
    case RTM_DELQDISC:
      return { kind: "qdisc", link: index };
    default:
      return null;
  }
}

/**
 * `ACTION@DEVPATH`, then `KEY=VALUE`, each ended by a NUL. Source: linux lib/kobject_uevent.c,
 * kobject_uevent_env().
 */
export function deviceEvent(datagram: Buffer): KernelEvent | null {
  const [head = "", ...pairs] = datagram.toString("utf8").split("\0");
  const at = head.indexOf("@");
  if (at <= 0) return null;
  const subsystem = pairs.find((pair) => pair.startsWith("SUBSYSTEM="))?.slice("SUBSYSTEM=".length) ?? null;
  return { kind: "device", action: head.slice(0, at), subsystem, path: head.slice(at + 1) };
}

/** struct sock_filter: u16 code, u8 to jump if true, u8 if false, u32 operand. */
function bpf(
  instructions: readonly (readonly [code: number, whenTrue: number, whenFalse: number, operand: number])[],
): Buffer {
  const program = Buffer.alloc(instructions.length * 8);
  for (const [index, [code, whenTrue, whenFalse, operand]] of instructions.entries()) {
    program.writeUInt16LE(code, index * 8);
    program.writeUInt8(whenTrue, index * 8 + 2);
    program.writeUInt8(whenFalse, index * 8 + 3);
    program.writeUInt32LE(operand, index * 8 + 4);
  }
  return program;
}

function turned(number: number): number {
  return ((number & 0xff) << 8) | (number >> 8);
}
