import { isUnknown } from "../host/observed.ts";

/** What differs between two pieces of plain data, by path. */

/** A leaf that is not the same: undefined where it is not there. */
export interface PathChange {
  /** As in `pfs[0000:37:00.0].eswitch.mode`: an item of a list goes by what names it, so that it stays the same when others come or go. */
  readonly path: string;
  /** The same with `*` for what names the items: `pfs[*].eswitch.mode`. */
  readonly kind: string;
  readonly before: string | undefined;
  readonly after: string | undefined;
}

/** @example pathChanges({ a: [{ name: "x", up: true }] }, { a: [{ name: "x", up: false }] }) // a[x].up: true, then false */
export function pathChanges(before: unknown, after: unknown, path = "", kind = ""): PathChange[] {
  if (before === after) return [];
  if (Array.isArray(before) && Array.isArray(after)) return listChanges(before, after, path, kind);
  // What cannot be seen any more is one change, and not one of each thing that was to be seen.
  if (isRecord(before) && isRecord(after) && isUnknown(before) === isUnknown(after)) {
    const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])];
    return keys.flatMap((key) => pathChanges(before[key], after[key], joined(path, key), joined(kind, key)));
  }
  const [was, is] = [wordOf(before), wordOf(after)];
  return was === is ? [] : [{ path, kind, before: was, after: is }];
}

function listChanges(before: readonly unknown[], after: readonly unknown[], path: string, kind: string): PathChange[] {
  const [was, is] = [named(before), named(after)];
  return [...new Set([...was.keys(), ...is.keys()])].flatMap((name) =>
    pathChanges(was.get(name), is.get(name), `${path}[${name}]`, `${kind}[*]`),
  );
}

/** What names the items of a state's and a spec's lists, the first that an item has. */
const names = ["address", "handle", "netdev", "name", "path", "uuid", "serial", "card", "index", "id"] as const;

/** Items by what names them; the second of the same name has its number too, and what has no name goes by its place. */
function named(list: readonly unknown[]): Map<string, unknown> {
  const found = new Map<string, unknown>();
  list.forEach((item, place) => {
    const key = isRecord(item) ? names.find((name) => typeof item[name] === "string" || typeof item[name] === "number") : undefined;
    const plain = key !== undefined && isRecord(item) ? String(item[key]) : typeof item === "string" ? item : String(place);
    let name = plain;
    for (let more = 2; found.has(name); more++) name = `${plain}#${more}`;
    found.set(name, item);
  });
  return found;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function joined(path: string, key: string): string {
  return path === "" ? key : `${path}.${key}`;
}

/** A value in one line; a large one as what it is. */
function wordOf(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value === "string") return value.length > 80 ? `${value.slice(0, 77)}...` : value;
  if (Array.isArray(value)) return value.length === 0 ? "none" : `${value.length} of them`;
  if (isRecord(value)) return isUnknown(value) ? `not known: ${value.unknown}` : "there";
  return String(value);
}
