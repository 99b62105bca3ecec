import { decisive } from "../../../fleet/answers/outcome.ts";
import type { CauseGroup, FleetStatus, HostStatus } from "../../../fleet/answers/status.ts";
import { inPlainText } from "../../../host/plain-text.ts";
import { ageText, answerWords, clockText, failureWords, someOf } from "../../fleet-words.ts";
import { count, type Style, table } from "../../terminal/style.ts";
import { failureGroups } from "./failure-groups.ts";
import {
  type FleetTextOptions,
  firstLine,
  groupLines,
  hostCount,
  indent,
  paragraphs,
} from "./host-groups.ts";

/** Verdicts by root cause, then what is not known. */
export function fleetStatusText(known: FleetStatus, style: Style, { full }: FleetTextOptions): string {
  const status = inPlainText(known);
  const { hosts, nics } = status;
  const total = nics.works + nics.broken + nics.unknown;
  const risks = hosts.flatMap((host) => host.nics).filter(({ risk }) => risk !== null).length;
  const atRisk = risks === 0 ? "" : style.doubtful(` (${risks} at risk)`);
  const [broken, unknown] = [`${nics.broken} do not`, `of ${nics.unknown} it cannot be told`];
  const head = [
    style.strong(count(hosts.length, "host")),
    `${count(total, "NIC")}: ${style.good(`${nics.works} work`)}${atRisk}`,
    nics.broken > 0 ? style.bad(broken) : broken,
    nics.unknown > 0 ? style.doubtful(unknown) : unknown,
  ].join(", ");
  const blocks = [
    causeLines("Wrong", status.causes, "error", style, full),
    causeLines("Not known", status.causes, "unknown", style, full),
    groupLines(
      "No verdict",
      status.problems.map(({ problem, hosts: group }) => [problem, group]),
      style,
      full,
    ),
    groupLines(
      "Not answering",
      failureGroups(hosts.flatMap(({ host, failure }) => (failure === null ? [] : { host, ...failure }))),
      style,
      full,
    ),
    groupLines("Clocks", clockGroups(status), style, full),
    groupLines("Stale", status.stale.length === 0 ? [] : [[staleText(status), status.stale]], style, full),
    groupLines(
      "Reboot needed",
      status.reboot.length === 0 ? [] : [["what is off goes away only with a reboot", status.reboot]],
      style,
      full,
    ),
    causeLines("Warnings", status.causes, "warning", style, full),
    full ? hostTable(hosts, style) : [],
  ];
  return paragraphs([[head, ageLine(hosts, style)], ...blocks]);
}

function clockGroups({ clocks }: FleetStatus) {
  const groups = [
    ["ahead of this machine's", clocks.filter(({ seconds }) => seconds > 0)],
    ["behind this machine's", clocks.filter(({ seconds }) => seconds < 0)],
  ] as const;
  return groups.flatMap(([words, group]) => {
    if (group.length === 0) return [];
    const most = ageText(Math.max(...group.map(({ seconds }) => Math.abs(seconds))));
    return [
      [
        `up to ${most} ${words}: what they say is dated by when it came`,
        group.map(({ host }) => host),
      ] as const,
    ];
  });
}

function ageLine(hosts: readonly HostStatus[], style: Style): string {
  const ages = hosts.flatMap(({ age }) => age ?? []).sort((a, b) => a - b);
  const [youngest, oldest] = [ages.at(0), ages.at(-1)];
  if (youngest === undefined || oldest === undefined) return style.faint("No state is known.");
  const middle = ages[Math.floor(ages.length / 2)] ?? oldest;
  return style.faint(
    `States are ${ageText(youngest)} to ${ageText(oldest)} old, half of them less than ` +
      `${ageText(Math.max(1, middle))}.`,
  );
}

function staleText({ hosts }: FleetStatus): string {
  const oldest = Math.max(...hosts.filter(({ stale }) => stale).map(({ age }) => age ?? 0));
  return `what is said of them is up to ${ageText(oldest)} old`;
}

function causeLines(
  title: string,
  all: readonly CauseGroup[],
  severity: CauseGroup["severity"],
  style: Style,
  full: boolean,
): string[] {
  const causes = all.filter((cause) => cause.severity === severity);
  if (causes.length === 0) return [];
  const paint = { error: style.bad, unknown: style.doubtful, warning: style.doubtful }[severity];
  return [
    style.strong(title),
    ...causes.flatMap(({ requirement, actual, expected, hosts, remedy, text }) => [
      `${hostCount(hosts)}  ${requirement}: ${paint(actual)}, wanted ${expected}`,
      `${indent}${style.faint(someOf(hosts, full ? hosts.length : 6))}`,
      `${indent}${style.faint(`do: ${remedy === "actions" ? "vflag apply" : (text ?? "")}`)}`,
    ]),
  ];
}

/** Each host and NIC. */
function hostTable(hosts: readonly HostStatus[], style: Style): string[] {
  const rows = hosts.flatMap((host): string[][] => {
    const age = host.age === null ? "never" : ageText(host.age);
    const clock = host.clock === null ? [] : clockText(host.clock);
    const note = [
      host.stale ? "stale" : [],
      clock,
      host.failure === null ? [] : failureText(host.failure),
      host.reboot ? "reboot" : [],
    ].flat();
    if (host.nics.length === 0)
      return [
        [host.host, "-", answerWords.none, age, [host.problem?.split("\n")[0] ?? "", ...note].join("; ")],
      ];
    return host.nics.map((nic) => {
      const why = [...new Set(decisive(nic).map(({ requirement, actual }) => `${requirement}: ${actual}`))];
      return [
        host.host,
        nic.nic,
        answerWords[nic.answer],
        age,
        [nic.risk ?? [], ...why, ...note].flat().join("; "),
      ];
    });
  });
  const [head = "", ...lines] = table([["HOST", "NIC", "VERDICT", "AGE", "WHY"], ...rows]);
  return [style.faint(head), ...lines];
}

/** With the first words of what was said. */
function failureText({ kind, message }: NonNullable<HostStatus["failure"]>): string {
  return `${failureWords[kind]}: ${firstLine(message)}`;
}
