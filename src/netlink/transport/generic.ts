import { constants } from "node:os";
import { attributes, type Codec, type Decoded, string, u16, u32 } from "./attributes.ts";
import { NetlinkClient } from "./client.ts";
import { failure, isRefusal, NetlinkFormatError } from "./errors.ts";
import { openSocket, type Transport } from "./socket.ts";

/** A request to a generic netlink family. */
export interface GenericRequest {
  /** What is asked, in words, for errors. */
  readonly what: string;
  readonly command: number;
  /** Encoded attributes: `[]` for none. */
  readonly attributes: readonly Buffer[];
}

// linux/genetlink.h
const GENL_HEADER = 4;
const GENL_ID_CTRL = 0x10;
const CTRL_CMD_GETFAMILY = 3;
const group = attributes({ name: [1, string], id: [2, u32] });

/** A nest whose attributes are numbered: each one a group. */
const groups: Codec<Decoded<typeof group>[]> = {
  nested: true,
  decode(buffer, start, end) {
    const found: Decoded<typeof group>[] = [];
    for (let at = start; end - at >= 4; ) {
      const length = buffer.readUInt16LE(at);
      if (length < 4 || length > end - at)
        throw new NetlinkFormatError(`group of ${length} bytes where ${end - at} are left`);
      found.push(group.decode(buffer, at + 4, at + length));
      at += (length + 3) & ~3;
    }
    return found;
  },
  encode: () => [],
};
const controlAttributes = attributes({ id: [1, u16], name: [2, string], groups: [7, groups] });

interface Family {
  readonly id: number;
  readonly groups: ReadonlyMap<string, number>;
}

/**
 * Generic netlink (NETLINK_GENERIC): families such as devlink and ethtool, whose ids the kernel gives out at
 * run time. One socket can serve several families. Source: linux/genetlink.h, net/netlink/genetlink.c.
 */
export class GenericNetlink implements Disposable {
  readonly #client: NetlinkClient;
  readonly #families = new Map<string, Family>();

  /** @param open opens the socket; a test hands in its own */
  constructor(open: () => Transport = () => openSocket("generic")) {
    this.#client = new NetlinkClient(open);
  }

  /**
   * Id of a family, asked once per socket; null if the kernel has no such family. The kernel tries to load
   * its module. That there is none is not remembered: the module may be loaded later.
   */
  familyId(name: string): number | null {
    return this.#family(name)?.id ?? null;
  }

  /** Id of a family's multicast group; null if the kernel has no such family or group. */
  groupId(family: string, name: string): number | null {
    return this.#family(family)?.groups.get(name) ?? null;
  }

  /**
   * Sends a request; the attributes of each answer. Throws NetlinkError: ENOENT if the kernel has no such
   * family.
   */
  request(family: string, request: GenericRequest): Buffer[] {
    return this.#client.request(this.#message(family, request)).map(body);
  }

  /**
   * As `request`, with the kernel at work in another thread. Nothing else may be asked on this socket
   * meanwhile.
   */
  async requestInThread(family: string, request: GenericRequest): Promise<Buffer[]> {
    return (await this.#client.requestInThread(this.#message(family, request))).map(body);
  }

  /** Reads a whole table; the attributes of each entry. */
  dump(family: string, request: GenericRequest): Buffer[] {
    return this.#client.dump(this.#message(family, request)).map(body);
  }

  close(): void {
    this.#client.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #family(name: string): Family | null {
    const known = this.#families.get(name);
    if (known !== undefined) return known;
    const payload = Buffer.concat([header(CTRL_CMD_GETFAMILY), ...controlAttributes.encode({ name })]);
    try {
      const [answer] = this.#client.request({
        what: `find netlink family ${name}`,
        type: GENL_ID_CTRL,
        payload,
      });
      const { id, groups = [] } = answer === undefined ? {} : controlAttributes.decode(body(answer));
      if (id === undefined) throw new NetlinkFormatError(`netlink family ${name} has no id`);
      const named = groups.flatMap((found) =>
        found.name === undefined || found.id === undefined ? [] : [[found.name, found.id] as const],
      );
      const family = { id, groups: new Map(named) };
      this.#families.set(name, family);
      return family;
    } catch (error) {
      if (isRefusal(error, "ENOENT")) return null;
      throw error;
    }
  }

  #message(family: string, { what, command, attributes }: GenericRequest) {
    const type = this.familyId(family);
    if (type === null)
      throw failure(what, constants.errno.ENOENT, `this kernel has no ${family} netlink family`);
    return { what, type, payload: Buffer.concat([header(command), ...attributes]) };
  }
}

/** struct genlmsghdr: command, version (1 for every family in use), reserved. */
function header(command: number): Buffer {
  return Buffer.from([command, 1, 0, 0]);
}

function body(payload: Buffer): Buffer {
  if (payload.length < GENL_HEADER)
    throw new NetlinkFormatError(`generic message of ${payload.length} bytes`);
  return payload.subarray(GENL_HEADER);
}
