import { attributes, bytes, flag, list, repeated, string, u32 } from "../transport/attributes.ts";

/** The ethtool attributes that are in use: ETHTOOL_A_* in linux/ethtool_netlink.h. */

/** ETHTOOL_A_HEADER_*: which device, and how to answer. */
export const headerAttributes = attributes({ index: [1, u32], name: [2, string], flags: [3, u32] });

/**
 * ETHTOOL_A_BITSET_*. Compact (asked for with `compactBitsets`): `value` and `mask` are 32-bit words in host
 * order, bit 0 first. Otherwise `bits` names the bits.
 */
const bitset = attributes({
  noMask: [1, flag],
  size: [2, u32],
  bits: [
    3,
    attributes({ bit: [1, repeated(attributes({ index: [1, u32], name: [2, string], value: [3, flag] }))] }),
  ],
  value: [4, bytes],
  mask: [5, bytes],
});

export const featuresAttributes = attributes({
  header: [1, headerAttributes],
  hw: [2, bitset],
  wanted: [3, bitset],
  active: [4, bitset],
  noChange: [5, bitset],
});

export const channelsAttributes = attributes({
  header: [1, headerAttributes],
  rxMax: [2, u32],
  txMax: [3, u32],
  otherMax: [4, u32],
  combinedMax: [5, u32],
  rxCount: [6, u32],
  txCount: [7, u32],
  otherCount: [8, u32],
  combinedCount: [9, u32],
});

const stringEntry = attributes({ index: [1, u32], value: [2, string] });

/** ETHTOOL_A_STRSET_*: sets of strings, by id. */
export const stringSetAttributes = attributes({
  header: [1, headerAttributes],
  sets: [2, list(1, attributes({ id: [1, u32], count: [2, u32], strings: [3, list(1, stringEntry)] }))],
});

/** ETHTOOL_FLAG_COMPACT_BITSETS. */
export const COMPACT_BITSETS = 1;
