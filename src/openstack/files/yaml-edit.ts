import { type Conflict, type Outcome, outcome } from "../outcome.ts";
import {
  hasJinja,
  type ListItem,
  readYamlTop,
  type TopEntry,
  truthOf,
  type YamlForm,
  type YamlTop,
} from "./yaml-top.ts";

/**
 * One change of a file of variables.
 * - `set`: a variable has this value. Another value is a conflict; `yes`, `True` and `"on"` are what `true`
 *   is
 * - `append`: a list has these items, after those that it has
 */
export type YamlEdit = SetEdit | AppendEdit;

interface SetEdit {
  readonly kind: "set";
  readonly key: string;
  /** As it is written: `true`, `"yes"`. */
  readonly value: string;
  /** One line above it where it is new. */
  readonly comment: string;
}

interface AppendEdit {
  readonly kind: "append";
  readonly key: string;
  readonly items: readonly string[];
  /** What a new list begins with; `null`: where there is no list, none is made. */
  readonly first: readonly string[] | null;
  readonly comment: string;
}

/** The text with the change in it, or why there is none. */
type Edited = { readonly text: string } | { readonly conflict: Conflict };

/**
 * Makes changes by putting text in; every byte that was there stays. What is so already changes nothing, so a
 * second run does not either. After each change the file is read again: if it has anything but exactly that
 * change, it is a conflict.
 */
export function editYaml(before: string, edits: readonly YamlEdit[], form: YamlForm = "plain"): Outcome {
  const file = readYamlTop(before, form);
  if ("problem" in file) {
    const why =
      `it cannot be read as YAML with one variable a line: ${file.problem}; put it right, or ` +
      `write it by hand`;
    return outcome(
      before,
      () => before,
      [],
      [{ line: file.line, there: lineAt(before, file.line), wanted: edits.map(wantedText).join("; "), why }],
    );
  }
  const conflicts: Conflict[] = [];
  let text = before;
  for (const edit of edits) {
    const edited = editOne(text, edit, form);
    if ("text" in edited) text = edited.text;
    else conflicts.push(edited.conflict);
  }
  return outcome(before, () => text, [], conflicts);
}

function editOne(text: string, edit: YamlEdit, form: YamlForm): Edited {
  const file = readYamlTop(text, form);
  if ("problem" in file)
    return { conflict: { line: file.line, there: "", wanted: wantedText(edit), why: file.problem } };
  const entry = file.entries.findLast(({ key }) => key === edit.key);
  if (entry === undefined) {
    if (edit.kind === "append" && edit.first === null) return { text };
    if (!file.merged) return add(file, edit, form);
    const line = file.entries.find(({ key }) => key === "<<")?.line ?? null;
    return {
      conflict: {
        line,
        there: "<<",
        wanted: wantedText(edit),
        why: `a merge key may bring ${edit.key} in: write it by hand`,
      },
    };
  }
  if (entry.value.kind === "other")
    return stands(file, entry, edit, `${entry.value.why}, so what it says is not known here`);
  if (file.jinja.depth(entry.start) > 0)
    return stands(file, entry, edit, "it stands in a block of Jinja, so whether it counts is not known here");
  if (entry.value.kind === "nothing") {
    if (edit.kind === "append" && edit.first === null) return { text };
    return fill(file, entry, edit, entry.value.written, form);
  }
  return edit.kind === "set" ? setValue(file, entry, edit) : appendTo(file, entry, edit, form);
}

function setValue(file: YamlTop, entry: TopEntry, edit: SetEdit): Edited {
  const there = entry.value;
  if (there.kind !== "scalar") return stands(file, entry, edit, "it is a list here");
  if (isJinja(file, entry, there.text))
    return stands(file, entry, edit, "a Jinja expression decides about it: put it right by hand");
  const wanted = unquoted(edit.value);
  const truth = truthOf(wanted);
  if (truth === null ? there.text === wanted : truthOf(there.text) === truth) return { text: file.text };
  return stands(file, entry, edit, "it has another value here: take the line out, or change it");
}

