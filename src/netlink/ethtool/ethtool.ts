import { constants } from "node:os";
import type { LinkReference } from "../rtnetlink/rtnetlink.ts";
import type { Decoded } from "../transport/attributes.ts";
import { failure, isRefusal, NetlinkFormatError } from "../transport/errors.ts";
import type { GenericNetlink } from "../transport/generic.ts";
import {
  COMPACT_BITSETS,
  channelsAttributes,
  featuresAttributes,
  type headerAttributes,
  stringSetAttributes,
} from "./ethtool-attributes.ts";

/** A device feature, such as `hw-tc-offload`, as `ethtool -k` shows it. */
export interface Feature {
  readonly active: boolean;
  /** What was asked for; differs from `active` when the driver could not follow ("[requested on]"). */
  readonly wanted: boolean;
  /** The driver lets it be changed. */
  readonly hw: boolean;
  /** The kernel never lets it be changed. */
  readonly noChange: boolean;
  /** Not to be changed, for either reason ("[fixed]"). */
  readonly fixed: boolean;
}

export interface DeviceFeatures {
  readonly index: number;
  readonly name: string;
  /** The features that were asked for and that this kernel knows, by name. */
  readonly features: Readonly<Record<string, Feature>>;
}

export interface ChannelCount {
  readonly count: number;
  readonly max: number;
}

/** Queues with an interrupt. Null: the driver has none of that sort. */
export interface DeviceChannels {
  readonly index: number;
  readonly name: string;
  readonly rx: ChannelCount | null;
  readonly tx: ChannelCount | null;
  readonly other: ChannelCount | null;
  readonly combined: ChannelCount | null;
}

// linux/ethtool_netlink.h, linux/ethtool.h
const command = {
  getStringSet: 1,
  getFeatures: 11,
  setFeatures: 12,
  getChannels: 17,
  setChannels: 18,
} as const;
const ETH_SS_FEATURES = 4;

/**
 * ethtool over generic netlink (kernel 5.6; before, NetlinkError ENOENT). Setting needs CAP_NET_ADMIN.
 * All methods are synchronous and throw NetlinkError (ENODEV for a device that does not exist) or
 * NetlinkFormatError. Source: linux/ethtool_netlink.h, Documentation/networking/ethtool-netlink.rst.
 */
export class Ethtool {
  readonly #netlink: GenericNetlink;
  #featureBits: Map<string, number> | null = null;

  constructor(netlink: GenericNetlink) {
    this.#netlink = netlink;
  }

  /** Named features of all devices of this network namespace, in one dump. */
  listFeatures(names: readonly string[]): DeviceFeatures[] {
    const bits = this.#bitsOf(names);
    const attributes = featuresAttributes.encode({ header: { flags: COMPACT_BITSETS } });
    return this.#netlink
      .dump("ethtool", { what: "list device features", command: command.getFeatures, attributes })
      .map((answer) => decodeFeatures(answer, bits));
  }

  /** Named features of one device. */
  getFeatures(device: LinkReference, names: readonly string[]): DeviceFeatures {
    const what = `get features of ${device}`;
    const bits = this.#bitsOf(names);
    const attributes = featuresAttributes.encode({
      header: { ...reference(device), flags: COMPACT_BITSETS },
    });
    const [answer] = this.#netlink.request("ethtool", { what, command: command.getFeatures, attributes });
    if (answer === undefined) throw new NetlinkFormatError(`${what}: no answer`);
    return decodeFeatures(answer, bits);
  }

  /**
   * Switches features of a device. Throws NetlinkError EOPNOTSUPP for a name that the kernel does not know
   * ("bit name not found"), and when the kernel took the request and a feature stayed as it was, because it
   * is fixed or depends on another.
   */
  setFeatures(device: LinkReference, features: Readonly<Record<string, boolean>>): void {
    const words = Object.entries(features).map(([name, on]) => `${name} ${on ? "on" : "off"}`);
    const what = `set ${words.join(", ")} on ${device}`;
    const bit = Object.entries(features).map(([name, value]) => ({ name, value }));
    const attributes = featuresAttributes.encode({ header: reference(device), wanted: { bits: { bit } } });
    const [answer] = this.#netlink.request("ethtool", { what, command: command.setFeatures, attributes });
    // The reply's "wanted" has the bits whose outcome is not what was asked (ethnl_set_features in
    // net/ethtool/features.c).
    const left = answer === undefined ? [] : (featuresAttributes.decode(answer).wanted?.bits?.bit ?? []);
    const names = left.flatMap(({ name }) => name ?? []);
    if (names.length > 0)
      throw failure(what, constants.errno.EOPNOTSUPP, `the device did not change ${names.join(", ")}`);
  }

