/**
 * Text that came from a spec, a device, a file or a program, made safe for where it is printed. Every output takes its way
 * through one of these functions; nothing else escapes.
 */

/**
 * For XML, HTML and SVG, as content and in quotes: nothing in it is markup, and what XML cannot hold, or what turns the direction of
 * writing, stands as U+FFFD. Source: XML 1.0, 2.2 Characters.
 */
export function markup(text: string): string {
  return text
    .replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufffe\uffff]|\p{Surrogate}/gu, "\ufffd")
    .replace(/[&<>"']/g, (mark) => `&#${mark.charCodeAt(0)};`);
}

/** Control characters, without tab and line feed; and halves of a character, which no encoding has. */
const unprintable = /[\x00-\x08\x0b-\x1f\x7f-\x9f]|\p{Surrogate}|[\ufffe\uffff]/gu;

/** For a terminal: control characters become `?`; colours stay. */
export function printable(text: string): string {
  return text.replace(/\x1b(?!\[[0-9;]*m)|[\x00-\x08\x0b-\x1a\x1c-\x1f\x7f-\x9f]/g, "?");
}

/**
 * For a label's value in Prometheus' text format, without its quotes.
 * Source: https://prometheus.io/docs/instrumenting/exposition_formats/, comments, help text, and type information.
 */
export function labelValue(text: string): string {
  return helpText(text).replaceAll('"', '\\"');
}

/** For a HELP line of the same format. */
export function helpText(text: string): string {
  return text.replace(unprintable, "\ufffd").replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}

/** HTML whose every value went through `markup`, or is such HTML itself. */
export class Html {
  readonly text: string;

  private constructor(text: string) {
    this.text = text;
  }

  /** A template of this program's own words with values of anybody's: strings are escaped, HTML and lists of it are put in. */
  static of(words: TemplateStringsArray, ...values: readonly HtmlValue[]): Html {
    return new Html(words.map((word, index) => `${word}${index < values.length ? textOf(values[index]) : ""}`).join(""));
  }

  /** Text that another part of this program has made of escaped values, such as a drawing; it must never be used on anything else. */
  static verbatim(text: string): Html {
    return new Html(text);
  }
}

type HtmlValue = string | number | Html | readonly Html[] | null | undefined;

/** @example html`<p title="${title}">${text}</p>` */
export const html = Html.of;

function textOf(value: HtmlValue): string {
  if (value === null || value === undefined) return "";
  if (value instanceof Html) return value.text;
  if (typeof value === "object") return value.map(textOf).join("");
  return markup(String(value));
}
