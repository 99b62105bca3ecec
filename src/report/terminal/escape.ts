import { drawing, inBraces, inEscapes } from "../../host/plain-text.ts";
import { sequences } from "./style.ts";

/**
 * Text that came from a spec, a device, a file or a program, made safe for where it is printed. Every output
 * takes its way through one of these functions; nothing else escapes.
 */

/**
 * For XML, HTML and SVG, as content and in quotes: nothing in it is markup, and what XML cannot hold, or what
 * draws (changes of direction, zero width), stands as U+FFFD. Source: XML 1.0, 2.2 Characters.
 */
export function markup(text: string): string {
  return text
    .replace(drawing, (character) => (/[\t\n]/.test(character) ? character : "\ufffd"))
    .replace(/[&<>"']/g, (mark) => `&#${mark.charCodeAt(0)};`);
}

/**
 * The last filter before a terminal, for a whole text: its lines stay, `Style`'s colours become escape
 * sequences where they are wanted, and every other character that draws is shown by its code. The values in
 * it went through `plainText` before, so that none adds a line.
 */
export function terminalText(text: string): string {
  return text.replace(drawing, (character) =>
    /[\n\t]/.test(character) ? character : (sequences.get(character) ?? inBraces(character)),
  );
}

/**
 * The same for a file's text or a document, in which there are no colours of `Style`: nothing in it draws.
 */
export function documentText(text: string): string {
  return text.replace(drawing, (character) => (/[\n\t]/.test(character) ? character : inBraces(character)));
}

/**
 * JSON in which no character draws: where it is printed, it cannot be told apart from what it says, and any
 * reader finds the same value.
 * @param indent blanks of each level; none: one line
 */
export function jsonText(value: unknown, indent?: number): string {
  return JSON.stringify(value, null, indent).replace(drawing, (character) =>
    character === "\n" ? character : inEscapes(character),
  );
}

/**
 * For a label's value in Prometheus' text format, without its quotes.
 * Source: https://prometheus.io/docs/instrumenting/exposition_formats/, comments, help text, and type
 * information.
 */
export function labelValue(text: string): string {
  return helpText(text).replaceAll('"', '\\"');
}

/** For a HELP line of the same format. */
export function helpText(text: string): string {
  return text.replace(unprintable, "\ufffd").replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}

/** Control characters, without tab and line feed; and halves of a character, which no encoding has. */
const unprintable = /[\x00-\x08\x0b-\x1f\x7f-\x9f]|\p{Surrogate}|[\ufffe\uffff]/gu;

/** HTML whose every value went through `markup`, or is such HTML itself. */
export class Html {
  readonly text: string;

  private constructor(text: string) {
    this.text = text;
  }

  /**
   * A template of this program's own words with values of anybody's: strings are escaped, HTML and lists of
   * it are put in.
   */
  static of(words: TemplateStringsArray, ...values: readonly HtmlValue[]): Html {
    return new Html(
      words.map((word, index) => `${word}${index < values.length ? textOf(values[index]) : ""}`).join(""),
    );
  }

  /**
   * Text that another part of this program has made of escaped values, such as a drawing; it must never be
   * used on anything else.
   */
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
