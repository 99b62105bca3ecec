import {
  canonicalValue,
  type FirmwareParameterName,
  firmwareParameters,
} from "../../actions/firmware-settings.ts";
import type { FirmwareConfiguration, FirmwareParameter } from "../../state/firmware.ts";
import { type Observed, unknown } from "../../state/observed.ts";

/**
 * What `mstconfig -d ADDRESS -e query` prints, and `mlxconfig`, which is the same program.
 *
 * The header line names the columns: `-e` adds Default and Current, and a card whose firmware cannot tell one
 * of them has no such column (ConnectX-3 shows Default and Next Boot). A row is a mark (`*` next value
 * differs, `RO` read-only), a name and a value for each column. Names and values are padded, to widths that
 * differ between versions (36 and 16; 44 and 20; 48), and what is longer touches what follows it. The names
 * looked for here are short and so never touch; values end where their bracket closes. Other rows are not
 * looked at.
 *
 * Source: mstflint mlxconfig/mlxcfg_ui.cpp, printOpening(), printConfHeader() and printSingleParam(), as of
 * 2017 (with -e),
 * 4.21 (Debian 12), and two later widths; what the program printed in 2014, one column Current, is not
 * understood.
 */
export function parseFirmwareQuery(text: string): Observed<FirmwareConfiguration> {
  const lines = text.split("\n").map((line) => line.trimEnd());
  const devices = lines.filter((line) => /^Device #\d+:$/.test(line)).length;
  if (devices !== 1)
    return unknown(
      `not understood: ` +
        `${devices === 0 ? `no device in ${quoted(text)}` : `${devices} devices in one answer`}`,
    );
  const head = lines.findIndex((line) => line.startsWith("Configurations:"));
  if (head < 0) return unknown(`not understood: no line "Configurations:" in ${quoted(text)}`);
  const header = lines[head] ?? "";
  const columns = columnsOf(header);
  if (columns === null) return unknown(`not understood: ${header.trim()}`);
  const parameters: Partial<Record<FirmwareParameterName, FirmwareParameter>> = {};
  for (const line of lines.slice(head + 1)) {
    const row = rowOf(line);
    if (row === null) continue;
    const values = valuesOf(row.values);
    if (values.length !== columns.length || row.name in parameters)
      return unknown(`not understood: ${line.trim()}`);
    const shown = (column: Column) => canonicalValue(values[columns.indexOf(column)] ?? "N/A");
    parameters[row.name] = {
      default: shown("Default"),
      current: shown("Current"),
      next: shown("Next Boot"),
      readOnly: row.readOnly,
    };
  }
  return {
    type: described(lines, "Device type"),
    name: described(lines, "Name"),
    description: described(lines, "Description"),
    parameters,
  };
}

/**
 * What the program says of itself: `mstconfig, mstflint 4.21.0, Git SHA Hash: N/A`, `mlxconfig, mft 4.26.1-3,
 * built on ...`.
 */
export function parseFirmwareToolVersion(text: string): string | null {
  return /^(?:\w+), (?:mstflint|mft) (\d[\w.+~-]*)(?:,|$)/m.exec(text)?.[1] ?? null;
}

/**
 * What went wrong, in the program's own words: its lines `-E- ...`, else all that it said. Often in stdout.
 */
export function firmwareErrorOf(stdout: string, stderr: string): string {
  const said = [...lines(stderr), ...lines(stdout)];
  const first = said.findIndex((line) => line.startsWith("-E-"));
  // What failed underneath is said before it, on stderr; a list of settings that could not be read stands
  // after it.
  const told =
    first < 0
      ? said
      : [...lines(stderr).filter((line) => !line.startsWith("-E-")), ...said.slice(first, first + 4)];
  const words = [...new Set(told)].join("; ");
  return words === "" ? "it said nothing" : shortened(words);
}

const columnNames = ["Default", "Current", "Next Boot"] as const;
type Column = (typeof columnNames)[number];

/** The columns that a header names; null where it has others than are known, or none for the next boot. */
function columnsOf(header: string): Column[] | null {
  const words = header
    .slice("Configurations:".length)
    .trim()
    .split(/\s{2,}/);
  const columns = words.flatMap((word) => columnNames.find((name) => name === word) ?? []);
  const once = new Set(columns).size === columns.length && columns.length === words.length;
  return once && columns.includes("Next Boot") ? columns : null;
}

function rowOf(line: string): { name: FirmwareParameterName; values: string; readOnly: boolean } | null {
  const [, readOnly, word, values] = /^[* ](RO| {2}) +(\S+) +(\S.*)$/.exec(line) ?? [];
  const name = firmwareParameters.find((candidate) => candidate === word);
  return name === undefined || values === undefined ? null : { name, values, readOnly: readOnly === "RO" };
}

/**
 * Values as they stand in a row, also where one is as wide as its column and touches the next: `True(1)`,
 * `8`, `Array[0..7]`.
 */
function valuesOf(text: string): string[] {
  return text.match(/[^\s()[\]]+\(\d+\)|[^\s()[\]]+\[[^\s[\]]*\]|[^\s()[\]]+|\S/g) ?? [];
}

/** What stands after a label above the table; null where the card does not tell it. */
function described(lines: readonly string[], label: string): string | null {
  const said =
    lines
      .find((line) => line.startsWith(`${label}:`))
      ?.slice(label.length + 1)
      .trim() ?? "";
  return said === "" || said === "N/A" ? null : said;
}

function lines(text: string): string[] {
  return text.split("\n").flatMap((line) => (line.trim() === "" ? [] : [line.trim()]));
}

function quoted(text: string): string {
  return JSON.stringify(shortened(lines(text).join("; ")));
}

function shortened(text: string): string {
  return text.length > 300 ? `${text.slice(0, 300)}...` : text;
}
