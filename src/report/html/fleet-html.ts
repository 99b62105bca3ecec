import type { PackedMaps } from "../../fleet/answers/maps.ts";
import { decisive } from "../../fleet/answers/outcome.ts";
import type { CauseGroup, FleetStatus, HostStatus } from "../../fleet/answers/status.ts";
import { general } from "../../fleet/answers/status.ts";
import { ageText, answerWords, clockText, failureWords, someOf } from "../fleet-words.ts";
import { Html, html } from "../terminal/escape.ts";
import { count } from "../terminal/style.ts";
import { fleetPage, fleetPageHash } from "./fleet-page.bundle.ts";
import type { PageData, PageHost, PageNic } from "./fleet-page-data.ts";
import { reportStyle } from "./html-style.ts";

/**
 * The whole fleet in one file: verdicts by root cause, a list that can be filtered, and the map of every
 * host. It loads nothing; the one script that may run is vflag's own, by its hash, and everything that came
 * from a host is data to it.
 */
export function fleetHtml(status: FleetStatus, maps: PackedMaps, version: string): string {
  const data = pageData(status, maps);
  const policy = [
    "default-src 'none'",
    `script-src '${fleetPageHash}'`,
    "style-src 'unsafe-inline'",
    "img-src data:",
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
  const { hosts, nics } = status;
  const answers = Object.entries(answerWords).map(
    ([value, words]) => html`<option value="${value}">${words}</option>`,
  );
  const columns = ["Host", "Verdict", "Age", "Why"].map((column) => html`<th scope="col">${column}</th>`);
  const head = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${Html.verbatim(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="vflag ${version}">
<link rel="icon" href="data:,">
<title>${headline(status)}</title>
<style>${Html.verbatim(reportStyle)}${Html.verbatim(fleetStyle)}</style>
</head>
<body>
<header>
<h1>${headline(status)}</h1>
<p class="when">${count(hosts.length, "host")}, ${count(nics.works + nics.broken + nics.unknown, "NIC")} ·
<time datetime="${status.at}">${status.at.slice(0, 16).replace("T", " ")} UTC</time></p>
</header>
<main>
${groupsSection(status)}
<section class="card" id="fold" hidden>
<h2>Hosts</h2>
<div class="filters">
<label>Search <input id="search" type="search" placeholder="name, cause, words" autocomplete="off"></label>
<label>Verdict <select id="answer"><option value="">all</option>${answers}</select></label>
<output id="counted"></output>
</div>
<table class="hosts"><thead><tr>${columns}</tr></thead><tbody id="rows"></tbody></table>
<button id="more" class="plain">Show more</button>
</section>
<noscript><p class="card">The list of hosts and their maps need JavaScript, which this browser does not run:
<code>vflag fleet status --hosts</code> prints the list.</p></noscript>
</main>
<dialog id="detail" aria-labelledby="detail-name">
<h2><span id="detail-name"></span><button id="close" class="plain">Close</button></h2>
<div id="detail-body"></div>
</dialog>
<footer>
<p>Made by <code>vflag fleet report</code>, version ${version}.
On a host, <code>vflag verify</code> tells more,
and <code>vflag explain CHECK</code> what a check is about.</p>
</footer>
`;
  const packs = maps.blocks.map(
    (block, number) => `<script type="application/octet-stream" id="maps-${number}">${block}</script>\n`,
  );
  // In a script element only "<" can begin anything.
  const json = JSON.stringify(data).replaceAll("<", "\\u003c");
  return [
    head.text,
    `<script type="application/json" id="fleet">${json}</script>\n`,
    ...packs,
    `<script>${fleetPage}</script>\n</body>\n</html>\n`,
  ].join("");
}

function headline({ hosts }: FleetStatus): string {
  const works = hosts.filter(({ answer }) => answer === "works").length;
  if (works === hosts.length) return `All ${count(hosts.length, "host")} work`;
  return `${works} of ${count(hosts.length, "host")} work`;
}

function pageData({ hosts, causes }: FleetStatus, { places, refused }: PackedMaps): PageData {
  const numbers = new Map(causes.map((group, number) => [keyOf(group), number]));
  const outcomes = new Map<string, number>();
  const kept: PageNic[][] = [];
  const numberOf = (nics: PageNic[]): number => {
    const key = JSON.stringify(nics);
    const known = outcomes.get(key);
    if (known !== undefined) return known;
    outcomes.set(key, kept.length);
    return kept.push(nics) - 1;
  };
  return {
    hosts: hosts.map(
      (host): PageHost => ({
        name: host.host,
        answer: host.answer,
        outcome: numberOf(pageNics(host, numbers)),
        age: host.age === null ? "never" : ageText(host.age),
        notes: notesOf(host, refused.get(host.host)),
        map: places.get(host.host) ?? null,
      }),
    ),
    outcomes: kept,
    words: answerWords,
  };
}

function pageNics({ nics }: HostStatus, numbers: ReadonlyMap<string, number>): PageNic[] {
  return nics.map((nic) => {
    const deciding = new Set(decisive(nic));
    return {
      nic: nic.nic,
      mode: nic.mode,
      answer: nic.answer,
      causes: nic.causes.map((cause) => {
        const severity = deciding.has(cause) ? cause.severity : "warning";
        const group = numbers.get(keyOf({ ...cause, severity, actual: general(cause.actual) })) ?? -1;
        const more = cause.consequences === 0 ? "" : `; ${count(cause.consequences, "consequence")}`;
        return {
          requirement: cause.requirement,
          severity,
          group,
          text: `${cause.subject}: ${cause.actual}, wanted ${cause.expected}${more}`,
          do: cause.remedy === "actions" ? "vflag apply" : (cause.text ?? ""),
        };
      }),
    };
  });
}

function keyOf({
  requirement,
  severity,
  actual,
  remedy,
}: Pick<CauseGroup, "requirement" | "severity" | "actual" | "remedy">): string {
  return JSON.stringify([requirement, severity, actual, remedy]);
}

/** @param unmapped why there is no map of it, although its state is known */
function notesOf(
  { problem, stale, reboot, failure, clock }: HostStatus,
  unmapped: string | undefined,
): string[] {
  return [
    problem?.split("\n")[0] ?? [],
    stale ? "stale" : [],
    reboot ? "reboot needed" : [],
    clock === null ? [] : clockText(clock),
    unmapped === undefined ? [] : `no map: ${unmapped.split("\n")[0]}`,
    failure === null ? [] : `${failureWords[failure.kind]}: ${failure.message.split("\n")[0]}`,
  ].flat();
}

/** By root cause, those of most hosts first: each is a button that filters the list. */
function groupsSection({ causes, problems, failures, stale }: FleetStatus): Html {
  const groups = causes.map((group, number) => {
    const { requirement, severity, actual, expected, hosts, remedy, text } = group;
    return html`<li class="cause ${severity}"><button data-cause="${number}" aria-pressed="false">
<b>${count(hosts.length, "host")}</b> <code>${requirement}</code> ${actual}, wanted ${expected}</button>
<p class="note">${someOf(hosts)} · do: ${remedy === "actions" ? "vflag apply" : text}</p></li>`;
  });
  const told = [
    ...problems.map(({ problem, hosts }) => [problem.split("\n")[0] ?? "", hosts] as const),
    ...failures.map(({ kind, hosts }) => [failureWords[kind], hosts] as const),
    ...(stale.length === 0 ? [] : [["stale: what is said of them may no longer be true", stale] as const]),
  ].map(
    ([words, hosts]) =>
      html`<li class="cause unknown"><p class="what"><b>${count(hosts.length, "host")}</b> ${words}</p>
<p class="note">${someOf(hosts)}</p></li>`,
  );
  if (groups.length + told.length === 0)
    return html`<section class="card"><p>Every requirement holds on every host.</p></section>`;
  return html`<section class="card"><h2>By root cause</h2><ul class="causes">${groups}${told}</ul></section>`;
}

const fleetStyle = `
button, input, select {
  font: inherit; color: inherit; background: var(--card); max-width: 100%;
  border: 1px solid var(--line); border-radius: .4rem; padding: .3rem .6rem;
}
button { cursor: pointer; text-align: left; overflow-wrap: anywhere; }
.cause > button { border: 0; background: none; padding: 0; }
.cause > button:hover, .host-name:hover { text-decoration: underline; }
.cause:has([aria-pressed=true]) { outline: 2px solid var(--link); }
.host-name { border: 0; background: none; padding: 0; color: var(--link); }
.filters { display: flex; flex-wrap: wrap; gap: .6rem 1.2rem; align-items: center; }
.filters label { display: flex; gap: .5rem; align-items: center; color: var(--faint); max-width: 100%; }
.filters input, .filters select { color: var(--text); min-width: 0; }
.chip { white-space: nowrap; }
.hosts th:first-child { min-width: 10rem; }
.hosts th:nth-child(3), .hosts td:nth-child(3) { white-space: nowrap; }
.chip.none { color: var(--doubt); background: var(--doubt-back); }
dialog {
  width: min(96vw, 80rem); max-height: 94vh; overflow: auto; color: var(--text); background: var(--card);
  border: 1px solid var(--line); border-radius: .75rem; padding: 1.1rem 1.25rem;
}
dialog > h2 { justify-content: space-between; }
dialog h3 { margin: .8rem 0 .3rem; }
dialog figure { margin-top: .8rem; }
dialog::backdrop { background: rgb(0 0 0 / .5); }
`;
