import { isUnknown } from "../../host/state/observed.ts";

/** What differs between two pieces of plain data, by path. */

/** A value that is not the same; undefined where there is none. */
export interface PathChange {
  /**
   * The way to it: keys of objects, and what names the items of lists, so that an item stays the same when
   * others come or go.
   */
  readonly at: readonly string[];
  /** The same to read: `pfs[0000:37:00.0].eswitch.mode`. */
  readonly path: string;
  /** With `*` for what names the items: `pfs[*].eswitch.mode`. */
  readonly kind: string;
  readonly before: unknown;
  readonly after: unknown;
}

type Way = Pick<PathChange, "at" | "path" | "kind">;

/**
 * @example pathChanges({ a: [{ name: "x", up: true }] }, { a: [{ name: "x", up: false }] }) // a[x].up: true,
 * then false
 */
export function pathChanges(
  before: unknown,
  after: unknown,
  way: Way = { at: [], path: "", kind: "" },
): PathChange[] {
  if (before === after) return [];
  if (Array.isArray(before) && Array.isArray(after)) {
    const [was, is] = [named(before), named(after)];
    return [...new Set([...was.keys(), ...is.keys()])].flatMap((name) =>
      pathChanges(was.get(name), is.get(name), intoItem(way, name)),
    );
  }
  // What cannot be seen any more is one change, and not one of each thing that was to be seen.
  if (isRecord(before) && isRecord(after) && isUnknown(before) === isUnknown(after)) {
    const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])];
    return keys.flatMap((key) => pathChanges(before[key], after[key], intoKey(way, key)));
  }
  return [{ ...way, before, after }];
}

function intoItem({ at, path, kind }: Way, name: string): Way {
  return { at: [...at, name], path: `${path}[${name}]`, kind: `${kind}[*]` };
}

function intoKey({ at, path, kind }: Way, key: string): Way {
  return {
    at: [...at, key],
    path: path === "" ? key : `${path}.${key}`,
    kind: kind === "" ? key : `${kind}.${key}`,
  };
}

/** What names the items of a state's and a spec's lists, the first that an item has. */
const names = [
  "address",
  "handle",
  "netdev",
  "name",
  "path",
  "uuid",
  "serial",
  "card",
  "index",
  "id",
] as const;

/**
 * Items by what names them; the second of the same name has its number too, and what has no name goes by its
 * place. The order of a list says nothing.
 */
export function named(list: readonly unknown[]): Map<string, unknown> {
  const found = new Map<string, unknown>();
  list.forEach((item, place) => {
    const key = isRecord(item)
      ? names.find((name) => typeof item[name] === "string" || typeof item[name] === "number")
      : undefined;
    const plain =
      key !== undefined && isRecord(item)
        ? String(item[key])
        : typeof item === "string"
          ? item
          : String(place);
    let name = plain;
    for (let more = 2; found.has(name); more++) name = `${plain}#${more}`;
    found.set(name, item);
  });
  return found;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A value in one line; a large one as what it is. */
export function wordOf(value: unknown): string {
  if (value === undefined) return "not there";
  if (typeof value === "string") return value.length > 80 ? `${value.slice(0, 77)}...` : value;
  if (Array.isArray(value)) return value.length === 0 ? "none" : `${value.length} of them`;
  if (isRecord(value)) return isUnknown(value) ? `not known: ${value.unknown}` : "there";
  return String(value);
}
