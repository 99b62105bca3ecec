import { type FleetDiff, newHosts, type SameChange, sameChanges } from "../../fleet/answers/diff.ts";
import type { HostPlan } from "../../fleet/answers/host-plan.ts";
import { decisive } from "../../fleet/answers/outcome.ts";
import type { FleetPlan } from "../../fleet/answers/plan.ts";
import type { CauseGroup, FleetStatus, HostStatus } from "../../fleet/answers/status.ts";
import type { CollectResult } from "../../fleet/collect/ansible.ts";
import type { FailureKind } from "../../fleet/history/history.ts";
import type { ImportResult } from "../../fleet/history/import.ts";
import { inPlainText } from "../../host/plain-text.ts";
import { ageText, answerWords, clockText, failureWords, someOf } from "../fleet-words.ts";
import { count, duration, type Style, table } from "../terminal/style.ts";

/** `vflag fleet` for the eye. @param full every host is named, and not only the first few */

export interface FleetTextOptions {
  readonly full: boolean;
}

const indent = "             ";

/** Verdicts by root cause, then what is not known. */
export function fleetStatusText(known: FleetStatus, style: Style, { full }: FleetTextOptions): string {
  const status = inPlainText(known);
  const { hosts, nics } = status;
  const total = nics.works + nics.broken + nics.unknown;
  const risks = hosts.flatMap((host) => host.nics).filter(({ risk }) => risk !== null).length;
  const atRisk = risks === 0 ? "" : style.doubtful(` (${risks} at risk)`);
  const head = [
    style.strong(count(hosts.length, "host")),
    `${count(total, "NIC")}: ${style.good(`${nics.works} work`)}${atRisk}, ${(nics.broken > 0 ? style.bad : same)(`${nics.broken} do not`)}, ${(nics.unknown > 0 ? style.doubtful : same)(`of ${nics.unknown} it cannot be told`)}`,
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
  return `${[[head, ageLine(hosts, style)], ...blocks]
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join("\n"))
    .join("\n\n")}\n`;
}

/** By kind; of answers that were refused also by the reason, for there is no other trace of what was said. */
function failureGroups(
  failures: readonly { readonly host: string; readonly kind: FailureKind; readonly message: string }[],
) {
  const words = ({ kind, message }: { readonly kind: FailureKind; readonly message: string }) =>
    kind === "invalid" ? `${failureWords[kind]}: ${firstLine(message)}` : failureWords[kind];
  const groups = [...Map.groupBy(failures, words)].map(
    ([reason, group]) => [reason, group.map(({ host }) => host)] as const,
  );
  const sorted = groups.sort(([, a], [, b]) => b.length - a.length);
  const rest = sorted.slice(mostReasons).flatMap(([, group]) => group);
  return rest.length === 0
    ? sorted
    : [...sorted.slice(0, mostReasons), ["for other reasons, which --hosts shows", rest] as const];
}

/** So many reasons are shown. */
const mostReasons = 20;

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

function groupLines(
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

function hostCount(hosts: readonly string[]): string {
  return count(hosts.length, "host").padStart(11);
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

function firstLine(message: string): string {
  const [first = "", second = ""] = message.split("\n");
  const words = first.endsWith(":") ? `${first} ${second.replace("✖ ", "")}` : first;
  return words.length > 100 ? `${words.slice(0, 99)}…` : words;
}

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
  return `${[[head], ...blocks, rest]
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join("\n"))
    .join("\n\n")}\n`;
}

const titles = { verdict: "Verdicts", spec: "Specs", state: "States" } as const;

function changeLines(
  { what, kind, before, after, because, hosts }: SameChange,
  style: Style,
  full: boolean,
): string[] {
  const word = (value: string) => (what === "verdict" ? (answers.get(value) ?? value) : value);
  const paint = what === "verdict" ? (after === "works" ? style.good : style.bad) : style.strong;
  return [
    `${hostCount(hosts)}  ${kind}: ${word(before)} -> ${paint(word(after))}${because === "" ? "" : ` (${because})`}`,
    `${indent}${style.faint(someOf(hosts, full ? hosts.length : 6))}`,
  ];
}

const answers = new Map<string, string>(Object.entries(answerWords));

/** What `apply` would do, by hosts of which the same is true. */
export function fleetPlanText(rehearsed: FleetPlan, style: Style, { full }: FleetTextOptions): string {
  const plan = inPlainText(rehearsed);
  const { hosts, nothing, unknown, reboot, seconds } = plan;
  const able = hosts.filter(({ problem }) => problem === null);
  const head =
    `${style.strong(`${count(able.length, "host")} to change`)}, ${nothing} as they should be, ` +
    `${count(reboot.length, "reboot")}`;
  const time =
    able.length === 0
      ? []
      : [
          style.faint(
            `Estimate, without the reboots themselves: ${duration(seconds.oneByOne)} one after the other, ` +
              `${duration(seconds.atOnce)} all at once.`,
          ),
        ];
  const groups = [...Map.groupBy(able, planKey).values()].sort((a, b) => b.length - a.length);
  const blocks = groups.map((group) => planLines(group, style, full));
  const problems = Map.groupBy(
    hosts.filter(({ problem }) => problem !== null),
    ({ problem }) => problem?.split("\n")[0] ?? "",
  );
  const rest = [
    ...groupLines(
      "Cannot be rehearsed",
      [...problems].map(([problem, group]) => [problem, group.map(({ host }) => host)]),
      style,
      full,
    ),
    ...groupLines(
      "Never observed",
      unknown.length === 0 ? [] : [["`vflag fleet collect` asks them", unknown]],
      style,
      full,
    ),
  ];
  return `${[[head, ...time], ...blocks, rest]
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join("\n"))
    .join("\n\n")}\n`;
}

/** Hosts with the same steps, whatever their devices are called. */
function planKey({ phases, left }: HostPlan): string {
  return JSON.stringify([
    phases.map(({ after, steps }) => [after, steps.map(({ nic, requirement }) => [nic, requirement])]),
    left,
  ]);
}

function planLines(group: readonly HostPlan[], style: Style, full: boolean): string[] {
  const [first] = group;
  if (first === undefined) return [];
  const hosts = group.map(({ host }) => host);
  const longest = Math.max(...group.map((each) => each.seconds));
  const phases = first.phases.flatMap(({ after, steps }) => {
    const told = [...new Set(steps.map(({ requirement }) => requirement))].join(", ") || "nothing";
    return after === "now" && steps.length === 0 ? [] : [`${indent}${phaseWords[after]}: ${told}`];
  });
  return [
    `${hostCount(hosts)}  ${duration(longest)} each at most${first.reboot ? `, ${style.doubtful("reboot")}: ${first.because.join("; ")}` : ""}`,
    `${indent}${style.faint(someOf(hosts, full ? hosts.length : 6))}`,
    ...phases,
    ...first.left.map((words) => `${indent}${style.bad("left to a person")}: ${words}`),
  ];
}

const phaseWords = { now: "now", networking: "after networking", reboot: "after the reboot" } as const;

export function importText(result: ImportResult, style: Style): string {
  const { stored, known, failed } = inPlainText(result);
  const lines = failed.map(({ file, message }) => `${style.bad("✗")} ${file}: ${message}`);
  const there = known === 0 ? "" : `, ${known} there already`;
  return `${[...lines, `${count(stored, "state")} stored${there}, ${failed.length} not understood.`].join("\n")}\n`;
}

export function collectText(result: CollectResult, style: Style): string {
  const { hosts, stored, known, failures, recovered, said } = inPlainText(result);
  return `${[
    ...(recovered === 0
      ? []
      : [style.faint(`${recovered} answers were taken from a run that had been killed.`)]),
    `${count(hosts, "host")} asked: ${stored + known} answered, ${failures.length} did not.`,
    ...groupLines("Not answering", failureGroups(failures), style, false),
    ...(said === null ? [] : [style.bad("ansible said:"), said]),
  ].join("\n")}\n`;
}

function same(text: string): string {
  return text;
}
