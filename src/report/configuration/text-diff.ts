import { type StructuredPatchHunk, structuredPatch } from "diff";
import { plainText } from "../../host/plain-text.ts";
import { documentText } from "../terminal/escape.ts";
import { withoutSecrets } from "./secrets.ts";

/** Files of configuration differ in a few lines: of two that differ in more, all lines go and come. */
const mostEdits = 4000;

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
  const hunks = hunksOf(old, made);
  if (hunks.length === 0) return "";
  const [shownOld, shownMade] = [withoutSecrets(old), withoutSecrets(made)];
  const shown = hunks.map((hunk) => hunkText(hunk, shownOld, shownMade));
  return `--- ${plainText(names[0])}\n+++ ${plainText(names[1])}\n${shown.join("")}`;
}

/** At LF, CRLF and CR: what a line ends with is not shown. */
function linesOf(text: string): string[] {
  const lines = text.split(/\r\n|\r|\n/);
  return lines.at(-1) === "" ? lines.slice(0, -1) : lines;
}

function hunksOf(old: readonly string[], made: readonly string[]): StructuredPatchHunk[] {
  const [before, after] = [old, made].map((lines) => lines.map((line) => `${line}\n`).join(""));
  const options = { context: 3, maxEditLength: mostEdits };
  const patch = structuredPatch("", "", before ?? "", after ?? "", undefined, undefined, options);
  if (patch !== undefined) return patch.hunks;
  const lines = [...old.map((line) => `-${line}`), ...made.map((line) => `+${line}`)];
  return [{ oldStart: 1, oldLines: old.length, newStart: 1, newLines: made.length, lines }];
}

/** With each line as it may be shown. */
function hunkText(hunk: StructuredPatchHunk, old: readonly string[], made: readonly string[]): string {
  let [row, column] = [hunk.oldStart - 1, hunk.newStart - 1];
  const lines = hunk.lines.map((line) => {
    const mark = line[0] ?? " ";
    const shown = mark === "-" ? old[row] : made[column];
    if (mark !== "+") row++;
    if (mark !== "-") column++;
    return `${mark}${documentText(shown ?? line.slice(1))}\n`;
  });
  const gone = place(hunk.oldStart, hunk.oldLines);
  return `@@ -${gone} +${place(hunk.newStart, hunk.newLines)} @@\n${lines.join("")}`;
}

function place(start: number, count: number): string {
  return count === 1 ? `${start}` : `${count === 0 ? start - 1 : start},${count}`;
}
