import { textWidth } from "./wrap.ts";

/** Paints words for a terminal, or leaves them as they are. */
export interface Style {
  readonly good: (text: string) => string;
  readonly bad: (text: string) => string;
  readonly doubtful: (text: string) => string;
  readonly strong: (text: string) => string;
  readonly faint: (text: string) => string;
}

export const plain: Style = { good: same, bad: same, doubtful: same, strong: same, faint: same };

/**
 * In a text, a colour begins and ends with a noncharacter, which no value can hold (`plainText`), and only
 * `terminalText` makes an escape sequence of it: what somebody else wrote cannot paint. Source of the
 * numbers: ECMA-48, 8.3.117 SGR.
 */
const marks = {
  good: ["\ufdd0", 32],
  bad: ["\ufdd1", 31],
  doubtful: ["\ufdd2", 33],
  strong: ["\ufdd3", 1],
  faint: ["\ufdd4", 2],
  colourEnds: ["\ufdd5", 39],
  weightEnds: ["\ufdd6", 22],
} as const;

/** The escape sequence of each mark. */
export const sequences: ReadonlyMap<string, string> = new Map(
  Object.values(marks).map(([mark, number]) => [mark, `\x1b[${number}m`]),
);

export const coloured: Style = {
  good: painting("good", "colourEnds"),
  bad: painting("bad", "colourEnds"),
  doubtful: painting("doubtful", "colourEnds"),
  strong: painting("strong", "weightEnds"),
  faint: painting("faint", "weightEnds"),
};

function painting(begin: keyof typeof marks, end: keyof typeof marks): (text: string) => string {
  return (text) => `${marks[begin][0]}${text}${marks[end][0]}`;
}

function same(text: string): string {
  return text;
}

/** Makes columns as wide as their widest cell, two blanks apart. The last column is left as it is. */
export function table(rows: readonly (readonly string[])[], indent = ""): string[] {
  const widths: number[] = [];
  for (const row of rows)
    row.forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, textWidth(cell));
    });
  return rows.map((row) => {
    const cells = row.map((cell, column) =>
      column === row.length - 1 ? cell : cell + " ".repeat((widths[column] ?? 0) - textWidth(cell)),
    );
    return `${indent}${cells.join("  ")}`.trimEnd();
  });
}

/** `3 VFs`, `1 VF`. */
export function count(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`;
}

/** A duration for the eye: `0.3 s`, `12 s`, `2 min 5 s`. */
export function duration(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}
