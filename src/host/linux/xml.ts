/** An element of an XML document: just enough of XML for the files that libvirt writes. */
export interface Element {
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: Element[];
  /** The text that is directly in it. */
  text: string;
}

const token = /<!--[\s\S]*?-->|<!\[CDATA\[([\s\S]*?)\]\]>|<[?!][^>]*>|<(\/?)([^\s/>=<"']+)((?:[^>"']|"[^"]*"|'[^']*')*)>|([^<]+)/y;

/**
 * The document's element; null where it is not well-formed. Entities of its own, which a document type could declare, are left as
 * they are.
 */
export function readXml(text: string): Element | null {
  const top: Element = { name: "", attributes: new Map(), children: [], text: "" };
  const open = [top];
  token.lastIndex = 0;
  while (token.lastIndex < text.length) {
    const found = token.exec(text);
    const inside = open.at(-1);
    if (found === null || inside === undefined) return null;
    const [, data, slash, name, rest = "", words] = found;
    if (data !== undefined) inside.text += data;
    else if (words !== undefined) inside.text += decoded(words);
    else if (name === undefined) continue;
    else if (slash === "/") {
      if (open.length < 2 || inside.name !== name) return null;
      open.pop();
    } else {
      const element: Element = { name, attributes: attributesOf(rest), children: [], text: "" };
      inside.children.push(element);
      if (!rest.endsWith("/")) open.push(element);
    }
  }
  return open.length === 1 && top.children.length === 1 ? (top.children[0] ?? null) : null;
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

function attributesOf(text: string): ReadonlyMap<string, string> {
  const pairs = text.matchAll(/([^\s=/"']+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g);
  return new Map([...pairs].map(([, name = "", double, single]) => [name, decoded(double ?? single ?? "")]));
}

const entities: Readonly<Record<string, string>> = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" };

function decoded(text: string): string {
  return text.replace(/&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|([a-z]+));/gi, (all, decimal, hexadecimal, name) => {
    if (name !== undefined) return entities[name] ?? all;
    const point = decimal === undefined ? Number.parseInt(hexadecimal, 16) : Number(decimal);
    return point > 0 && point <= 0x10ffff ? String.fromCodePoint(point) : all;
  });
}