  /** Channels of all devices that have any, in one dump. */
  listChannels(): DeviceChannels[] {
    const attributes = channelsAttributes.encode({ header: {} });
    return this.#netlink
      .dump("ethtool", { what: "list device channels", command: command.getChannels, attributes })
      .map(decodeChannels);
  }

  /** Channels of one device, or null when its driver has none to tell of. */
  getChannels(device: LinkReference): DeviceChannels | null {
    const what = `get channels of ${device}`;
    const attributes = channelsAttributes.encode({ header: reference(device) });
    try {
      const [answer] = this.#netlink.request("ethtool", { what, command: command.getChannels, attributes });
      return answer === undefined ? null : decodeChannels(answer);
    } catch (error) {
      if (isRefusal(error, "EOPNOTSUPP")) return null;
      throw error;
    }
  }

  /**
   * Sets the number of combined channels. The kernel refuses more than the maximum, with a sentence; setting
   * the same is no change.
   */
  setCombinedChannels(device: LinkReference, count: number): void {
    const attributes = channelsAttributes.encode({ header: reference(device), combinedCount: count });
    const what = `set ${count} combined channels on ${device}`;
    this.#netlink.request("ethtool", { what, command: command.setChannels, attributes });
  }

  /** Bit numbers of features. All names are asked once: they are the kernel's, the same for every device. */
  #bitsOf(names: readonly string[]): Map<string, number> {
    this.#featureBits ??= this.#readFeatureBits();
    const bits = new Map<string, number>();
    for (const name of names) {
      const bit = this.#featureBits.get(name);
      if (bit !== undefined) bits.set(name, bit);
    }
    return bits;
  }

  #readFeatureBits(): Map<string, number> {
    const what = "list feature names";
    const attributes = stringSetAttributes.encode({ header: {}, sets: [{ id: ETH_SS_FEATURES }] });
    const [answer] = this.#netlink.request("ethtool", { what, command: command.getStringSet, attributes });
    const set = answer && stringSetAttributes.decode(answer).sets?.find(({ id }) => id === ETH_SS_FEATURES);
    if (set === undefined) throw new NetlinkFormatError(`${what}: no answer`);
    return new Map(
      (set.strings ?? []).flatMap(({ index, value }) => (index === undefined ? [] : [[value ?? "", index]])),
    );
  }
}

function decodeFeatures(answer: Buffer, bits: ReadonlyMap<string, number>): DeviceFeatures {
  const { header, hw, wanted, active, noChange } = featuresAttributes.decode(answer);
  const features: Record<string, Feature> = {};
  for (const [name, bit] of bits) {
    const isFixed = !isSet(hw?.value, bit) || isSet(noChange?.value, bit);
    features[name] = {
      active: isSet(active?.value, bit),
      wanted: isSet(wanted?.value, bit),
      hw: isSet(hw?.value, bit),
      noChange: isSet(noChange?.value, bit),
      fixed: isFixed,
    };
  }
  return { ...deviceOf(header), features };
}

/** Little-endian words put bit n into byte n / 8. */
function isSet(words: Buffer | undefined, bit: number): boolean {
  return (((words?.[bit >> 3] ?? 0) >> (bit & 7)) & 1) === 1;
}

function decodeChannels(answer: Buffer): DeviceChannels {
  const { header, ...channels } = channelsAttributes.decode(answer);
  return {
    ...deviceOf(header),
    rx: channelCount(channels.rxCount, channels.rxMax),
    tx: channelCount(channels.txCount, channels.txMax),
    other: channelCount(channels.otherCount, channels.otherMax),
    combined: channelCount(channels.combinedCount, channels.combinedMax),
  };
}

/** The kernel leaves out both numbers of a sort whose maximum is 0. */
function channelCount(count: number | undefined, max: number | undefined): ChannelCount | null {
  return max ? { count: count ?? 0, max } : null;
}

function deviceOf(header: Decoded<typeof headerAttributes> = {}): { index: number; name: string } {
  const { index, name } = header;
  if (index === undefined || name === undefined)
    throw new NetlinkFormatError("ethtool answer names no device");
  return { index, name };
}

function reference(device: LinkReference): { index: number } | { name: string } {
  return typeof device === "number" ? { index: device } : { name: device };
}
