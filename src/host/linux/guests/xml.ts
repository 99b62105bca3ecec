/** An element of an XML document: just enough of XML for the files that libvirt writes. */
export interface Element {
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: Element[];
  /** The text that is directly in it. */
  text: string;
}

/** So many elements are read; a domain has hundreds. */
const mostElements = 100_000;

/**
 * The document's element; null where it is not well-formed, or has more elements than anybody reads. Entities
 * of its own, which a document type could declare, are left as they are. Each character is looked at a fixed
 * number of times, whatever the text is.
 */
export function readXml(text: string): Element | null {
  const top: Element = { name: "", attributes: new Map(), children: [], text: "" };
  const open = [top];
  let elements = 0;
  for (let at = 0; at < text.length; ) {
    const inside = open.at(-1);
    if (inside === undefined) return null;
    if (text[at] !== "<") {
      const end = text.indexOf("<", at);
      inside.text += decoded(text.slice(at, end < 0 ? text.length : end));
      at = end < 0 ? text.length : end;
      continue;
    }
    const aside = asideAt(text, at);
    if (aside !== null) {
      if (aside.end < 0) return null;
      inside.text += aside.data;
      at = aside.end;
      continue;
    }
    const end = endOfTag(text, at + 1);
    if (end < 0) return null;
    const tag = text.slice(at + 1, end);
    at = end + 1;
    if (tag.startsWith("/")) {
      if (open.length < 2 || inside.name !== tag.slice(1).trimEnd()) return null;
      open.pop();
      continue;
    }
    const element = elementOf(tag.endsWith("/") ? tag.slice(0, -1) : tag);
    elements += 1;
    if (element === null || elements > mostElements) return null;
    inside.children.push(element);
    if (!tag.endsWith("/")) open.push(element);
  }
  return open.length === 1 && top.children.length === 1 ? (top.children[0] ?? null) : null;
}

/**
 * What is no tag: a comment, an instruction, a document type, character data. `end`: behind it, -1 where it
 * does not end.
 */
function asideAt(text: string, at: number): { readonly end: number; readonly data: string } | null {
  const behind = (start: string, close: string) => {
    const end = text.indexOf(close, at + start.length);
    return { end: end < 0 ? -1 : end + close.length, data: "" };
  };
  if (text.startsWith("<!--", at)) return behind("<!--", "-->");
  if (text.startsWith("<?", at)) return behind("<?", "?>");
  if (text.startsWith(characterData, at)) {
    const { end } = behind(characterData, "]]>");
    return { end, data: end < 0 ? "" : text.slice(at + characterData.length, end - 3) };
  }
  return text.startsWith("<!", at) ? behind("<!", ">") : null;
}

const characterData = "<![CDATA[";

/** Where the > of a tag is: not within quotes. */
function endOfTag(text: string, from: number): number {
  const plain = /[^>"']*/y;
  for (let at = from; ; ) {
    plain.lastIndex = at;
    plain.test(text);
    const mark = text[plain.lastIndex];
    if (mark === ">") return plain.lastIndex;
    const close = mark === undefined ? -1 : text.indexOf(mark, plain.lastIndex + 1);
    if (close < 0) return -1;
    at = close + 1;
  }
}

function elementOf(tag: string): Element | null {
  const name = /^[^\s/>=<"']+/.exec(tag)?.[0];
  if (name === undefined) return null;
  const attributes = new Map<string, string>();
  const attribute = /\s+([^\s=/"'<>]+)\s*=\s*(?:"([^"]*)"|'([^']*)')|\s+$/y;
  for (let at = name.length; at < tag.length; at = attribute.lastIndex) {
    attribute.lastIndex = at;
    const found = attribute.exec(tag);
    if (found === null) return null;
    const [, key, double, single] = found;
    if (key !== undefined) attributes.set(key, decoded(double ?? single ?? ""));
  }
  return { name, attributes, children: [], text: "" };
}

/** All elements below one, and itself. */
export function* allOf(element: Element): Generator<Element> {
  const left = [element];
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    yield next;
    for (let at = next.children.length; at > 0; at--) left.push(next.children[at - 1] ?? next);
  }
}

/** The first child of this name. */
export function childOf(element: Element | undefined, name: string): Element | undefined {
  return element?.children.find((child) => child.name === name);
}

const entities: Readonly<Record<string, string>> = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" };

function decoded(text: string): string {
  return text.replace(/&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|([a-z]+));/gi, (all, decimal, hexadecimal, name) => {
    if (name !== undefined) return entities[name] ?? all;
    const point = decimal === undefined ? Number.parseInt(hexadecimal, 16) : Number(decimal);
    return point > 0 && point <= 0x10ffff ? String.fromCodePoint(point) : all;
  });
}