function appendTo(file: YamlTop, entry: TopEntry, edit: AppendEdit, form: YamlForm): Edited {
  const there = entry.value;
  if (there.kind === "scalar") {
    // Somebody who adds them by hand has done what was asked.
    const words = new Set(there.text.split(/[^\w-]+/));
    const jinja = isJinja(file, entry, there.text);
    if (jinja && edit.items.every((item) => words.has(item))) return { text: file.text };
    return stands(
      file,
      entry,
      edit,
      jinja ? "a Jinja expression makes the list: add them in it by hand" : "it is no list",
    );
  }
  if (there.kind !== "list") return stands(file, entry, edit, "it is no list");
  const missing = edit.items.filter((item) => !there.items.some(({ text }) => text === item));
  const last = there.items.at(-1);
  if (missing.length === 0) return { text: file.text };
  const after = there.flow ? intoBrackets(file, entry, last, missing) : afterLast(file, last, missing);
  const wanted = [...(Array.isArray(entry.data) ? entry.data : []), ...missing];
  if (after !== null && isExactly(file, entry, after, wanted, form)) return { text: after };
  return stands(file, entry, edit, "they cannot be put in without changing something else: add them by hand");
}

/** `[a, b]` becomes `[a, b, c]`; a comma after the last one stays where it is. */
function intoBrackets(
  file: YamlTop,
  entry: TopEntry,
  last: ListItem | undefined,
  items: readonly string[],
): string {
  const quote = last?.quote ?? "";
  const list = items.map((item) => quote + item + quote).join(", ");
  return last === undefined ? put(file.text, entry.start + 1, list) : put(file.text, last.end, `, ${list}`);
}

/** One line for each, under the last one and as it is written. */
function afterLast(file: YamlTop, last: ListItem | undefined, items: readonly string[]): string | null {
  if (last === undefined || last.dash === null) return null;
  const indent = file.text.slice(file.text.lastIndexOf("\n", last.dash - 1) + 1, last.dash);
  if (!/^ *$/.test(indent)) return null;
  const lines = items.map((item) => `${file.eol}${indent}-${last.gap}${last.quote}${item}${last.quote}`);
  return put(file.text, lineEnd(file.text, last.end), lines.join(""));
}

/** Gives a variable that stands there with nothing its value. */
function fill(file: YamlTop, entry: TopEntry, edit: YamlEdit, written: boolean, form: YamlForm): Edited {
  const items = edit.kind === "append" ? [...(edit.first ?? []), ...edit.items] : [];
  const inLine = edit.kind === "set" ? edit.value : `[${items.join(", ")}]`;
  const { afterColon } = entry;
  const lines = items.map((item) => `${file.eol}${file.indent}  - ${item}`).join("");
  const texts = written
    ? [file.text.slice(0, entry.start) + inLine + file.text.slice(entry.end)]
    : afterColon === null
      ? []
      : [
          ...(edit.kind === "append" ? [put(file.text, lineEnd(file.text, afterColon), lines)] : []),
          put(file.text, afterColon, ` ${inLine}`),
        ];
  const after = texts.find((text) => isExactly(file, entry, text, wantedData(edit), form));
  return after === undefined
    ? stands(file, entry, edit, "it stands here without a value, and none can be put in: do it by hand")
    : { text: after };
}

