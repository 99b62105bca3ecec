import { type CST, type Document, isAlias, isCollection, isNode, isPair, type Node, Parser } from "yaml";
import { specLimits } from "./limits.ts";

/**
 * Why a text is too large, too deep or too many to be read as a spec, and where that was seen: an offset in
 * the text.
 */
export interface Excess {
  readonly offset: number;
  readonly message: string;
}

/**
 * Looks at a text's syntax alone, before anything is made of it: what the yaml package then does takes more
 * than linear time in the keys of a mapping, and a frame of the stack or more for each level of depth.
 */
export function excessOfText(text: string): Excess | null {
  const { bytes, depth, values, keys, aliases } = specLimits;
  const size = Buffer.byteLength(text);
  if (size > bytes) return { offset: 0, message: `the spec has ${size} bytes, and ${bytes} is the limit` };
  let count = { values: 0, aliases: 0 };
  const left: { readonly token: CST.Token; readonly depth: number }[] = [];
  for (const top of new Parser().parse(text)) {
    left.push({ token: top, depth: 0 });
    for (let next = left.pop(); next !== undefined; next = left.pop()) {
      const { token, depth: above } = next;
      if (token.type === "document") {
        if (token.value !== undefined) left.push({ token: token.value, depth: above });
        continue;
      }
      if (trivia.has(token.type)) continue;
      count = { values: count.values + 1, aliases: count.aliases + (token.type === "alias" ? 1 : 0) };
      if (count.values > values) return { offset: token.offset, message: tooMany("values", values) };
      if (count.aliases > aliases)
        return { offset: token.offset, message: tooMany("aliases (*name)", aliases) };
      const items = itemsOf(token);
      if (items === null) continue;
      if (above >= depth)
        return { offset: token.offset, message: `more than ${depth} lists and mappings within one another` };
      const mapping =
        token.type === "block-map" || (token.type === "flow-collection" && token.start.source === "{");
      if (mapping && items.length > keys)
        return { offset: token.offset, message: `more than ${keys} keys in one mapping` };
      for (const { key, value } of items) {
        if (key != null && itemsOf(key) !== null)
          return { offset: key.offset, message: "a list or a mapping cannot be a key" };
        for (const inner of [key, value]) if (inner != null) left.push({ token: inner, depth: above + 1 });
      }
    }
  }
  return null;
}

/** What stands between values. */
const trivia: ReadonlySet<CST.Token["type"]> = new Set([
  "byte-order-mark",
  "doc-mode",
  "space",
  "comment",
  "newline",
  "doc-end",
  "directive",
]);

type Items = readonly { readonly key?: CST.Token | null; readonly value?: CST.Token }[];

function itemsOf(token: CST.Token): Items | null {
  return token.type === "block-map" || token.type === "block-seq" || token.type === "flow-collection"
    ? token.items
    : null;
}

/**
 * Counts what a document's aliases stand for, without putting it there. The document has been found small
 * enough as a text.
 */
export function excessOfAliases(document: Document): Excess | null {
  const sizes = new Map<string, number>();
  let found: Excess | null = null;
  const sizeOf = (value: unknown): number => {
    if (isPair(value)) return sizeOf(value.key) + sizeOf(value.value);
    if (!isNode(value)) return 1;
    if (isAlias(value)) {
      const size = sizes.get(value.source);
      if (size === undefined)
        found ??= {
          offset: offsetOf(value),
          message: `the alias *${value.source} stands before what it is an alias of`,
        };
      return size ?? 1;
    }
    const size = isCollection(value) ? value.items.reduce<number>((sum, item) => sum + sizeOf(item), 1) : 1;
    if (size > specLimits.values)
      found ??= {
        offset: offsetOf(value),
        message: tooMany("values, with its aliases (*name) resolved", specLimits.values),
      };
    if (value.anchor !== undefined) sizes.set(value.anchor, size);
    return size;
  };
  sizeOf(document.contents);
  return found;
}

function tooMany(what: string, limit: number): string {
  return `more than ${limit} ${what}`;
}

function offsetOf(node: Node): number {
  return node.range?.[0] ?? 0;
}
