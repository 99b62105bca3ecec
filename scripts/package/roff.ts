/** Text as roff, the language of man pages. */

/**
 * What a character of running text has to be written as, so that it comes out as itself and can be pasted
 * into a shell.
 */
const special: Readonly<Record<string, string>> = {
  "\\": "\\(rs",
  "-": "\\-",
  "'": "\\(aq",
  "`": "\\(ga",
  "^": "\\(ha",
  "~": "\\(ti",
  '"': "\\(dq",
};

/**
 * Characters that come out as they are. A line's leading dot, which would begin a request, is `line`'s and
 * `verbatim`'s concern.
 */
export function escaped(text: string): string {
  return Array.from(text, (character) => special[character] ?? ascii(character)).join("");
}

function ascii(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  return code < 0x80 ? character : `\\[u${code.toString(16).toUpperCase().padStart(4, "0")}]`;
}

/** One line of running text; words between backquotes are bold. */
export function line(text: string): string {
  const words = text.split(/`([^`]+)`/).map((part, index) => (index % 2 === 1 ? bold(part) : escaped(part)));
  return guarded(words.join("").replaceAll(/\s+/g, " ").trim());
}

export function bold(text: string): string {
  return `\\fB${escaped(text)}\\fR`;
}

export function italic(text: string): string {
  return `\\fI${escaped(text)}\\fR`;
}

/** Lines as they stand, indented. */
export function verbatim(text: string): string[] {
  return [".PP", ".nf", ".RS 4", ...text.split("\n").map((each) => guarded(escaped(each))), ".RE", ".fi"];
}

/** A term and what it means. */
export function item(term: string, ...body: readonly string[]): string[] {
  return [".TP", guarded(term), ...body];
}

export function section(title: string, body: readonly string[]): string[] {
  // A section begins a paragraph by itself.
  return body.length === 0 ? [] : [`.SH ${quoted(title)}`, ...(body[0] === ".PP" ? body.slice(1) : body)];
}

export function subsection(title: string, body: readonly string[]): string[] {
  return [`.SS ${quoted(title)}`, ...body];
}

/** The page's first line. @param date YYYY-MM-DD */
export function title(name: string, chapter: number, date: string, source: string): string {
  return `.TH ${name} ${chapter} ${date} ${quoted(source)}`;
}

/** A macro's argument. */
function quoted(text: string): string {
  return `"${escaped(text)}"`;
}

/** A line that begins with a dot or a quote would be a request, and an empty one a paragraph of its own. */
function guarded(roff: string): string {
  return /^([.']|$)/.test(roff) ? `\\&${roff}` : roff;
}
