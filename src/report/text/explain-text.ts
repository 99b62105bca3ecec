import type { About } from "../../requirements/requirement.ts";
import type { Symptom } from "../../symptoms/symptom.ts";
import { type Style, table } from "../terminal/style.ts";

/**
 * One requirement's page: what, why, how to see it, how to put it right by hand, and where that is written.
 */
export function explainText(requirement: About, style: Style): string {
  const list = (title: string, lines: readonly string[]) => [
    "",
    style.strong(title),
    ...lines.map((line) => `  ${line}`),
  ];
  const gate = requirement.gate
    ? "Nothing that follows is done before this holds."
    : "What follows is done even if this does not hold.";
  return `${[
    `${style.strong(requirement.id)}  (stage ${requirement.stage})`,
    requirement.title,
    ...list("Why", [requirement.why, gate, ...consequenceOf(requirement)]),
    ...list("See it by hand", requirement.observe),
    ...list("Put it right by hand", requirement.byHand),
    ...list("References", requirement.references),
  ].join("\n")}\n`;
}

function consequenceOf({ follows }: About): string[] {
  return follows.length === 0
    ? []
    : [`Told as a consequence where one of these is not fulfilled: ${follows.join(", ")}.`];
}

/** All requirements in their order. */
export function explainList(requirements: readonly About[]): string {
  return `${table(requirements.map(({ id, stage, title }) => [id, stage, title])).join("\n")}\n`;
}

/** One symptom's page: how it looks, what it means, what to do. */
export function symptomText(symptom: Symptom, style: Style): string {
  const list = (title: string, lines: readonly string[]) => [
    "",
    style.strong(title),
    ...lines.map((line) => `  ${line}`),
  ];
  return `${[
    `${style.strong(symptom.id)}  (symptom, ${shownIn[symptom.shows]})`,
    symptom.title,
    ...list("How it looks", [symptom.looks]),
    ...list("What it means", [symptom.cause]),
    ...list("What to do", [symptom.remedy]),
    ...list("Checks that it explains", [symptom.explains.join(", ")]),
    ...list("References", symptom.references),
  ].join("\n")}\n`;
}

/** All symptoms. */
export function symptomList(symptoms: readonly Symptom[]): string {
  return `${table(symptoms.map(({ id, shows, title }) => [id, shownIn[shows], title])).join("\n")}\n`;
}

const shownIn: Readonly<Record<Symptom["shows"], string>> = {
  "kernel-log": "kernel log",
  "ovs-log": "Open vSwitch's log",
  answer: "a command's answer",
  state: "the host's state",
};

/** The same page for the documentation. */
export function explainMarkdown(requirement: About): string {
  const list = (lines: readonly string[], code: boolean) =>
    lines.map((line) => (code ? `- \`${line}\`` : `- ${line}`)).join("\n");
  const gate = requirement.gate ? ", a gate: nothing that follows is done before it holds" : "";
  return [
    `# ${requirement.id}`,
    `**${capital(requirement.title)}.** Stage \`${requirement.stage}\`${gate}.`,
    `*Why.* ${[requirement.why, ...consequenceOf(requirement)].join(" ")}`,
    `*See it by hand:*\n\n${list(requirement.observe, true)}`,
    `*Put it right by hand:*\n\n${list(requirement.byHand, false)}`,
    `*References:*\n\n${list(requirement.references, false)}`,
  ].join("\n\n");
}

/** A symptom's page for the documentation. */
export function symptomMarkdown(symptom: Symptom): string {
  return [
    `# ${symptom.id}`,
    `**${capital(symptom.title)}.** A symptom, in ` +
      `${shownIn[symptom.shows].replace(/^(?=kernel log)/, "the ")}.`,
    `*How it looks:*\n\n    ${symptom.looks}`,
    `*What it means.* ${capital(symptom.cause)}.`,
    `*What to do.* ${capital(symptom.remedy)}.`,
    `*Checks that it explains:* ${symptom.explains.map((id) => `[${id}](${id}.md)`).join(", ")}`,
    `*References:*\n\n${symptom.references.map((line) => `- ${line}`).join("\n")}`,
  ].join("\n\n");
}

function capital(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`;
}
