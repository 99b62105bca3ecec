import { parseDocument } from "yaml";
import type { HostValues } from "./host-values.ts";
import { treeVariables } from "./tree.ts";

/** The files that hold hosts' values: vflag's own, or a part of one that people write. */

/** The name of vflag's own file in a directory of group_vars or host_vars. */
export const ownFileName = "vflag-openstack.yml";

const ownMark = "# Written by vflag";
const begin = "# vflag: what follows is written by vflag, to the line that says so";
const end = "# vflag: end";

/** Whether a file is vflag's own, to be rewritten or removed. */
export function isOwnFile(text: string): boolean {
  return text.startsWith(ownMark);
}

/**
 * vflag's own file.
 * @param values `null`: explicitly nothing, for a host that would inherit from its groups
 */
export function ownFile(values: Pick<HostValues, "rules" | "mappings"> | null): string {
  return (
    `${ownMark} of the specs in this inventory; it is written anew each time, and removed when it is ` +
    `not needed.\n---\n${variables(values)}`
  );
}

/** The lines of vflag's part in a file, counted from 1; `null` where it has none. */
export function ownLines(text: string): { readonly first: number; readonly last: number } | null {
  const lines = text.split("\n").map((line) => line.trimEnd());
  const first = lines.indexOf(begin);
  const last = lines.indexOf(end, first);
  return first < 0 || last < 0 ? null : { first: first + 1, last: last + 1 };
}

/**
 * A file of variables with vflag's part at its end, or without (`values` undefined); all else stays, byte for
 * byte. Ansible reads either `group_vars/NAME.yml` or the directory `group_vars/NAME`, so a directory beside
 * a file would hide it. Source: ansible-core 2.14.18, ansible/parsing/dataloader.py, find_vars_files().
 */
export function withOwnPart(
  text: string,
  values: Pick<HostValues, "rules" | "mappings"> | null | undefined,
): { readonly text: string } | { readonly problem: string } {
  const eol = text.includes("\r\n") ? "\r\n" : "\n";
  const bare = withoutOwnPart(text);
  if (values === undefined) return { text: bare };
  const part = `${begin}\n${variables(values)}${end}\n`.replaceAll("\n", eol);
  const after = bare === "" || bare.endsWith("\n") ? bare + part : bare + eol + part;
  const [old, made] = [dataOf(bare), dataOf(after)];
  const wanted = { ...(old ?? {}), ...dataOf(variables(values)) };
  if (old === undefined || JSON.stringify(made) !== JSON.stringify(wanted))
    return { problem: "it is no plain mapping of variables, at whose end vflag's could stand" };
  return { text: after };
}

function withoutOwnPart(text: string): string {
  const own = ownLines(text);
  if (own === null) return text;
  const lines = text.split(/(?<=\n)/);
  return [...lines.slice(0, own.first - 1), ...lines.slice(own.last)].join("");
}

function variables(values: Pick<HostValues, "rules" | "mappings"> | null): string {
  const { rules = [], mappings = [] } = values ?? {};
  const list = (name: string, items: readonly unknown[]) =>
    items.length === 0
      ? `${name}: []\n`
      : `${name}:\n${items.map((item) => `  - ${spaced(item)}\n`).join("")}`;
  return list(treeVariables.rules, rules) + list(treeVariables.mappings, mappings);
}

/** JSON, which is YAML, with blanks as people write it. */
function spaced(item: unknown): string {
  if (typeof item !== "object" || item === null) return JSON.stringify(item);
  return `{${Object.entries(item)
    .map(([key, value]) => `${JSON.stringify(key)}: ${JSON.stringify(value)}`)
    .join(", ")}}`;
}

/** A mapping; `null` for an empty text, `undefined` for anything else. */
function dataOf(text: string): Record<string, unknown> | null | undefined {
  try {
    const document = parseDocument(text, { logLevel: "silent", uniqueKeys: true });
    if (document.errors.length > 0) return undefined;
    const data: unknown = document.toJS({ maxAliasCount: 100 });
    if (data === null || data === undefined) return null;
    return typeof data === "object" && !Array.isArray(data) ? (data as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
