import { SaxesParser } from "saxes";

/** An element of an XML document. */
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
 * The document's element; null where it is not well-formed, has entities of its own, or has more elements
 * than anybody reads.
 */
export function readXml(text: string): Element | null {
  const top: Element = { name: "", attributes: new Map(), children: [], text: "" };
  const open = [top];
  let elements = 0;
  const parser = new SaxesParser({ xmlns: false, position: false });
  const words = (data: string) => {
    const inside = open.at(-1);
    if (inside !== undefined) inside.text += data;
  };
  // Without a handler, what is not well-formed is thrown.
  parser.on("text", words);
  parser.on("cdata", words);
  parser.on("opentag", ({ name, attributes }) => {
    elements += 1;
    if (elements > mostElements) throw new RangeError(`more than ${mostElements} elements`);
    const element = { name, attributes: new Map(Object.entries(attributes)), children: [], text: "" };
    open.at(-1)?.children.push(element);
    open.push(element);
  });
  parser.on("closetag", () => open.pop());
  try {
    parser.write(text).close();
  } catch {
    return null;
  }
  return top.children[0] ?? null;
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
