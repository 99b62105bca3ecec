import assert from "node:assert/strict";
import { test } from "node:test";
import { statusOf } from "../../../src/fleet/answers/status.ts";
import { fleetCsv } from "../../../src/report/data/fleet-csv.ts";

/**
 * The cells as a spreadsheet has them whose separator is `separator`. Source: RFC 4180; a quotation mark
 * counts at a cell's beginning.
 */
function cellsOf(text: string, separator: string): string[] {
  const cells: string[] = [];
  for (const line of text.split("\r\n"))
    for (let rest: string | null = line; rest !== null; ) {
      const quoted: RegExpExecArray | null = /^\s*"((?:[^"]|"")*)"?/.exec(rest);
      const whole: string = quoted?.[0] ?? "";
      const end: number = rest.indexOf(separator, whole.length);
      cells.push(
        `${quoted?.[1]?.replaceAll('""', '"') ?? ""}${rest.slice(whole.length, end < 0 ? undefined : end)}`,
      );
      rest = end < 0 ? null : rest.slice(end + 1);
    }
  return cells;
}

test("no cell begins a formula, under a comma and under a semicolon, with full-width signs, blanks and quotation marks too", () => {
  for (const sign of ["=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20"])
    for (const before of [
      "",
      " ",
      "\t",
      "x;",
      "x; ",
      'x;"',
      "x,",
      'x, "',
      "x;'",
      "\n",
      "x;\u00a0",
      '"',
      "x;;",
      "\u200b",
    ]) {
      const host = `${before}${sign}HYPERLINK("http://canary.invalid")`;
      const failure = { at: 0, kind: "failed" as const, message: host };
      const csv = fleetCsv(statusOf([{ host, observation: null, failure }], 1, 1));
      for (const separator of [",", ";"])
        for (const cell of cellsOf(csv, separator))
          assert.doesNotMatch(
            cell.trim(),
            /^["\s]*[=+\-@\uff1d\uff0b\uff0d\uff20]/,
            JSON.stringify([host, separator, cell]),
          );
    }
});
