import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Pair,
  type ParsedNode,
  parseAllDocuments,
  type YAMLSeq,
} from "yaml";
import { findJinja, type Jinja, noJinja } from "./jinja.ts";

/**
 * `plain`: Ansible reads it as it is; `template`: Jinja goes over it before, as with Kayobe's
 * kolla/globals.yml.
 */
export type YamlForm = "plain" | "template";

/** A YAML file with variables, as people write it: one mapping whose entries stand at the left. */
export interface YamlTop {
  readonly text: string;
  /** The text's own line break: its first one. */
  readonly eol: string;
  /** What stands before each key: blanks, or nothing. */
  readonly indent: string;
  readonly entries: readonly TopEntry[];
  readonly jinja: Jinja;
  /** Whether a merge key (`<<`) brings in entries that are not listed. */
  readonly merged: boolean;
}

export interface TopEntry {
  readonly key: string;
  readonly line: number;
  /** Offset after the colon; `null` where it is not known. */
  readonly afterColon: number | null;
  readonly value: TopValue;
  /** Offsets of the value; where there is none, of the place for it. */
  readonly start: number;
  readonly end: number;
  /** The value as plain data, for comparing. */
  readonly data: unknown;
}

/** What stands there, as Ansible's YAML 1.1 means it. */
export type TopValue =
  | { readonly kind: "nothing"; readonly written: boolean }
  | { readonly kind: "scalar"; readonly text: string; readonly quoted: boolean }
  | { readonly kind: "list"; readonly items: readonly ListItem[]; readonly flow: boolean }
  | { readonly kind: "other"; readonly why: string };

export interface ListItem {
  /** `null`: no scalar. */
  readonly text: string | null;
  /** As it stands around the item: `"`, `'` or nothing. */
  readonly quote: string;
  readonly end: number;
  /** Offset of the dash, and what stands between it and the item; only in lists of lines. */
  readonly dash: number | null;
  readonly gap: string;
}

/** Why a file cannot be read, and where. */
export interface YamlProblem {
  readonly problem: string;
  readonly line: number;
}

type Node = ParsedNode | null;

/**
 * Reads a file of variables. A key that stands more than once is listed more than once: Ansible takes the
 * last. Source: ansible-core 2.14, lib/ansible/parsing/yaml/constructor.py,
 * AnsibleConstructor.construct_mapping; PyYAML 6.0, resolver.py.
 */
export function readYamlTop(text: string, form: YamlForm = "plain"): YamlTop | YamlProblem {
  const odd = /[\u0085\u2028\u2029]|\r(?!\n)/.exec(text);
  if (odd !== null)
    return { problem: "a line break that is neither LF nor CRLF", line: lineOf(text, odd.index) };
  const jinja = form === "template" ? findJinja(text) : noJinja;
  // Scalars stay as they are written: what `yes` or 010 means differs between YAML 1.1, which Ansible reads,
  // and 1.2.
  const options = {
    schema: "failsafe",
    uniqueKeys: false,
    merge: false,
    keepSourceTokens: true,
    logLevel: "silent",
  } as const;
  const documents = parseAllDocuments(form === "template" ? withoutJinja(text, jinja) : text, options);
  if (!Array.isArray(documents)) return { problem: "nothing", line: 1 };
  const [document, second] = documents;
  const [error] = documents.flatMap(({ errors }) => errors);
  if (error !== undefined) return { problem: firstLine(error.message), line: lineOf(text, error.pos[0]) };
  if (second !== undefined)
    return {
      problem: "a second document begins, and Ansible reads one",
      line: lineOf(text, second.range[0]),
    };
  const empty = { text, eol: /\r?\n/.exec(text)?.[0] ?? "\n", indent: "", entries: [], jinja, merged: false };
  const root = document?.contents ?? null;
  if (document === undefined || root === null || (isScalar(root) && isNothing(root))) return empty;
  if (!isMap(root))
    return { problem: "no mapping of variables to values", line: lineOf(text, root.range[0]) };
  if (root.flow === true)
    return {
      problem: "a mapping in braces; write each variable on a line of its own",
      line: lineOf(text, root.range[0]),
    };
  const entries = root.items.map((pair) => entryOf(pair, document, text));
  const lost = entries.find((entry) => "problem" in entry);
  if (lost !== undefined && "problem" in lost) return lost;
  const start = root.range[0];
  const indent = text.slice(text.lastIndexOf("\n", start - 1) + 1, start);
  return {
    ...empty,
    indent: /^ *$/.test(indent) ? indent : "",
    entries: entries.flatMap((entry) => ("problem" in entry ? [] : [entry])),
    merged: entries.some((entry) => "key" in entry && entry.key === "<<"),
  };
}

/** The line that an offset is in, from 1. */
export function lineOf(text: string, offset: number): number {
  return text.slice(0, offset).split("\n").length;
}