/** Adds a variable: under the commented default of a stock file, or else at the end. */
function add(file: YamlTop, edit: YamlEdit, form: YamlForm): Edited {
  const { text, eol, indent } = file;
  const key = `${indent}# vflag: ${edit.comment}${eol}${indent}${edit.key}:`;
  const items = edit.kind === "append" ? [...(edit.first ?? []), ...edit.items] : [];
  const lines =
    edit.kind === "set"
      ? `${key} ${edit.value}`
      : key + items.map((item) => `${eol}${indent}  - ${item}`).join("");
  const atEnd = () => {
    const ended = text === "" || text.endsWith("\n");
    const above = text.trimEnd().split("\n").at(-1)?.trim() ?? "";
    const gap = above === "" || above === "---" || /\n[ \t]*\r?\n$/.test(text) ? "" : eol;
    return text + (ended ? "" : eol) + gap + lines + (ended ? eol : "");
  };
  const under = (offset: number) => put(text, lineEnd(text, offset), eol + lines);
  const open = (offset: number) => file.jinja.depth(offset) === 0;
  const last = file.entries.at(-1);
  const marker = /^\ufeff?---[^\r\n]*/m.exec(text);
  const places = [
    ...defaultsOf(text, edit.key).map((offset) => ({ offset, make: () => under(offset) })),
    { offset: text.length, make: atEnd },
    ...(last === undefined ? [] : [{ offset: last.end, make: () => under(last.end) }]),
    ...(marker === null
      ? []
      : [{ offset: marker.index, make: () => under(marker.index + marker[0].length) }]),
  ];
  for (const { offset, make } of places) {
    if (!open(offset)) continue;
    const after = make();
    if (isExactly(file, null, after, wantedData(edit), form, edit.key)) return { text: after };
  }
  return {
    conflict: {
      line: null,
      there: "",
      wanted: wantedText(edit),
      why: "there is no place for it in this file: write it by hand",
    },
  };
}

/**
 * Where the lines with a variable that is commented out end (`#kolla_enable_neutron_sriov:`), with what is
 * commented out under them.
 */
function defaultsOf(text: string, key: string): number[] {
  const escaped = key.replaceAll(/[^\w]/g, String.raw`\$&`);
  const pattern = new RegExp(
    String.raw`^[ \t]*#[ \t]?${escaped}:[^\r\n]*(?:\r?\n[ \t]*#(?:[ \t]*-[ \t]|[ \t]{2,})[^\r\n]*)*`,
    "gm",
  );
  return [...text.matchAll(pattern)].map((match) => match.index + match[0].length);
}

/** Whether a text has this value of one variable, and all others as they were. */
function isExactly(
  file: YamlTop,
  entry: TopEntry | null,
  after: string,
  wanted: unknown,
  form: YamlForm,
  key = entry?.key,
): boolean {
  const read = readYamlTop(after, form);
  if ("problem" in read) return false;
  const at =
    entry === null ? read.entries.findLastIndex((one) => one.key === key) : file.entries.indexOf(entry);
  const changed = read.entries[at];
  const others = (entries: readonly TopEntry[]) =>
    entries.filter((one) => one !== entry && one !== changed).map((one) => [one.key, one.data]);
  return (
    changed?.key === key &&
    JSON.stringify(changed?.data) === JSON.stringify(wanted) &&
    JSON.stringify(others(read.entries)) === JSON.stringify(others(file.entries))
  );
}

function wantedData(edit: YamlEdit): unknown {
  return edit.kind === "set" ? unquoted(edit.value) : [...(edit.first ?? []), ...edit.items];
}

function wantedText(edit: YamlEdit): string {
  return edit.kind === "set" ? `${edit.key}: ${edit.value}` : `${edit.items.join(", ")} in ${edit.key}`;
}

function stands(file: YamlTop, entry: TopEntry, edit: YamlEdit, why: string): Edited {
  return {
    conflict: {
      line: entry.line,
      there: lineAt(file.text, entry.line),
      wanted: wantedText(edit),
      why: `${edit.key}: ${why}`,
    },
  };
}

function isJinja(file: YamlTop, entry: TopEntry, text: string): boolean {
  return hasJinja(text) || file.jinja.touches(entry.start, entry.end);
}

function lineAt(text: string, line: number): string {
  return (text.split("\n")[line - 1] ?? "").trim();
}

/** Where the line ends that an offset is in, or that has ended right before it. */
function lineEnd(text: string, offset: number): number {
  const from = text.charAt(offset - 1) === "\n" ? offset - 1 : offset;
  const end = text.indexOf("\n", from);
  if (end < 0) return text.length;
  return text.charAt(end - 1) === "\r" ? end - 1 : end;
}

function put(text: string, offset: number, more: string): string {
  return text.slice(0, offset) + more + text.slice(offset);
}

function unquoted(value: string): string {
  return /^(["'])(.*)\1$/.exec(value)?.[2] ?? value;
}
