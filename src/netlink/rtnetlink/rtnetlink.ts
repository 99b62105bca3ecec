import { parseHardwareAddress } from "../transport/attributes.ts";
import { NetlinkClient, type Request } from "../transport/client.ts";
import { isRefusal, NetlinkFormatError } from "../transport/errors.ts";
import { openSocket, type Transport } from "../transport/socket.ts";
import { ADDRESS_HEADER, type Address, decodeAddress } from "./address.ts";
import { decodeLink, IFF_UP, LINK_HEADER, type Link, type VfLinkState, vfLinkStates } from "./link.ts";
import { linkAttributes, type VfAttributes } from "./link-attributes.ts";
import { decodeQdisc, type Qdisc, TC_HEADER } from "./qdisc.ts";

/** A link by ifindex, which survives renaming, or by name or alternative name. */
export type LinkReference = number | string;

// linux/rtnetlink.h
const RTM_GETLINK = 18;
const RTM_SETLINK = 19;
const RTM_GETADDR = 22;
const RTM_GETQDISC = 38;
const RTEXT_FILTER_VF = 1 << 0;
const RTEXT_FILTER_SKIP_STATS = 1 << 3;
const EXT_MASK = RTEXT_FILTER_VF | RTEXT_FILTER_SKIP_STATS;
const ETH_ALEN = 6;
/** Longest name of a link, IFNAMSIZ - 1; longer ones can only be alternative names. */
const NAME_LENGTH = 15;

/**
 * Links, and the qdiscs on them, over NETLINK_ROUTE. Reading needs no privilege, setting needs CAP_NET_ADMIN.
 * All methods are synchronous and throw NetlinkError (with the kernel's sentence where it gave one) or
 * NetlinkFormatError. Source: linux/rtnetlink.h, net/core/rtnetlink.c, net/sched/sch_api.c.
 */
export class Rtnetlink implements Disposable {
  readonly #client: NetlinkClient;

  /** @param open opens the socket; a test hands in its own */
  constructor(open: () => Transport = () => openSocket("route")) {
    this.#client = new NetlinkClient(open);
  }

  /** All links of this network namespace with their VFs, without statistics, in one dump. */
  listLinks(): Link[] {
    const payload = linkMessage({ extMask: EXT_MASK });
    return this.#client.dump({ what: "list links", type: RTM_GETLINK, payload }).map(decodeLink);
  }

  /** One link, or null if there is none of that index or name. */
  getLink(link: LinkReference): Link | null {
    const payload = linkMessage({ ...reference(link), extMask: EXT_MASK }, indexOf(link));
    try {
      const [answer] = this.#client.request({ what: `get link ${link}`, type: RTM_GETLINK, payload });
      return answer === undefined ? null : decodeLink(answer);
    } catch (error) {
      if (isRefusal(error, "ENODEV")) return null;
      throw error;
    }
  }

  /** All IP addresses of this network namespace, in one dump. */
  listAddresses(): Address[] {
    const payload = Buffer.alloc(ADDRESS_HEADER);
    return this.#client.dump({ what: "list addresses", type: RTM_GETADDR, payload }).map(decodeAddress);
  }

  /** All queueing disciplines of this network namespace that somebody set up, in one dump. */
  listQdiscs(): Qdisc[] {
    const payload = Buffer.alloc(TC_HEADER);
    return this.#client.dump({ what: "list qdiscs", type: RTM_GETQDISC, payload }).map(decodeQdisc);
  }

  /** Switches a link on or off (IFF_UP). */
  setLinkUp(link: LinkReference, up: boolean): void {
    const payload = linkMessage(reference(link), indexOf(link), { flags: up ? IFF_UP : 0, change: IFF_UP });
    this.#set({ what: `set link ${link} ${up ? "up" : "down"}`, type: RTM_SETLINK, payload });
  }

  /**
   * Sets the administrative MAC of a VF: `24:8a:07:ad:77:ca`; all zeros lets the VF choose.
   * NetlinkFormatError for what is no MAC.
   */
  setVfMac(pf: LinkReference, vf: number, mac: string): void {
    const address = parseHardwareAddress(mac);
    if (address.length !== ETH_ALEN) throw new NetlinkFormatError(`${mac} is no Ethernet address`);
    this.#setVf(pf, vf, `MAC ${mac}`, { mac: { vf, mac: address } });
  }

  /** Lets a VF change its MAC and go promiscuous, or forbids it. */
  setVfTrust(pf: LinkReference, vf: number, on: boolean): void {
    this.#setVf(pf, vf, `trust ${on ? "on" : "off"}`, { trust: { vf, setting: Number(on) } });
  }

  /** Drops what a VF sends from addresses that are not its own, or lets it pass. */
  setVfSpoofCheck(pf: LinkReference, vf: number, on: boolean): void {
    this.#setVf(pf, vf, `spoof check ${on ? "on" : "off"}`, { spoofCheck: { vf, setting: Number(on) } });
  }

  /** auto: the VF's link follows the port's; enable, disable: whatever the port does. */
  setVfLinkState(pf: LinkReference, vf: number, state: VfLinkState): void {
    this.#setVf(pf, vf, `link state ${state}`, { linkState: { vf, setting: vfLinkStates.indexOf(state) } });
  }

  close(): void {
    this.#client.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #setVf(pf: LinkReference, vf: number, what: string, settings: VfAttributes): void {
    const payload = linkMessage({ ...reference(pf), vfs: [settings] }, indexOf(pf));
    this.#set({ what: `set ${what} of VF ${vf} on ${pf}`, type: RTM_SETLINK, payload });
  }

  #set(request: Request): void {
    this.#client.request(request);
  }
}

type LinkValues = Parameters<typeof linkAttributes.encode>[0];

/** struct ifinfomsg and attributes. Strict checking wants all that is not used to be zero. */
function linkMessage(values: LinkValues, index = 0, { flags = 0, change = 0 } = {}): Buffer {
  const header = Buffer.alloc(LINK_HEADER);
  header.writeInt32LE(index, 4);
  header.writeUInt32LE(flags, 8);
  header.writeUInt32LE(change, 12);
  return Buffer.concat([header, ...linkAttributes.encode(values)]);
}

function indexOf(link: LinkReference): number {
  return typeof link === "number" ? link : 0;
}

/**
 * With index 0 the kernel looks for IFLA_IFNAME (which finds alternative names too) or, for long ones,
 * IFLA_ALT_IFNAME.
 */
function reference(link: LinkReference): LinkValues {
  if (typeof link === "number") return {};
  return Buffer.byteLength(link) > NAME_LENGTH ? { altName: link } : { name: link };
}
