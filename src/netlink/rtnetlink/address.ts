import { attributes, bytes } from "../transport/attributes.ts";
import { NetlinkFormatError } from "../transport/errors.ts";

/** An IP address of a link. Source: linux/if_addr.h. */
export interface Address {
  /** ifindex of the link. */
  readonly link: number;
  /** `192.0.2.7/24`, `2001:db8:0:0:0:0:0:7/64` */
  readonly text: string;
  /**
   * One that IPv6 gives to every link that is up, or one of this machine alone: RT_SCOPE_LINK and narrower.
   */
  readonly isLocal: boolean;
}

/** sizeof(struct ifaddrmsg) */
export const ADDRESS_HEADER = 8;

/** RT_SCOPE_LINK of linux/rtnetlink.h */
const LINK_SCOPE = 253;

/** IFA_*: of a point-to-point link, IFA_ADDRESS is the other end's. */
const addressAttributes = attributes({ address: [1, bytes], local: [2, bytes] });

/** Decodes the payload of an RTM_NEWADDR. Throws NetlinkFormatError. */
export function decodeAddress(payload: Buffer): Address {
  if (payload.length < ADDRESS_HEADER)
    throw new NetlinkFormatError(`address message of ${payload.length} bytes`);
  const link = payload.readInt32LE(4);
  const { address, local = address } = addressAttributes.decode(payload, ADDRESS_HEADER);
  if (local === undefined) throw new NetlinkFormatError(`an address of link ${link} is missing`);
  return {
    link,
    text: `${textOf(local)}/${payload.readUInt8(1)}`,
    isLocal: payload.readUInt8(3) >= LINK_SCOPE,
  };
}

function textOf(address: Buffer): string {
  if (address.length !== 16) return [...address].join(".");
  return Array.from({ length: 8 }, (_, word) => address.readUInt16BE(2 * word).toString(16)).join(":");
}
