import { attributes, string, u32 } from "../transport/attributes.ts";
import { NetlinkFormatError } from "../transport/errors.ts";

/**
 * A queueing discipline on a link, with only what tells where packets meet filters on their way in. Source:
 * linux/pkt_sched.h.
 */
export interface Qdisc {
  /** ifindex of the link. */
  readonly link: number;
  /** `ingress`, `clsact`, `mq`, `fq_codel`... */
  readonly kind: string;
  /**
   * The block of filters that it shares with every qdisc of the same number; null where it has filters of its
   * own.
   */
  readonly ingressBlock: number | null;
}

/** sizeof(struct tcmsg) */
export const TC_HEADER = 20;

/**
 * TCA_* of linux/rtnetlink.h; TCA_INGRESS_BLOCK since 4.16, and left out by the kernel where there is none.
 */
const qdiscAttributes = attributes({ kind: [1, string], ingressBlock: [13, u32] });

/** Decodes the payload of an RTM_NEWQDISC. Throws NetlinkFormatError. */
export function decodeQdisc(payload: Buffer): Qdisc {
  if (payload.length < TC_HEADER) throw new NetlinkFormatError(`qdisc message of ${payload.length} bytes`);
  const { kind, ingressBlock } = qdiscAttributes.decode(payload, TC_HEADER);
  const link = payload.readInt32LE(4);
  if (kind === undefined) throw new NetlinkFormatError(`a qdisc of link ${link} has no kind`);
  return { link, kind, ingressBlock: ingressBlock || null };
}
