import { type FleetDiff, newHosts, type SameChange, sameChanges } from "../../../fleet/answers/diff.ts";
import { inPlainText } from "../../../host/plain-text.ts";
import { answerWords, someOf } from "../../fleet-words.ts";
import { count, type Style } from "../../terminal/style.ts";
import {
  type FleetTextOptions,
  firstLine,
  groupLines,
  hostCount,
  indent,
  paragraphs,
} from "./host-groups.ts";

/** What changed, by how many hosts it concerns. */
export function fleetDiffText(changed: FleetDiff, style: Style, { full }: FleetTextOptions): string {
  const diff = inPlainText(changed);
  const { since, hosts, unchanged, silent, refused } = diff;
  const fresh = newHosts(diff);
  const head =
    `${style.strong(`Since ${since}`)}: ${count(hosts.length - fresh.length, "host")} changed, ` +
    `${unchanged} did not`;
  const blocks = (["verdict", "spec", "state"] as const).map((what) => {
    const changes = sameChanges(diff).filter((change) => change.what === what);
    return changes.length === 0
      ? []
      : [style.strong(titles[what]), ...changes.flatMap((change) => changeLines(change, style, full))];
  });
  const rest = [
    ...groupLines("New", fresh.length === 0 ? [] : [["nothing was known of them then", fresh]], style, full),
    ...groupLines(
      "Cannot be compared",
      [...Map.groupBy(refused, ({ reason }) => firstLine(reason))].map(([reason, group]) => [
        reason,
        group.map(({ host }) => host),
      ]),
      style,
      full,
    ),
    ...groupLines(
      "Silent",
      silent.length === 0 ? [] : [["nothing newer is known of them", silent]],
      style,
      full,
    ),
  ];
  return paragraphs([[head], ...blocks, rest]);
}

const titles = { verdict: "Verdicts", spec: "Specs", state: "States" } as const;

function changeLines(
  { what, kind, before, after, because, hosts }: SameChange,
  style: Style,
  full: boolean,
): string[] {
  const word = (value: string) => (what === "verdict" ? (answers.get(value) ?? value) : value);
  const paint = what === "verdict" ? (after === "works" ? style.good : style.bad) : style.strong;
  const cause = because === "" ? "" : ` (${because})`;
  return [
    `${hostCount(hosts)}  ${kind}: ${word(before)} -> ${paint(word(after))}${cause}`,
    `${indent}${style.faint(someOf(hosts, full ? hosts.length : 6))}`,
  ];
}

const answers = new Map<string, string>(Object.entries(answerWords));
