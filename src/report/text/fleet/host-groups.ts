import { someOf } from "../../fleet-words.ts";
import { count, type Style } from "../../terminal/style.ts";

/** What the texts of `vflag fleet` have in common: the same of many hosts is one line. */

export interface FleetTextOptions {
  /** Every host is named, and not only the first few. */
  readonly full: boolean;
}

/** As wide as the number of hosts before a line. */
export const indent = "             ";

/** By what is true of them: how many hosts and which; nothing where there are none. */
export function groupLines(
  title: string,
  groups: readonly (readonly [string, readonly string[]])[],
  style: Style,
  full: boolean,
): string[] {
  if (groups.length === 0) return [];
  return [
    style.strong(title),
    ...groups.flatMap(([words, hosts]) => [
      `${hostCount(hosts)}  ${style.doubtful(words.split("\n")[0] ?? "")}`,
      `${indent}${style.faint(someOf(hosts, full ? hosts.length : 6))}`,
    ]),
  ];
}

/** `      3 hosts` */
export function hostCount(hosts: readonly string[]): string {
  return count(hosts.length, "host").padStart(11);
}

/** The beginning of a message; where that only announces, also what it announces. */
export function firstLine(message: string): string {
  const [first = "", second = ""] = message.split("\n");
  const words = first.endsWith(":") ? `${first} ${second.replace("✖ ", "")}` : first;
  return words.length > 100 ? `${words.slice(0, 99)}…` : words;
}

/** Blocks of lines with a blank line between them; an empty one is left out. */
export function paragraphs(blocks: readonly (readonly string[])[]): string {
  const texts = blocks.filter((lines) => lines.length > 0).map((lines) => lines.join("\n"));
  return `${texts.join("\n\n")}\n`;
}
