import { plainText } from "../../host/plain-text.ts";
import { documentText } from "../terminal/escape.ts";
import { withoutSecrets } from "./secrets.ts";

/**
 * Lines that stay, go and come, as `diff -u` shows them; empty where the texts have the same lines. Values of
 * secrets are hidden: it is for the eye, and the lines are compared as they are.
 */
export function textDiff(
  before: string,
  after: string,
  names: readonly [before: string, after: string],
): string {
  const [old, made] = [linesOf(before), linesOf(after)];
  const changes = shownWithoutSecrets(compare(old, made), withoutSecrets(old), withoutSecrets(made));
  const hunks = hunksOf(changes);
  if (hunks.length === 0) return "";
  return `--- ${plainText(names[0])}\n+++ ${plainText(names[1])}\n${hunks.join("")}`;
}

interface Change {
  readonly mark: " " | "-" | "+";
  readonly line: string;
}

const context = 3;

/** At LF, CRLF and CR: what a line ends with is not shown. */
function linesOf(text: string): string[] {
  const lines = text.split(/\r\n|\r|\n/);
  return lines.at(-1) === "" ? lines.slice(0, -1) : lines;
}

/** The same changes, with each line as it may be shown. */
function shownWithoutSecrets(
  changes: readonly Change[],
  old: readonly string[],
  made: readonly string[],
): Change[] {
  let [row, column] = [0, 0];
  return changes.map(({ mark, line }) => {
    const shown = mark === "-" ? old[row] : made[column];
    if (mark !== "+") row++;
    if (mark !== "-") column++;
    return { mark, line: documentText(shown ?? line) };
  });
}

/** By the longest common subsequence of what is between the same beginning and the same end. */
function compare(before: readonly string[], after: readonly string[]): Change[] {
  let head = 0;
  while (head < before.length && head < after.length && before[head] === after[head]) head++;
  let tail = 0;
  const shorter = Math.min(before.length, after.length) - head;
  while (tail < shorter && before.at(-1 - tail) === after.at(-1 - tail)) tail++;
  const same = (line: string): Change => ({ mark: " ", line });
  const [old, made] = [before.slice(head, before.length - tail), after.slice(head, after.length - tail)];
  return [
    ...before.slice(0, head).map(same),
    ...middle(old, made),
    ...before.slice(before.length - tail).map(same),
  ];
}

function middle(before: readonly string[], after: readonly string[]): Change[] {
  const width = after.length + 1;
  // Files of configuration are small; of two that have nothing in common, all lines go and come.
  const lengths = new Uint32Array(
    before.length * after.length > 20_000_000 ? 0 : (before.length + 1) * width,
  );
  const at = (row: number, column: number) => lengths[row * width + column] ?? 0;
  if (lengths.length > 0) {
    for (let row = before.length - 1; row >= 0; row--) {
      for (let column = after.length - 1; column >= 0; column--) {
        const longest =
          before[row] === after[column]
            ? at(row + 1, column + 1) + 1
            : Math.max(at(row + 1, column), at(row, column + 1));
        lengths[row * width + column] = longest;
      }
    }
  }
  const changes: Change[] = [];
  let [row, column] = [0, 0];
  while (row < before.length || column < after.length) {
    const [old, made] = [before[row], after[column]];
    if (old !== undefined && old === made && lengths.length > 0) {
      changes.push({ mark: " ", line: old });
      row++;
      column++;
    } else if (old !== undefined && (made === undefined || at(row + 1, column) >= at(row, column + 1))) {
      changes.push({ mark: "-", line: old });
      row++;
    } else {
      changes.push({ mark: "+", line: made ?? "" });
      column++;
    }
  }
  return changes;
}

/** Changes with some lines around them; what is further away is left out. */
function hunksOf(changes: readonly Change[]): string[] {
  const near = changes.map((_, index) =>
    changes.slice(Math.max(0, index - context), index + context + 1).some(({ mark }) => mark !== " "),
  );
  const hunks: string[] = [];
  let [old, made] = [1, 1];
  let open: { lines: string[]; old: number; made: number; counts: [number, number] } | null = null;
  const close = () => {
    if (open === null) return;
    const place = (start: number, count: number) =>
      count === 1 ? `${start}` : `${count === 0 ? start - 1 : start},${count}`;
    hunks.push(
      `@@ -${place(open.old, open.counts[0])} +${place(open.made, open.counts[1])} @@\n${open.lines.join("")}`,
    );
    open = null;
  };
  changes.forEach(({ mark, line }, index) => {
    if (near[index] === true) {
      open ??= { lines: [], old, made, counts: [0, 0] };
      open.lines.push(`${mark}${line}\n`);
      if (mark !== "+") open.counts[0]++;
      if (mark !== "-") open.counts[1]++;
    } else close();
    if (mark !== "+") old++;
    if (mark !== "-") made++;
  });
  close();
  return hunks;
}
