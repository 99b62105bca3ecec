import { findJinja, type Jinja, noJinja } from "./jinja.ts";
import { strip, stripEnd, stripStart } from "./python-text.ts";

/**
 * INI files as oslo.config reads them, with the place of everything, so that an editor can leave the rest as
 * it is. Source: oslo.config 9.0.0, oslo_config/iniparser.py (BaseParser.parse) and oslo_config/cfg.py (class
 * ConfigParser).
 */
export interface Ini {
  readonly text: string;
  /** The text's own line break: its first one. */
  readonly eol: string;
  readonly sections: readonly IniSection[];
  readonly entries: readonly IniEntry[];
  /** Why oslo.config refuses the file; it stops at the first. Empty where it reads it. */
  readonly problems: readonly IniProblem[];
  readonly jinja: Jinja;
}

export interface IniSection {
  readonly name: string;
  readonly line: number;
  /** Offsets of the header's line, without its break. */
  readonly start: number;
  readonly end: number;
}

/** One assignment. A key that stands more than once has several values (oslo's MultiStr), or its last one. */
export interface IniEntry {
  /** As written: `[PCI]` and `[pci]` are one section for oslo, see `sameSection`. */
  readonly section: string;
  readonly key: string;
  /**
   * As oslo reads it, before it puts other options in place of `$name`: continuation lines joined with line
   * feeds.
   */
  readonly value: string;
  readonly line: number;
  /** Offsets from the first line's beginning to the last line's end, without its break. */
  readonly start: number;
  readonly end: number;
  /** Whether Jinja has a part in it, or stands around it, so that its value is not known here. */
  readonly templated: boolean;
}

export interface IniProblem {
  readonly line: number;
  readonly message: string;
}

interface Line {
  readonly number: number;
  readonly start: number;
  readonly end: number;
}

interface OpenEntry {
  readonly key: string;
  readonly line: Line;
  readonly values: string[];
  end: number;
  templated: boolean;
}

/**
 * Reads an INI file.
 * @param text the file, as UTF-8 decoded without dropping a byte order mark (at which oslo.config refuses it)
 * @param form `template`: lines of Jinja are looked through, as in the files of kolla/config
 */
export function readIni(text: string, form: "plain" | "template" = "plain"): Ini {
  const jinja = form === "template" ? findJinja(text) : noJinja;
  const [sections, entries, problems]: [IniSection[], IniEntry[], IniProblem[]] = [[], [], []];
  let open: OpenEntry | null = null;
  let hidden = false;

  const close = () => {
    if (open === null) return;
    const { key, line, values, end, templated } = open;
    open = null;
    const section = sections.at(-1);
    if (section === undefined)
      return problems.push({ line: line.number, message: `"${key}" stands before any section` });
    const inBlock = templated || jinja.depth(line.start) > 0 || jinja.touches(line.start, end);
    entries.push({
      section: section.name,
      key,
      value: values.join("\n"),
      line: line.number,
      start: line.start,
      end,
      templated: inBlock,
    });
  };

  for (const line of linesOf(text)) {
    if (jinja.within(line.start) && open !== null) {
      extend(open, text.slice(line.start, line.end), line.end).templated = true;
      continue;
    }
    if (jinja.hidden(line.start, line.end)) {
      hidden = true;
      continue;
    }
    const content = stripEnd(text.slice(line.start, line.end));
    if (content === "") {
      close();
    } else if (/^[ \t]/.test(content)) {
      if (open === null)
        problems.push({
          line: line.number,
          message: "an indented line continues a value, and there is none before it",
        });
      else if (hidden) extend(open, stripStart(content), line.end).templated = true;
      else extend(open, stripStart(content), line.end);
    } else {
      close();
      const read = readLine(content);
      if ("problem" in read) problems.push({ line: line.number, message: read.problem });
      else if ("section" in read)
        sections.push({ name: read.section, line: line.number, start: line.start, end: line.end });
      else if ("key" in read)
        open = { key: read.key, line, values: [read.value], end: line.end, templated: false };
    }
    hidden = false;
  }
  close();
  return { text, eol: /\r\n|\r|\n/.exec(text)?.[0] ?? "\n", sections, entries, problems, jinja };
}

/**
 * Whether oslo.config takes two names for one section: upper and lower case are the same, but not in DEFAULT.
 */
export function sameSection(one: string, other: string): boolean {
  return normalized(one) === normalized(other);
}

/** The entries of a key, in the file's order. Keys, unlike sections, are told apart by case. */
export function entriesOf(ini: Ini, section: string, key: string): IniEntry[] {
  return ini.entries.filter((entry) => entry.key === key && sameSection(entry.section, section));
}

/** The value of an option that has one: oslo takes the last. */
export function optionValue(ini: Ini, section: string, key: string): string | undefined {
  return entriesOf(ini, section, key).at(-1)?.value;
}

/** A value of oslo's type List: `a, b,` is a and b. Source: oslo_config/types.py, List.__call__. */
export function listValue(value: string): string[] {
  const text = strip(value).replace(/,+$/, "");
  return text === "" ? [] : text.split(",").map(strip);
}

/**
 * A value as the option gets it: `$$` and `\$` are a dollar; `null` where other options are put in
 * (`$state_path`). Source: oslo_config/cfg.py, ConfigOpts._substitute and Template.
 */
export function plainValue(value: string): string | null {
  const text = value.replaceAll("\\$", "$$$$");
  if (/(?<!\$)(?:\$\$)*\$\{?[_a-zA-Z]/.test(text)) return null;
  return text.replaceAll("$$", "$");
}

/** A text as a value that stands for exactly that text. */
export function escapeValue(text: string): string {
  return text.replaceAll("$", "$$$$");
}

/** The lines as Python's text mode splits them: at LF, CRLF and CR. */
function* linesOf(text: string): Generator<Line> {
  const breaks = /\r\n|\r|\n/g;
  let [start, number] = [0, 1];
  for (const { index, 0: eol } of text.matchAll(breaks)) {
    yield { number: number++, start, end: index };
    start = index + eol.length;
  }
  if (start < text.length) yield { number, start, end: text.length };
}

type Read = { section: string } | { key: string; value: string } | { comment: true } | { problem: string };

function readLine(content: string): Read {
  if (content.startsWith("[")) {
    if (!content.endsWith("]")) return { problem: `a section must end with "]": ${content}` };
    return content.length <= 2 ? { problem: "a section without a name" } : { section: content.slice(1, -1) };
  }
  if (/^[#;]/.test(content)) return { comment: true };
  const split = content.search(/[:=]/);
  if (split < 0) {
    const mark = content.startsWith("\ufeff")
      ? " (the file begins with a byte order mark, which oslo.config does not know)"
      : "";
    return { problem: `neither "=" nor ":" in "${content.replace("\ufeff", "")}"${mark}` };
  }
  const key = strip(content.slice(0, split));
  return key === ""
    ? { problem: "an empty key" }
    : { key, value: withoutQuotes(strip(content.slice(split + 1))) };
}

function withoutQuotes(value: string): string {
  return /^["']/.test(value) && value.at(0) === value.at(-1) ? value.slice(1, -1) : value;
}

function extend(entry: OpenEntry, value: string, end: number): OpenEntry {
  entry.values.push(value);
  entry.end = end;
  return entry;
}

function normalized(section: string): string {
  return section === "DEFAULT" ? section : section.toLowerCase();
}
