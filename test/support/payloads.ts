import * as z from "zod";
import { HostState } from "../../src/host/state/state.ts";

/**
 * Text that an enemy would write, put into every place of a state that may hold any text. Where that is, is
 * read from the schema: a new field is covered by itself.
 */

/** A line that no output must have: it is what vflag would say of a host that works. */
export const forged = "All is well";

/**
 * Line feeds of every kind, SGR with conceal, a title, C1, changes of direction, zero width, tags, and the
 * marks of vflag's own colours.
 */
export const payload = `\n${forged}\n\r${forged}\r\n\x1b[8m\x1b[2J\x1b]0;t\x07\u009b8m\u0085${forged}\u2028${forged}\u202e\u2066\u200b\u200d\ufeff\u00ad\u{e0041}\ufdd0\ufdd3\x00`;

/** The same for names of netdevs, which have 15 bytes and no white space. */
const short = "\u202e\u009b8m\u200b";

type Node = Readonly<Record<string, unknown>>;

interface Place {
  /** With `[]` for the items of lists and `{}` for the values of records: pfs[].model. */
  readonly kind: string;
  readonly isName: boolean;
}

const root = z.toJSONSchema(HostState, { io: "input", unrepresentable: "any" });

/** Kinds of places in the schema that may hold any text. */
export function textPlaces(): Set<string> {
  const found = new Set<string>();
  const visit = (node: Node, kind: string, depth: number): void => {
    const at = resolved(node);
    if (depth > 20) return;
    for (const variant of variantsOf(at)) visit(variant, kind, depth + 1);
    if (isFreeText(at)) found.add(kind);
    for (const [key, child] of propertiesOf(at))
      visit(child, kind === "" ? key : `${kind}.${key}`, depth + 1);
    for (const [bracket, child] of childrenOf(at)) visit(child, `${kind}${bracket}`, depth + 1);
  };
  visit(root, "", 0);
  return found;
}

/**
 * A copy of a state with the payload in every such place. What was the same text before is the same text
 * afterwards.
 */
export function poisoned(
  state: HostState,
  names: boolean,
): { readonly state: HostState; readonly places: ReadonlySet<string> } {
  const places = new Set<string>();
  const shortened = new Map<string, string>();
  const change = (text: string, { kind, isName }: Place): string => {
    if (isName && !names) return text;
    places.add(kind);
    if (!isName) return `${text}${payload}`;
    const known = shortened.get(text) ?? `n${shortened.size}${short}`;
    shortened.set(text, known);
    return known;
  };
  const walk = (value: unknown, node: Node, kind: string): unknown => {
    const at = resolved(node);
    const variants = variantsOf(at);
    if (variants.length > 0) {
      const fitting = variants.find((variant) => fits(value, resolved(variant)));
      return fitting === undefined ? value : walk(value, fitting, kind);
    }
    if (typeof value === "string")
      return isFreeText(at) ? change(value, { kind, isName: at["maxLength"] === 15 }) : value;
    if (Array.isArray(value)) {
      const items = childrenOf(at).find(([bracket]) => bracket === "[]")?.[1];
      return items === undefined ? value : value.map((item) => walk(item, items, `${kind}[]`));
    }
    if (typeof value !== "object" || value === null) return value;
    const properties = new Map(propertiesOf(at));
    const rest = childrenOf(at).find(([bracket]) => bracket === "{}")?.[1];
    const entries = Object.entries(value).map(([key, item]): [string, unknown] => {
      const child = properties.get(key);
      if (child !== undefined) return [key, walk(item, child, kind === "" ? key : `${kind}.${key}`)];
      return rest === undefined ? [key, item] : [`${key}${payload}`, walk(item, rest, `${kind}{}`)];
    });
    return Object.fromEntries(entries);
  };
  return { state: HostState.parse(walk(state, root, "")), places };
}

/**
 * States like this one that have what it has not: something in each empty list, and each member of each union
 * in its place once. They are made from the schema, and need not make sense.
 */
export function* alternatives(state: HostState): Generator<HostState> {
  const done = new Set<string>();
  const whole: { state: unknown } = { state: structuredClone(state) };
  const todo: {
    readonly holder: object;
    readonly key: string;
    readonly node: Node;
    readonly kind: string;
  }[] = [{ holder: whole, key: "state", node: root, kind: "" }];
  for (let next = todo.shift(); next !== undefined; next = todo.shift()) {
    const { holder, key, node, kind } = next;
    const at = resolved(node);
    const value: unknown = Reflect.get(holder, key);
    const variants = membersOf(at);
    for (const [index, variant] of variants.entries()) {
      const id = `${kind}|${index}`;
      if (done.has(id)) continue;
      done.add(id);
      Reflect.set(holder, key, sample(variant));
      const parsed = HostState.safeParse(structuredClone(whole.state));
      if (parsed.success) yield parsed.data;
    }
    // The fullest of them stays, so that what is in it is seen too.
    const fitting =
      variants.find((variant) => fits(value, resolved(variant)) && value !== null) ??
      variants.find(({ type }) => type !== "null");
    Reflect.set(
      holder,
      key,
      variants.length === 0 || (value !== null && fitting !== undefined && fits(value, resolved(fitting)))
        ? value
        : sample(fitting ?? at),
    );
    const kept: unknown = Reflect.get(holder, key);
    const inner = resolved(fitting ?? at);
    const items = childrenOf(inner).find(([bracket]) => bracket === "[]")?.[1];
    if (Array.isArray(kept) && items !== undefined) {
      if (kept.length === 0) kept.push(sample(items));
      for (const index of kept.keys())
        todo.push({ holder: kept, key: String(index), node: items, kind: `${kind}[]` });
    } else if (typeof kept === "object" && kept !== null) {
      const rest = childrenOf(inner).find(([bracket]) => bracket === "{}")?.[1];
      for (const [name, child] of propertiesOf(inner))
        if (name in kept) todo.push({ holder: kept, key: name, node: child, kind: `${kind}.${name}` });
      const known = new Set(propertiesOf(inner).map(([name]) => name));
      if (rest !== undefined)
        for (const name of Object.keys(kept))
          if (!known.has(name)) todo.push({ holder: kept, key: name, node: rest, kind: `${kind}{}` });
    }
  }
  const parsed = HostState.safeParse(whole.state);
  if (parsed.success) yield parsed.data;
}

