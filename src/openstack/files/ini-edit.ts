import { entriesOf, type Ini, type IniEntry, readIni, sameSection } from "./ini.ts";
import { strip } from "./python-text.ts";

/**
 * One change of an INI file. Values are as oslo.config shall read them (`$` escaped by the caller, see
 * `escapeValue`).
 * - `set`: the option has this value; where it is repeated, the last one counts and is the one that changes
 * - `append`: one more of an option's repeated values
 * - `expression`: the option is what Jinja makes of this, in a line that is vflag's own. `passes: 2`: another
 *   run of Jinja goes over the file first, and has to leave it alone
 * - `remove`: all of a key's values, or those that are this one
 * A comment is one of vflag's own lines above the assignment; see `ownMark`.
 */
export type IniEdit =
  | {
      readonly kind: "set";
      readonly section: string;
      readonly key: string;
      readonly value: string;
      readonly comment?: string;
    }
  | {
      readonly kind: "append";
      readonly section: string;
      readonly key: string;
      readonly value: string;
      readonly comment?: string;
    }
  | {
      readonly kind: "expression";
      readonly section: string;
      readonly key: string;
      readonly value: string;
      readonly passes: 1 | 2;
      readonly comment: string;
    }
  | {
      readonly kind: "remove";
      readonly section: string;
      readonly key: string;
      readonly value?: string;
      readonly own?: boolean;
    };

/** Why a file is not edited: it would not be read, or somebody else decides there. */
export class IniRefusal extends Error {
  override readonly name = "IniRefusal";
}

/**
 * How a comment begins that says that the assignment under it is vflag's, so that a later run may change it.
 */
const ownMark = "# vflag: ";

/**
 * Makes changes, one after the other; every byte that they do not concern stays as it is. A change that is
 * there already changes nothing, so a second run does not either (`append` excepted: whoever appends looks
 * first).
 * @throws {IniRefusal} oslo.config would not read the file, or Jinja decides about the value
 */
export function editIni(
  text: string,
  edits: readonly IniEdit[],
  form: "plain" | "template" = "plain",
): string {
  return edits.reduce((current, edit) => {
    const ini = readIni(current, form);
    const problem = ini.problems[0];
    if (problem !== undefined)
      throw new IniRefusal(`line ${problem.line}: ${problem.message}; oslo.config refuses such a file`);
    if (edit.kind === "remove") return remove(ini, edit);
    if (edit.kind === "expression") return setExpression(ini, edit);
    return edit.kind === "set" ? set(ini, edit, form) : append(ini, edit, form);
  }, text);
}

/** Whether vflag wrote an entry: its own comment stands right above it. */
export function isOwn(ini: Ini, entry: IniEntry): boolean {
  return ownCommentStart(ini, entry) < entry.start;
}

/** The text of vflag's comment above an entry; empty where there is none. */
export function ownComment(ini: Ini, entry: IniEntry): string {
  const lines = ini.text.slice(ownCommentStart(ini, entry), entry.start).split(/\r\n|\r|\n/);
  return lines
    .slice(0, -1)
    .map((line) => line.slice(ownMark.length))
    .join("\n");
}

type Assignment = Extract<IniEdit, { kind: "set" | "append" }>;

function set(ini: Ini, edit: Assignment, form: "plain" | "template"): string {
  const present = entriesOf(ini, edit.section, edit.key);
  const last = present.at(-1);
  if (last === undefined) return append(ini, edit, form);
  const templated = present.find((entry) => entry.templated);
  if (templated !== undefined) {
    throw new IniRefusal(
      `line ${templated.line}: a Jinja expression decides about ${edit.key}; put ${edit.value} into it ` +
        "by hand",
    );
  }
  checkWords(edit, form);
  const assignment =
    last.value === edit.value ? ini.text.slice(last.start, last.end) : replaced(ini, last, edit.value);
  if (edit.comment === undefined) return splice(ini.text, last.start, last.end, assignment);
  return splice(ini.text, ownCommentStart(ini, last), last.end, commented(edit.comment, assignment, ini.eol));
}

/**
 * The assignment with another value: how its key is written, and what stands around the equals sign, stays.
 */
function replaced(ini: Ini, entry: IniEntry, value: string): string {
  const old = ini.text.slice(entry.start, entry.end);
  const head = /^[^:=]*[:=][ \t]*/.exec(old)?.[0] ?? `${entry.key} = `;
  return head + written(value, ini.eol);
}

/**
 * After the last of the same key, or else of the same section; a section that is not there is added at the
 * end.
 */
function append(ini: Ini, edit: Assignment, form: "plain" | "template"): string {
  checkWords(edit, form);
  return place(ini, edit, () =>
    commented(edit.comment, `${edit.key} = ${written(edit.value, ini.eol)}`.trimEnd(), ini.eol),
  );
}

/**
 * A line of the section that ends with an expression, or with blocks that have a line of their own: Jinja
 * takes the break after a block away.
 */
