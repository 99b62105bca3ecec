import { inPlainText, plainText } from "../../host/plain-text.ts";
import type { ConfigurationFinding } from "../../openstack/check-finding.ts";
import type { Outcome } from "../../openstack/outcome.ts";
import type { Style } from "../terminal/style.ts";
import { textDiff } from "./text-diff.ts";

/** What would change in a configuration file, and what an operator has to know about it. */
export function configurationText(file: string, before: string, outcome: Outcome, style: Style): string {
  const diff = textDiff(before, outcome.text, [file, `${file} (as vflag would write it)`])
    .split("\n")
    .map((line) => (line.startsWith("+") ? style.good(line) : line.startsWith("-") ? style.bad(line) : line))
    .join("\n");
  return diff + remarksText(file, outcome, style);
}

/** The conflicts and the notes alone. */
export function remarksText(
  name: string,
  outcome: Pick<Outcome, "conflicts" | "notes">,
  style: Style,
): string {
  const { file, conflicts, notes } = inPlainText({
    file: name,
    conflicts: outcome.conflicts,
    notes: outcome.notes,
  });
  const lines = conflicts.flatMap(({ line, there, wanted, why }) => [
    `${style.bad("conflict")}  ${file}${line === null ? "" : `:${line}`}: ${why}`,
    ...(there === "" ? [] : [`  there   ${there}`]),
    `  wanted  ${wanted}`,
  ]);
  const remarks = [...lines, ...notes.map((note) => `${style.doubtful("note")}  ${note}`)];
  return remarks.map((line) => `${line}\n`).join("");
}

/** What `openstack check` found, one line each, the worst first. */
export function findingsText(
  findings: readonly (Omit<ConfigurationFinding, "file"> & { readonly file: string })[],
  style: Style,
): string {
  if (findings.length === 0) return "The files fit the host and the release.\n";
  const paint = { wrong: style.bad, doubtful: style.doubtful, unknown: style.faint } as const;
  const order = ["wrong", "doubtful", "unknown"] as const;
  const sorted = findings.toSorted((one, other) => order.indexOf(one.kind) - order.indexOf(other.kind));
  return sorted
    .map(({ kind, file, line, text }) => {
      const place = `${plainText(file)}${line === null ? "" : `:${line}`}`;
      return `${paint[kind](kind.padEnd(8))}  ${place}: ${plainText(text)}\n`;
    })
    .join("");
}