/** Whether a text has an expression, a block or a comment of Jinja. */
export function hasJinja(text: string): boolean {
  return /\{[{%#]/.test(text);
}

/**
 * What Ansible makes of a scalar where it wants a yes or a no; `null` where it is neither.
 * Source: PyYAML, resolver.py (YAML 1.1's bool); ansible-core, lib/ansible/plugins/filter/core.py, to_bool.
 */
export function truthOf(text: string): boolean | null {
  if (/^(?:yes|true|on|1)$/i.test(text)) return true;
  return /^(?:no|false|off|0)$/i.test(text) ? false : null;
}

/**
 * Lines that are Jinja's own become comments, tags within a line blanks, and expressions a word: nothing
 * moves, and the rest is YAML.
 */
function withoutJinja(text: string, jinja: Jinja): string {
  const masked = text.replaceAll(/\{#[\s\S]*?#\}|\{%[\s\S]*?%\}|\{\{[\s\S]*?\}\}/g, (found) =>
    found.replaceAll(/[^\r\n]/g, found.startsWith("{{") ? "x" : " "),
  );
  const plain = masked.split("\n");
  let start = 0;
  return text
    .split("\n")
    .map((line, index) => {
      const end = start + line.length;
      const own = line.trim() !== "" && jinja.hidden(start, end);
      start = end + 1;
      return own
        ? line.replace(/\S[^\r]*/, (rest) => `#${" ".repeat(rest.length - 1)}`)
        : (plain[index] ?? "");
    })
    .join("\n");
}

function entryOf(
  pair: Pair<ParsedNode, Node>,
  document: Document.Parsed,
  text: string,
): TopEntry | YamlProblem {
  const { key, value } = pair;
  const line = lineOf(text, key.range[0]);
  if (!isScalar(key)) return { problem: "a key that is no name", line };
  const separators = pair.srcToken !== undefined && "sep" in pair.srcToken ? (pair.srcToken.sep ?? []) : [];
  const colon = separators.find(({ type }) => type === "map-value-ind");
  const place = value?.range ?? null;
  if (place === null) return { problem: `"${String(key.value)}" has no colon`, line };
  try {
    const data: unknown = value === null ? null : value.toJS(document, { maxAliasCount: 1000 });
    const afterColon = colon === undefined ? null : colon.offset + 1;
    return {
      key: String(key.value),
      line,
      afterColon,
      value: meaningOf(value, text),
      start: place[0],
      end: place[1],
      data,
    };
  } catch (error) {
    return { problem: firstLine(error instanceof Error ? error.message : String(error)), line };
  }
}

function meaningOf(node: Node, text: string): TopValue {
  if (node === null) return { kind: "other", why: "it has no value" };
  if (isAlias(node)) return { kind: "other", why: `it is what the anchor &${node.source} is` };
  if (node.tag !== undefined && !node.tag.startsWith("tag:yaml.org,2002:"))
    return { kind: "other", why: `it has the tag ${node.tag}` };
  if (isScalar(node)) {
    if (isNothing(node)) {
      const written = node.range[1] > node.range[0];
      return node.anchor === undefined
        ? { kind: "nothing", written }
        : { kind: "other", why: `it has the anchor &${node.anchor}` };
    }
    return { kind: "scalar", text: String(node.value), quoted: node.type !== "PLAIN" };
  }
  if (!isSeq(node)) return { kind: "other", why: "it is a mapping" };
  return { kind: "list", flow: node.flow === true, items: itemsOf(node as YAMLSeq.Parsed, text) };
}

function itemsOf(list: YAMLSeq.Parsed, text: string): ListItem[] {
  const token = list.srcToken;
  return list.items.map((node, index) => {
    const starts = token?.type === "block-seq" ? (token.items[index]?.start ?? []) : [];
    const dash = starts.find(({ type }) => type === "seq-item-ind")?.offset ?? null;
    const from = node.range[0];
    const between = dash === null ? "" : text.slice(dash + 1, from);
    const scalar = isScalar(node) && node.tag === undefined ? node : null;
    const quote = scalar?.type === "QUOTE_DOUBLE" ? '"' : scalar?.type === "QUOTE_SINGLE" ? "'" : "";
    return {
      text: scalar === null ? null : String(scalar.value),
      quote,
      end: node.range[1],
      dash,
      gap: /^ +$/.test(between) ? between : " ",
    };
  });
}

function isNothing({ type, value }: { type?: string | undefined; value: unknown }): boolean {
  return type === "PLAIN" && /^(?:~|null|Null|NULL|)$/.test(String(value ?? ""));
}

function firstLine(message: string): string {
  return message.split("\n", 1)[0]?.replace(/ at line \d+, column \d+:?$/, "") ?? message;
}
