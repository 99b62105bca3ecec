/**
 * How large a spec may be. Specs also come from hosts and inventories, and nothing that these write may
 * occupy who reads it: what is larger is an error that names the limit. A spec of 32 NICs has about 500
 * values in 10 kB.
 */
export const specLimits = {
  /** Bytes of its text. */
  bytes: 64 * 1024,
  /** Lists and mappings within one another; the format itself needs five. */
  depth: 16,
  /** Values in all, each alias (`*name`) counted as what it stands for. */
  values: 10_000,
  /** Keys of one mapping. */
  keys: 64,
  /** Aliases. */
  aliases: 256,
  /** NICs, and ports of one NIC. */
  nics: 64,
  ports: 64,
  /** Problems that are shown; the rest is counted. */
  problems: 50,
} as const;
