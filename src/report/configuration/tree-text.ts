import { inPlainText, plainText } from "../../host/plain-text.ts";
import type { Conflict } from "../../openstack/outcome.ts";
import type { Style } from "../terminal/style.ts";
import { textDiff } from "./text-diff.ts";

/** A change of a configuration tree, as it is shown. */
export interface ShownChange {
  readonly name: string;
  readonly kind: "file" | "link";
  readonly before: string | null;
  readonly after: string | null;
}

/** A remark about hosts. */
export interface ShownRemark {
  readonly hosts: readonly string[];
  readonly text: string;
}

/**
 * What would change in a configuration tree. Files of hosts that would be the same, but for the host, are
 * shown once.
 */
export function treeText(all: readonly ShownChange[], style: Style): string {
  // A name is shown on one line; a file's text has its own.
  const changes = all.map((change) => ({ ...change, name: plainText(change.name) }));
  const alike = new Map<string, ShownChange[]>();
  for (const change of changes) {
    const key = JSON.stringify([
      change.kind,
      change.before,
      change.after,
      change.name.includes("host_vars/") ? "" : change.name,
    ]);
    const others = alike.get(key);
    if (others === undefined) alike.set(key, [change]);
    else others.push(change);
  }
  return [...alike.values()].map((same) => changeText(same, style)).join("");
}

function changeText([first, ...others]: readonly ShownChange[], style: Style): string {
  if (first === undefined) return "";
  const more = others.length === 0 ? "" : `  the same in ${several(others.map(({ name }) => name))}\n`;
  if (first.kind === "link")
    return `${style.good(`+ ${first.name} -> ${plainText(first.after ?? "")}`)}\n${more}`;
  const names = [
    first.before === null ? "/dev/null" : first.name,
    first.after === null ? "/dev/null" : first.name,
  ] as const;
  const diff = textDiff(first.before ?? "", first.after ?? "", names)
    .split("\n")
    .map((line) => (line.startsWith("+") ? style.good(line) : line.startsWith("-") ? style.bad(line) : line))
    .join("\n");
  return (diff === "" ? `${first.name}: line ends only\n` : diff) + more;
}

/** What stands against writing, and what an operator should know. */
export function treeRemarks(
  conflicts: readonly (Conflict & { readonly name: string })[],
  problems: readonly ShownRemark[],
  notes: readonly ShownRemark[],
  style: Style,
): string {
  const seen = inPlainText({ conflicts, problems, notes });
  const lines = [
    ...seen.problems.map((problem) => `${style.bad("wrong")}     ${remark(problem)}`),
    ...seen.conflicts.flatMap(({ name, line, there, wanted, why }) => [
      `${style.bad("conflict")}  ${name}${line === null ? "" : `:${line}`}: ${why}`,
      ...(there === "" ? [] : [`  there   ${there}`]),
      `  wanted  ${wanted}`,
    ]),
    ...seen.notes.map((note) => `${style.doubtful("note")}      ${remark(note)}`),
  ];
  return lines.map((line) => `${line}\n`).join("");
}

function remark({ hosts, text }: ShownRemark): string {
  return hosts.length === 0 ? text : `${several(hosts)}: ${text}`;
}

/** A few names, and how many more there are. */
function several(names: readonly string[]): string {
  return names.length <= 4
    ? names.join(", ")
    : `${names.slice(0, 3).join(", ")} and ${names.length - 3} more`;
}
