/**
 * How large a saved state may be, and what a host says of itself (`vflag inspect -o json --with-spec`): a host is not trusted by who
 * reads it. A host with 2 x 127 VFs says 0.6 MB; one with 2,000 VFs stays below these limits.
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

const [quote, comma, backslash, openList, closeList, openObject, closeObject] = [...'",\\[]{}'].map((sign) => sign.charCodeAt(0));

/**
 * Why a JSON text is too large, too deep or too many to be read; null where it is not. Nothing is made of the text for that. One that is no
 * JSON may pass.
 */
export function excessOfJson(json: Uint8Array): string | null {
  const { bytes, depth, values, keys, text } = stateLimits;
  if (json.length > bytes) return `it has ${json.length} bytes, and ${bytes} is the limit`;
  /** Of each list and object that is open: its commas so far, and whether it is a list. */
  const open = new Int32Array(depth + 1);
  const lists = new Uint8Array(depth + 1);
  let level = 0;
  let count = 0;
  for (let at = 0; at < json.length; at++) {
    switch (json[at]) {
      case quote: {
        const start = at++;
        while (at < json.length && json[at] !== quote) at += json[at] === backslash ? 2 : 1;
        if (at - start > text) return `it has a text of more than ${text} bytes`;
        break;
      }
      case comma: {
        count += 1;
        const entries = (open[level] ?? 0) + 1;
        open[level] = entries;
        if (entries >= keys && lists[level] === 0 && level > 0) return `it has an object with more than ${keys} keys`;
        break;
      }
      case openList:
      case openObject:
        count += 1;
        level += 1;
        if (level > depth) return `it has more than ${depth} lists and objects within one another`;
        open[level] = 0;
        lists[level] = json[at] === openList ? 1 : 0;
        break;
      case closeList:
      case closeObject:
        if (level > 0) level -= 1;
        break;
    }
    if (count > values) return `it has more than ${values} values`;
  }
  return null;
}
