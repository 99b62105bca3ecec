/**
 * How large a saved state may be, and what a host says of itself (`vflag inspect -o json --with-spec`): a
 * host is not trusted by who reads it. A host with 2 x 127 VFs says 0.6 MB; one with 2,000 VFs stays below
 * these limits.
 */
export const stateLimits = {
  /** Bytes of its JSON text. */
  bytes: 8 * 1024 * 1024,
  /** Lists and objects within one another; the format itself needs about ten. */
  depth: 32,
  /** Values in all. */
  values: 300_000,
  /** Keys of one object. */
  keys: 4096,
  /** Bytes of one text, as it is written in JSON. */
  text: 256 * 1024,
  /** Problems that are shown. */
  problems: 20,
} as const;

/** The signs of JSON, as bytes. */
const quote = 0x22;
const comma = 0x2c;
const backslash = 0x5c;
const openList = 0x5b;
const closeList = 0x5d;
const openObject = 0x7b;
const closeObject = 0x7d;

/**
 * Why a JSON text is too large, too deep or too many to be read; null where it is not. Nothing is made of the
 * text for that. One that is no JSON may pass. So may a short one: it cannot have too many values, and
 * whatever its shape is, the schema refuses it in no time.
 */
export function excessOfJson(json: Uint8Array): string | null {
  const { bytes, depth, values, keys, text } = stateLimits;
  if (json.length <= text) return null;
  if (json.length > bytes) return `it has ${json.length} bytes, and ${bytes} is the limit`;
  /** Of each list and object that is open: its commas so far, and whether it is a list. */
  const open = new Int32Array(depth + 1);
  const lists = new Uint8Array(depth + 1);
  let level = 0;
  let count = 0;
  for (let at = 0; at < json.length; at++) {
    const sign = json[at];
    if (sign === quote) {
      const start = at++;
      for (let inside = json[at]; inside !== quote && at < json.length; inside = json[at])
        at += inside === backslash ? 2 : 1;
      if (at - start > text) return `it has a text of more than ${text} bytes`;
    } else if (sign === comma) {
      count += 1;
      const entries = (open[level] ?? 0) + 1;
      open[level] = entries;
      if (entries >= keys && lists[level] === 0 && level > 0)
        return `it has an object with more than ${keys} keys`;
    } else if (sign === openList || sign === openObject) {
      count += 1;
      level += 1;
      if (level > depth) return `it has more than ${depth} lists and objects within one another`;
      open[level] = 0;
      lists[level] = sign === openList ? 1 : 0;
    } else if ((sign === closeList || sign === closeObject) && level > 0) level -= 1;
    if (count > values) return `it has more than ${values} values`;
  }
  return null;
}
