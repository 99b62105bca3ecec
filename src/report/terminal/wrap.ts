import { anyOf } from "../../host/any-of.ts";

/** Long lines at a terminal's width, with a hanging indent. */

/** Narrower than this, a terminal breaks lines itself: there is no room for an indent. */
const narrowest = 24;

/**
 * East Asian wide and fullwidth characters, and emoji, fill two cells. Source: Unicode Standard Annex 11,
 * EastAsianWidth.txt. Pure: the fleet's page, which has no terminal, goes without.
 */
const wide = /* @__PURE__ */ anyOf(
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f]/u,
  /[\uff01-\uff60\uffe0-\uffe6]/u,
  /[\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u,
);

/**
 * How many cells of a terminal a text fills. Marks of colours and what stands over another character fill
 * none.
 */
export function textWidth(text: string): number {
  if (/^[ -~]*$/.test(text)) return text.length;
  let width = 0;
  for (const character of text)
    width += /[\p{M}\ufdd0-\ufdef]/u.test(character) ? 0 : wide.test(character) ? 2 : 1;
  return width;
}

/**
 * Breaks lines that are longer than a terminal is wide, at blanks. What goes on below stands where the line's
 * text began, behind its label where two blanks set one apart, else further in than the line: it never looks
 * like a line of its own. A word that is too long stays whole, so that it can be copied.
 */
export function wrapped(text: string, columns: number): string {
  if (columns < narrowest) return text;
  return text
    .split("\n")
    .map((line) => (textWidth(line) <= columns ? line : wrappedLine(line, columns)))
    .join("\n");
}

function wrappedLine(line: string, columns: number): string {
  const hang = hangOf(line, columns);
  const lines: string[] = [];
  // The beginning stays together: a break within the label would not be one of the text.
  let current = line.slice(0, hang.length);
  let width = hang.width;
  let isEmpty = true;
  for (const part of line.slice(hang.length).split(/( +)/)) {
    const more = textWidth(part);
    if (width + more > columns && !isEmpty && part.trim() !== "") {
      lines.push(current.trimEnd());
      current = " ".repeat(hang.below) + part;
      width = hang.below + more;
      continue;
    }
    current += part;
    width += more;
    if (part.trim() !== "") isEmpty = false;
  }
  return [...lines, current.trimEnd()].join("\n");
}

interface Hang {
  /** So many characters, and cells, of the line stand before its text. */
  readonly length: number;
  readonly width: number;
  /** So many blanks stand before what goes on below. */
  readonly below: number;
}

/** Where the text of a line begins: behind the last gap in its first half, else behind its indent. */
function hangOf(line: string, columns: number): Hang {
  const most = Math.floor(columns / 2);
  const indent = /^ */.exec(line)?.[0].length ?? 0;
  const found = [...line.matchAll(/\S {2,}(?=\S)/g)]
    .map(({ index, 0: gap }) => ({
      length: index + gap.length,
      width: textWidth(line.slice(0, index + gap.length)),
    }))
    .filter(({ width }) => width <= most)
    .at(-1);
  if (found !== undefined) return { ...found, below: found.width };
  const own = indent <= most ? indent : 0;
  return { length: own, width: own, below: own + 2 };
}