/** The members of a union and of those within it. */
function membersOf(node: Node): Node[] {
  return variantsOf(node).flatMap((variant) => {
    const inner = membersOf(resolved(variant));
    return inner.length > 0 ? inner : [resolved(variant)];
  });
}

/** Something that the schema takes. */
function sample(node: Node): unknown {
  const at = resolved(node);
  const [first] = membersOf(at);
  if (first !== undefined) return sample(membersOf(at).find(({ type }) => type !== "null") ?? first);
  if ("const" in at) return at["const"];
  if (Array.isArray(at["enum"])) return at["enum"][0];
  if ("default" in at) return at["default"];
  switch (at["type"]) {
    case "object":
      return Object.fromEntries(propertiesOf(at).map(([key, child]) => [key, sample(child)]));
    case "array":
      return childrenOf(at).map(([, items]) => sample(items));
    case "integer":
    case "number":
      return typeof at["minimum"] === "number" ? Math.max(at["minimum"], 0) : 0;
    case "boolean":
      return true;
    case "string":
      return ["text", "0000:37:00.0", "24:8a:07:b4:30:8a", "15b3", "2026-01-31T00:00:00Z"].find((text) =>
        new RegExp(String(at["pattern"] ?? "")).test(text),
      );
    default:
      return null;
  }
}

/**
 * A union's member takes a value whose shape is its own: its type, what it must and may have, and the words
 * that tell it from others.
 */
function fits(value: unknown, node: Node): boolean {
  if (variantsOf(node).length > 0) return variantsOf(node).some((variant) => fits(value, resolved(variant)));
  if ("const" in node) return node["const"] === value;
  if (Array.isArray(node["enum"])) return node["enum"].includes(value);
  const type = value === null ? "null" : Array.isArray(value) ? "array" : typeof value;
  const wanted = node["type"] === "integer" ? "number" : node["type"];
  if (wanted !== undefined && wanted !== type) return false;
  if (type !== "object" || typeof value !== "object" || value === null) return true;
  const required = Array.isArray(node["required"]) ? node["required"].map(String) : [];
  if (!required.every((key) => key in value)) return false;
  const own = new Set(propertiesOf(node).map(([key]) => key));
  const rest = childrenOf(node).find(([bracket]) => bracket === "{}")?.[1];
  const others = Object.entries(value).filter(([key]) => !own.has(key));
  if (others.some(([, item]) => rest === undefined || !fits(item, resolved(rest)))) return false;
  return propertiesOf(node).every(([key, child]) => {
    const word = resolved(child);
    return !("const" in word) || Reflect.get(value, key) === word["const"];
  });
}

function isFreeText(node: Node): boolean {
  return (
    node["type"] === "string" &&
    !("pattern" in node) &&
    !("enum" in node) &&
    !("const" in node) &&
    !("format" in node)
  );
}

function variantsOf(node: Node): Node[] {
  return [node["anyOf"], node["oneOf"], node["allOf"]].flatMap((list) =>
    Array.isArray(list) ? list.filter(isNode) : [],
  );
}

function propertiesOf(node: Node): [string, Node][] {
  const properties = node["properties"];
  return isNode(properties)
    ? Object.entries(properties).flatMap(([key, child]) =>
        isNode(child) ? [[key, child] as [string, Node]] : [],
      )
    : [];
}

function childrenOf(node: Node): ["[]" | "{}", Node][] {
  const { items, additionalProperties } = node;
  return [
    ...(isNode(items) ? [["[]", items] as ["[]", Node]] : []),
    ...(isNode(additionalProperties) ? [["{}", additionalProperties] as ["{}", Node]] : []),
  ];
}

function resolved(node: Node): Node {
  const reference = node["$ref"];
  if (typeof reference !== "string") return node;
  const found = reference
    .split("/")
    .slice(1)
    .reduce<unknown>((at, key) => (isNode(at) ? at[key] : undefined), root);
  if (!isNode(found)) throw new Error(`${reference} leads nowhere`);
  const { $ref: _, ...own } = node;
  return { ...resolved(found), ...own };
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
