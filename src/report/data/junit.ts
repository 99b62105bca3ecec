import type { HostState } from "../../host/state/state.ts";
import type { Deviation } from "../../requirements/requirement.ts";
import type { Spec } from "../../spec/schema.ts";
import type { Sighting } from "../../symptoms/sightings.ts";
import { type Check, type CheckList, checkLists } from "../../verdict/checks.ts";
import type { Verdict } from "../../verdict/verdict.ts";
import { condense, subjectText } from "../terminal/condense.ts";
import { markup } from "../terminal/escape.ts";
import { oncePerSymptom, remedyText } from "../text/verdict-text.ts";

/**
 * A verdict as CI systems read it: a test suite for the host and one for each NIC, a test case for each
 * requirement. What is wrong is a failure, what could not be observed an error, what was not asked or not
 * judged is skipped; a warning passes, and stands in the output of its case. Source:
 * https://github.com/testmoapp/junitxml.
 */
export function junitXml(spec: Spec, state: HostState, verdicts: readonly Verdict[]): string {
  const lists = checkLists(spec, state, verdicts);
  const suites = lists.flatMap((list, id) => suite(list, id, spec, state));
  const counts = countsOf(lists.flatMap(({ checks }) => checks));
  const lines = [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites${attributes({ name: "vflag verify", ...counts, time: "0" })}>`,
    ...suites,
    "</testsuites>",
  ];
  return `${lines.join("\n")}\n`;
}

function suite({ subject, verdict, checks }: CheckList, id: number, spec: Spec, state: HostState): string[] {
  const timestamp = state.observedAt.slice(0, 19);
  const { tests, failures, errors, skipped } = countsOf(checks);
  const counts = { tests, failures, errors, skipped };
  const head = {
    name: `vflag.${subject}`,
    id: String(id),
    ...counts,
    time: "0",
    timestamp,
    hostname: state.hostname,
  };
  const mode = spec.nics.find(({ name }) => name === subject)?.mode;
  const facts = {
    kernel: state.kernel,
    ...(mode === undefined ? {} : { mode }),
    ...(verdict === null ? {} : { verdict: verdict.answer }),
  };
  return [
    `  <testsuite${attributes(head)}>`,
    "    <properties>",
    ...Object.entries(facts).map(([name, value]) => `      <property${attributes({ name, value })}/>`),
    "    </properties>",
    ...checks.flatMap((check) => testCase(check, subject, verdict?.sightings ?? [])),
    "  </testsuite>",
  ];
}

function testCase(check: Check, subject: string, sightings: readonly Sighting[]): string[] {
  const { requirement } = check;
  const name = `${requirement.id}: ${requirement.title}`;
  const classname = `vflag.${subject}.${requirement.stage}`;
  const head = `    <testcase${attributes({ name, classname, time: "0" })}`;
  const seen = oncePerSymptom(sightings.filter(({ explains }) => explains.includes(requirement.id)));
  const inner = result(
    check,
    seen.map(({ newest, text }) => `seen: ${text}${newest.means === null ? "" : `: ${newest.means}`}`),
  );
  return inner === null ? [`${head}/>`] : [`${head}>`, `      ${inner}`, "    </testcase>"];
}

/** @param seen lines of logs that explain it */
function result(check: Check, seen: readonly string[]): string | null {
  const about = attributes({ message: message(check), type: check.requirement.id });
  switch (check.outcome) {
    case "holds":
      return null;
    case "not-asked":
    case "not-judged":
      return `<skipped${attributes({ message: check.reason ?? "" })}/>`;
    case "error":
      return `<failure${about}>${markup(details(check, seen))}</failure>`;
    case "unknown":
      return `<error${about}>${markup(details(check, seen))}</error>`;
    case "warning":
      return `<system-out>${markup(`warning: ${message(check)}\n${details(check, seen)}`)}</system-out>`;
  }
}

/** One line: what is wrong with what, and what it follows from. */
function message({ deviations, outcome, causedBy }: Check): string {
  const [first, ...others] = condense(deviations.filter(({ severity }) => severity === outcome));
  if (first === undefined) return "";
  const more = others.length === 0 ? "" : ` (and ${others.length} more)`;
  const cause = causedBy.length === 0 ? "" : `; follows from ${causedBy.join(", ")}`;
  return `${subjectText(first)}: ${first.first.actual}, wanted ${first.first.expected}${more}${cause}`;
}

/** In full: every subject, why it matters, what to do. */
function details({ requirement, deviations, causedBy }: Check, seen: readonly string[]): string {
  const lines = condense(deviations).flatMap(({ first, all }) => [
    ...all.map(
      ({ subject }) => `${subject}: ${first.actual}, wanted ${first.expected}${severityNote(first)}`,
    ),
    `do: ${remedyText(first.remedy, false)}`,
  ]);
  const cause = causedBy.length === 0 ? [] : [`follows from: ${causedBy.join(", ")}`];
  return [
    ...lines,
    ...seen,
    `why: ${requirement.why}`,
    ...cause,
    `more: vflag explain ${requirement.id}`,
  ].join("\n");
}

function severityNote({ severity }: Deviation): string {
  return severity === "error" ? "" : ` (${severity})`;
}

function countsOf(checks: readonly Check[]): Record<"tests" | "failures" | "errors" | "skipped", string> {
  const count = (...outcomes: Check["outcome"][]) =>
    String(checks.filter(({ outcome }) => outcomes.includes(outcome)).length);
  return {
    tests: String(checks.length),
    failures: count("error"),
    errors: count("unknown"),
    skipped: count("not-asked", "not-judged"),
  };
}

/**
 * Names are this file's own; values can be anything. A line break in a value would be read as a blank, were
 * it not a reference.
 */
function attributes(values: Readonly<Record<string, string>>): string {
  return Object.entries(values)
    .map(
      ([name, value]) =>
        ` ${name}="${markup(value).replace(/[\n\t]/g, (character) => `&#${character.charCodeAt(0)};`)}"`,
    )
    .join("");
}