function setExpression(ini: Ini, edit: Extract<IniEdit, { kind: "expression" }>): string {
  const assignment = commented(edit.comment, `${edit.key} = ${edit.value}`, ini.eol);
  const present = entriesOf(ini, edit.section, edit.key);
  const other = present.find((entry) => !isOwn(ini, entry));
  if (other !== undefined) throw new IniRefusal(`line ${other.line}: ${edit.key} is there already`);
  const [own, ...more] = present;
  if (more[0] !== undefined)
    throw new IniRefusal(`line ${more[0].line}: ${edit.key} stands there twice; take one out`);
  if (own !== undefined && (own.section !== edit.section || ini.jinja.depth(own.start) > 0)) {
    throw new IniRefusal(
      `line ${own.line}: ${edit.key} is not in [${edit.section}] itself, or in a block of Jinja; take it out`,
    );
  }
  const made = (offset: number) => {
    const raw = ini.jinja.raw(offset);
    if (raw && edit.passes === 1)
      throw new IniRefusal(
        `[${edit.section}] ends inside of {% raw %}, where Jinja would not work: end the block before`,
      );
    return raw || edit.passes === 1 ? assignment : `{% raw %}${ini.eol}${assignment}${ini.eol}{% endraw %}`;
  };
  // Kolla-Ansible merges sections by their exact names: in [PCI] it would stand beside Kolla's own value in
  // [pci].
  const exact = {
    ...ini,
    sections: ini.sections.filter(({ name }) => name === edit.section),
    entries: ini.entries.filter(({ section }) => section === edit.section),
  };
  // A raw block that is there stays around it.
  return own === undefined
    ? place(exact, edit, made)
    : splice(ini.text, ownCommentStart(ini, own), own.end, made(own.start));
}

/** Puts lines in, made for the offset that they come to. */
function place(
  ini: Ini,
  edit: { readonly section: string; readonly key: string },
  made: (offset: number) => string,
): string {
  const open = (offset: number) => ini.jinja.depth(offset) === 0;
  const inSection = ini.entries.filter(
    (entry) => sameSection(entry.section, edit.section) && open(entry.start) && open(entry.end),
  );
  const anchor = inSection.findLast((entry) => entry.key === edit.key) ?? inSection.at(-1);
  const header = ini.sections.findLast(
    (section) => sameSection(section.name, edit.section) && open(section.start),
  );
  const after = anchor?.end ?? header?.end;
  if (after !== undefined) return splice(ini.text, after, after, ini.eol + made(after));
  if (!open(ini.text.length)) throw new IniRefusal("the template ends inside of a block of Jinja");
  const ended = ini.text === "" || /[\r\n]$/.test(ini.text);
  const gap = ini.text === "" || /(\r\n|\r|\n)[ \t]*\1$/.test(ini.text) ? "" : ini.eol;
  const head = `${ended ? "" : ini.eol}${gap}[${edit.section}]${ini.eol}`;
  return `${ini.text}${head}${made(ini.text.length)}${ended ? ini.eol : ""}`;
}

/** @param edit.own only what vflag wrote */
function remove(ini: Ini, edit: Extract<IniEdit, { kind: "remove" }>): string {
  const found = entriesOf(ini, edit.section, edit.key)
    .filter((entry) => edit.value === undefined || entry.value === edit.value)
    .filter((entry) => edit.own !== true || isOwn(ini, entry));
  return found.reduceRight((text, entry) => {
    if (entry.templated)
      throw new IniRefusal(
        `line ${entry.line}: a Jinja expression decides about ${edit.key}; take it out by hand`,
      );
    const start = ownCommentStart(ini, entry);
    // As it was put in: with the break before it, so that its neighbours keep theirs. A file's first line
    // goes with its own.
    const before = /(\r\n|\r|\n)$/.exec(text.slice(0, start))?.[0] ?? "";
    const after = start === 0 ? (/^(\r\n|\r|\n)/.exec(text.slice(entry.end))?.[0] ?? "") : "";
    return splice(text, start - before.length, entry.end + after.length, "");
  }, ini.text);
}

/** Where vflag's own comment lines above an entry begin; the entry's own start where there are none. */
function ownCommentStart(ini: Ini, entry: IniEntry): number {
  let start = entry.start;
  for (;;) {
    const above = lineAbove(ini.text, start);
    if (above === null || !ini.text.startsWith(ownMark, above)) return start;
    start = above;
  }
}

/** Where the line before the one that begins here begins; `null` for the first. */
function lineAbove(text: string, start: number): number | null {
  if (start === 0) return null;
  let at = start - (text.endsWith("\r\n", start) ? 2 : 1);
  while (at > 0 && !/[\r\n]/.test(text.charAt(at - 1))) at--;
  return at;
}

function commented(comment: string | undefined, assignment: string, eol: string): string {
  return comment === undefined ? assignment : `${ownMark}${comment}${eol}${assignment}`;
}

/** A value as it has to stand in the file to be read as it is. */
function written(value: string, eol: string): string {
  const [first = "", ...more] = value.split("\n");
  const bare = strip(first) === first && !/^(["']).*\1$|^["']$/s.test(first);
  return [bare ? first : `"${first}"`, ...more.map((line) => `  ${line}`)].join(eol);
}

function splice(text: string, start: number, end: number, replacement: string): string {
  return text.slice(0, start) + replacement + text.slice(end);
}

/** Refuses what would be read as something else than it is. */
function checkWords({ section, key, value, comment = "" }: Assignment, form: "plain" | "template"): void {
  if (!/^[A-Za-z][\w.-]*$/.test(key) || !/^[A-Za-z][\w.:-]*$/.test(section))
    throw new IniRefusal(`[${section}] ${key} is no name of an option`);
  const [, ...more] = value.split("\n");
  if (/[\r\0]/.test(value) || more.some((line) => line === "" || strip(line) !== line)) {
    throw new IniRefusal(`a value of ${key} cannot be written: ${JSON.stringify(value)}`);
  }
  if (/[\r\n]/.test(comment)) throw new IniRefusal("a comment is one line");
  const jinja = form === "template" ? /\{[{%#]/.exec(value + comment) : null;
  if (jinja !== null) throw new IniRefusal(`Jinja would read "${jinja[0]}" in ${JSON.stringify(value)}`);
}
