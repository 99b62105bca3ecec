import { commandsOf } from "../../host/actions/command.ts";
import { hostName } from "../../requirements/evaluate.ts";
import type { Deviation } from "../../requirements/requirement.ts";
import { requirementById } from "../../requirements/stages.ts";
import type { Sighting } from "../../symptoms/sightings.ts";
import type { Cause } from "../../verdict/causes.ts";
import type { Check, Outcome } from "../../verdict/checks.ts";
import type { Verdict } from "../../verdict/verdict.ts";
import { type Condensed, condense, subjectText } from "../terminal/condense.ts";
import { type Html, html } from "../terminal/escape.ts";
import { count } from "../terminal/style.ts";
import { heaviestFirst, oncePerSymptom, remedyText, seenWith } from "../text/verdict-text.ts";

/** What is wrong and why, and what came of every check, in HTML. */

const marks: Readonly<Record<Outcome, string>> = {
  holds: "✓",
  error: "✗",
  warning: "!",
  unknown: "?",
  "not-asked": "–",
  "not-judged": "–",
};

const outcomeWords: Readonly<Record<Outcome, string>> = {
  holds: "hold",
  error: "wrong",
  warning: "warning",
  unknown: "not known",
  "not-asked": "not asked",
  "not-judged": "not judged",
};

/**
 * Root causes of a NIC, the heaviest first, each with the lines of logs that show it and with what follows
 * from it.
 */
export function nicCauses({ causes, sightings }: Verdict): Html | null {
  const told = new Set<Sighting>();
  const items = heaviestFirst(causes).flatMap(({ cause, consequences }) => {
    const seen = seenWith(sightings, cause, consequences, told);
    if (cause.first.nic !== hostName) return [causeItem(cause, consequences, seen)];
    const own = consequences.filter(({ nic }) => nic !== hostName);
    if (own.length + seen.length === 0) return [];
    const link = html`<a href="#host"><code>${cause.first.requirement}</code></a>`;
    const from = html`<p>Because of ${link} of the host:</p>`;
    return [html`<li class="cause">${from}${seenList(seen)}${own.length === 0 ? null : following(own)}</li>`];
  });
  const strays = sightings.filter((sighting) => !told.has(sighting));
  if (strays.length > 0)
    items.push(html`<li class="cause warning"><p><b>In the logs</b></p>${seenList(strays)}</li>`);
  return items.length === 0 ? null : html`<ul class="causes">${items}</ul>`;
}

/** Root causes of the host; what follows from them for NICs is told with these. */
export function hostCauses(causes: readonly Cause[]): Html | null {
  const items = heaviestFirst(causes).map(({ cause, consequences }) =>
    causeItem(
      cause,
      consequences.filter(({ nic }) => nic === hostName),
      [],
    ),
  );
  return items.length === 0 ? null : html`<ul class="causes">${items}</ul>`;
}

/** Lines of logs, with what they mean. */
function seenList(sightings: readonly Sighting[]): Html | null {
  if (sightings.length === 0) return null;
  const items = oncePerSymptom(sightings).map(({ newest: { symptom, means, remedy }, text }) => {
    const meaning =
      symptom === null
        ? html`<p class="note">not known to vflag</p>`
        : html`<p>${means} <code>vflag explain ${symptom}</code></p>`;
    const does = remedy === null || /^vflag apply\b/.test(remedy) ? null : html`<p>To do: ${remedy}</p>`;
    return html`<li><code class="log">${text}</code>${meaning}${does}</li>`;
  });
  return html`<ul class="seen">${items}</ul>`;
}

function causeItem(cause: Condensed, consequences: readonly Deviation[], seen: readonly Sighting[]): Html {
  const { first, all } = cause;
  const { requirement, severity, actual, expected, why, remedy } = first;
  const commands =
    remedy.kind === "actions"
      ? all.flatMap((each) => (each.remedy.kind === "actions" ? each.remedy.actions : [])).flatMap(commandsOf)
      : [];
  const subjects =
    all.length < 3
      ? null
      : folded(
          count(all.length, "place"),
          html`<ul>${all.map(({ subject }) => html`<li>${subject}</li>`)}</ul>`,
        );
  return html`<li class="cause ${severity}">
<p class="what"><span class="mark" title="${outcomeWords[severity]}">${marks[severity]}</span>
<code>${requirement}</code> ${subjectText(cause)}: <b>${actual}</b>, wanted ${expected}</p>
<dl><div><dt>Why</dt><dd>${why}</dd></div>${
    seen.length === 0 ? null : html`<div><dt>Seen</dt><dd>${seenList(seen)}</dd></div>`
  }<div><dt>Do</dt><dd>${remedyText(remedy, false)}</dd></div></dl>
${consequences.length === 0 ? null : folded(consequencesTitle(consequences), following(consequences))}
${subjects}
${commands.length === 0 ? null : commandList(commands)}
${byHand(requirement)}
</li>`;
}

function commandList(commands: readonly string[]): Html {
  return folded(
    count(commands.length, "command of it", "commands of it"),
    html`<pre tabindex="0">${[...new Set(commands)].join("\n")}</pre>`,
  );
}

function consequencesTitle(consequences: readonly Deviation[]): string {
  const ids = new Set(consequences.map(({ requirement }) => requirement));
  return `${count(consequences.length, "consequence")}: ${[...ids].join(", ")}`;
}

function following(consequences: readonly Deviation[]): Html {
  const items = condense(consequences).map((same) => {
    const { requirement, severity, actual, expected } = same.first;
    return html`<li><span class="mark ${severity}">${marks[severity]}</span>
<code>${requirement}</code> ${subjectText(same)}: ${actual}, wanted ${expected}</li>`;
  });
  return html`<ul class="consequences">${items}</ul>`;
}

function byHand(id: string): Html | null {
  const about = requirementById(id);
  if (about === undefined) return null;
  const list = (title: string, lines: readonly string[]) =>
    html`<h4>${title}</h4><ul class="lines">${lines.map((line) => html`<li>${line}</li>`)}</ul>`;
  return folded(
    "See it and put it right by hand",
    html`${list("See it", about.observe)}
${list("Put it right", about.byHand)}
${list("Where it is written", about.references)}`,
  );
}

/** Every check, folded: how many of which outcome, then one by one. */
export function checkTable(checks: readonly Check[]): Html {
  const outcomes: readonly Outcome[] = ["error", "unknown", "warning", "holds", "not-judged", "not-asked"];
  const counts = outcomes.flatMap((outcome) => {
    const number = checks.filter((check) => check.outcome === outcome).length;
    return number === 0
      ? []
      : [outcome === "warning" ? count(number, "warning") : `${number} ${outcomeWords[outcome]}`];
  });
  const rows = checks.map(({ requirement, outcome, reason }) => {
    const note = reason === null ? null : html` <span class="note">(${reason})</span>`;
    return html`<li><span class="mark ${outcome}" title="${outcomeWords[outcome]}">${marks[outcome]}</span>
<span><code>${requirement.id}</code> ${requirement.title}${note}</span></li>`;
  });
  return folded(
    `${count(checks.length, "check")}: ${counts.join(", ")}`,
    html`<ul class="checks">${rows}</ul>`,
  );
}

export function folded(title: string, content: Html): Html {
  return html`<details><summary>${title}</summary>${content}</details>`;
}
