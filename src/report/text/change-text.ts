import type { Notice } from "../../host/events.ts";
import { inPlainText } from "../../host/plain-text.ts";
import { hostName } from "../../requirements/evaluate.ts";
import { symptoms } from "../../symptoms/catalogue.ts";
import type { Symptom } from "../../symptoms/symptom.ts";
import { riskText, type Verdict } from "../../verdict/verdict.ts";
import type { Change } from "../../watch/changes.ts";
import type { Entry } from "../../watch/watch.ts";
import { jsonText } from "../terminal/escape.ts";
import type { Style } from "../terminal/style.ts";

/** One line: when, which NIC, what, from what to what, and what it means. */
export function entryLine(seen: Entry, style: Style): string {
  const entry = inPlainText(seen);
  const time = clock(entry.at, style);
  if (entry.kind === "notice") {
    const { kind, text } = entry.notice;
    const told = kind === "log" ? `kernel: ${text}` : text;
    const symptom = symptomOf(entry.notice);
    const means = symptom === undefined ? "" : `  ${style.faint(`(${symptom.cause}; ${symptom.remedy})`)}`;
    return `${time}  ${style.strong(hostName)}  ${kind === "lost" ? style.doubtful(told) : told}${means}`;
  }
  const { nic, effect, before, after, meaning, consequences = [] } = entry.change;
  const folded = consequences.length === 0 ? "" : `, and with it ${consequences.join(", ")}`;
  const paint = { worse: style.bad, better: style.good, neutral: same }[effect];
  const means = meaning === "" ? "" : `  ${style.faint(`(${meaning})`)}`;
  return `${time}  ${style.strong(nic)}  ${what(entry.change)}: ${before} → ${paint(after)}${folded}${means}`;
}

/** What a NIC is when the watch begins. */
export function startLine(at: Date, verdict: Verdict, style: Style): string {
  const { nic, answer, reason, risk } = inPlainText({
    nic: verdict.nic,
    answer: verdict.answer,
    reason: verdict.reason,
    risk: verdict.risk === null ? "" : `, ${riskText(verdict.risk)}`,
  });
  const text = {
    works: style.good("works"),
    broken: style.bad("does not work"),
    unknown: style.doubtful("cannot be told to work"),
  }[answer];
  const because = reason === null ? "" : `: ${reason.subject}: ${reason.actual}`;
  return `${clock(at, style)}  ${style.strong(nic)}  ${text}${because}${style.doubtful(risk)}`;
}

/** The same of all NICs as data: the first line. */
export function startJson(at: Date, verdicts: readonly Verdict[]): string {
  const nics = verdicts.map(({ nic, answer, reason, risk }) => ({
    nic,
    answer,
    reason: reason?.requirement ?? null,
    risk: risk === null ? null : { when: risk.when, requirement: risk.deviation.requirement },
  }));
  return jsonText({ schema: "vflag/watch/1", time: at.toISOString(), nics });
}

/** The same as data, for programs: one object a line. */
export function entryJson(entry: Entry): string {
  const time = entry.at.toISOString();
  if (entry.kind === "notice") {
    const symptom = symptomOf(entry.notice)?.id ?? null;
    return jsonText({ schema: "vflag/notice/1", time, ...entry.notice, symptom });
  }
  return jsonText({ schema: "vflag/change/1", time, ...entry.change });
}

/** What a line of the kernel log is a sign of. */
function symptomOf({ kind, text }: Notice): Symptom | undefined {
  if (kind !== "log") return undefined;
  return symptoms.find(
    ({ shows, patterns }) => shows !== "ovs-log" && patterns.some((pattern) => pattern.test(text)),
  );
}

const words: Partial<Record<Change["kind"], string>> = {
  port: "port ",
  driver: "driver of ",
  netdev: "netdev of ",
  link: "link of ",
  eswitch: "eSwitch mode of ",
  "vf-count": "VFs of ",
  requirement: "check ",
  symptom: "symptom ",
  "vf-driver": "driver of ",
  "vf-holder": "use of ",
  bond: "bond ",
  "bond-mode": "mode of ",
  "bond-link": "bond ",
  lacp: "LACP of ",
  "slave-link": "slave ",
  "lag-mapping": "port mapping of the ",
  "ovs-port": "bridge of ",
  "ingress-block": "ingress block of ",
  flows: "flows in by ",
};

function what({ kind, subjects }: Change): string {
  const [first = "", second] = subjects;
  const several =
    second === undefined
      ? first
      : subjects.length === 2
        ? `${first} and ${second}`
        : `${first}, ${second} and ${subjects.length - 2} more`;
  return `${words[kind] ?? ""}${several}`;
}

/** UTC, as in logs of other hosts. */
function clock(at: Date, style: Style): string {
  return style.faint(`${at.toISOString().slice(0, 23).replace("T", " ")}Z`);
}

function same(text: string): string {
  return text;
}
