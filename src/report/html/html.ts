import { isUnknown, known } from "../../host/state/observed.ts";
import type { HostState } from "../../host/state/state.ts";
import { mapOf, onlyNic } from "../../map/map.ts";
import type { HostMap } from "../../map/schema.ts";
import { hostName } from "../../requirements/evaluate.ts";
import type { Spec } from "../../spec/schema.ts";
import { type CheckList, checkLists } from "../../verdict/checks.ts";
import { type Answer, riskText, type Verdict } from "../../verdict/verdict.ts";
import { mapSvg } from "../map/map-svg.ts";
import { Html, html } from "../terminal/escape.ts";
import { count } from "../terminal/style.ts";
import { checkTable, hostCauses, nicCauses } from "./html-checks.ts";
import { nicFacts } from "./html-facts.ts";
import { reportStyle } from "./html-style.ts";

/**
 * A verdict as a report in one file: it loads nothing, runs nothing (its policy forbids both), and is read on
 * a screen, on a telephone, and on paper.
 */
export function htmlReport(
  spec: Spec,
  state: HostState,
  verdicts: readonly Verdict[],
  version: string,
): string {
  const lists = checkLists(spec, state, verdicts);
  const map = mapOf(spec, state);
  const host = lists.find(({ verdict }) => verdict === null);
  const nics = lists.flatMap((list) =>
    list.verdict === null ? [] : [nicSection(list, list.verdict, spec, state, map)],
  );
  const observedAt = html`<time datetime="${state.observedAt}">${moment(state.observedAt)}</time>`;
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${Html.verbatim(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="vflag ${version}">
<link rel="icon" href="data:,">
<title>${headline(verdicts)} · ${state.hostname}</title>
<style>${Html.verbatim(reportStyle)}</style>
</head>
<body>
<header>
<p class="host">${state.hostname}</p>
<h1>${headline(verdicts)}</h1>
<p class="when">Linux ${state.kernel} · observed ${observedAt}</p>
${verdicts.length < 2 ? null : html`<nav aria-label="NICs">${verdicts.map(tile)}</nav>`}
</header>
<main>
${nics}
${host === undefined ? null : hostSection(host, spec, state, verdicts)}
</main>
<footer>
<p>Made by <code>vflag verify -o html</code>, version ${version}.
<code>vflag explain CHECK</code> tells more of a check,
<code>vflag plan</code> shows what <code>vflag apply</code> would do.</p>
</footer>
</body>
</html>
`;
  return page.text;
}

/** Nothing is loaded, and nothing runs. */
const policy = [
  "default-src 'none'",
  "style-src 'unsafe-inline'",
  "img-src data:",
  "base-uri 'none'",
  "form-action 'none'",
].join("; ");

const words: Readonly<Record<Answer, { text: string; mark: string }>> = {
  works: { text: "works", mark: "✓" },
  broken: { text: "does not work", mark: "✗" },
  unknown: { text: "cannot tell", mark: "?" },
};

function headline(verdicts: readonly Verdict[]): string {
  const [first] = verdicts;
  if (verdicts.length === 1 && first !== undefined)
    return `${first.nic} ${first.answer === "unknown" ? "cannot be told to work" : words[first.answer].text}`;
  const bad = verdicts.filter(({ answer }) => answer !== "works");
  if (bad.length === 0) return `All ${verdicts.length} NICs work`;
  const broken = bad.some(({ answer }) => answer === "broken");
  const verb =
    bad.length === 1
      ? broken
        ? "does not work"
        : "cannot be told to work"
      : broken
        ? "do not work"
        : "cannot be told to work";
  return `${bad.length} of ${count(verdicts.length, "NIC")} ${verb}`;
}

function tile({ nic, answer }: Verdict): Html {
  const { mark, text } = words[answer];
  return html`<a class="tile ${answer}" href="#nic-${nic}">
<span class="mark" aria-hidden="true">${mark}</span> <b>${nic}</b> ${text}</a>`;
}

function nicSection(list: CheckList, verdict: Verdict, spec: Spec, state: HostState, map: HostMap): Html {
  const { nic: name, answer, reason, risk } = verdict;
  const nic = spec.nics.find((candidate) => candidate.name === name);
  // What is wrong with the NIC itself stands first among its causes.
  const said =
    reason?.nic !== hostName
      ? null
      : html`<p class="reason">${reason.subject}: ${reason.actual} (see <a href="#host">the host</a>)</p>`;
  const atRisk = risk === null ? null : html`<p class="reason">${riskText(risk)}</p>`;
  return html`<section class="card" id="nic-${name}">
<h2>${name} <span class="mode">${nic?.mode}</span>
<span class="chip ${answer}">${words[answer].mark} ${words[answer].text}</span></h2>
${said}
${atRisk}
${nicCauses(verdict)}
${nic === undefined ? null : nicFacts(nic, state)}
${drawing(name, map)}
${checkTable(list.checks)}
</section>
`;
}

/** Who is who, drawn; a screen that is too narrow for it scrolls the drawing only. */
function drawing(name: string, map: HostMap): Html | null {
  const own = onlyNic(map, name);
  if (own === null || own.nics.every(({ ports }) => ports.length === 0)) return null;
  return html`<details open><summary>Map</summary>
<figure role="region" aria-label="Map of ${name}" tabindex="0">${Html.verbatim(mapSvg(own))}</figure>
</details>`;
}

function hostSection(list: CheckList, spec: Spec, state: HostState, verdicts: readonly Verdict[]): Html {
  const all = verdicts.flatMap(({ causes }) => causes.filter(({ deviation }) => deviation.nic === hostName));
  const causes = [...new Map(all.map((cause) => [JSON.stringify(cause.deviation), cause])).values()];
  const facts = hostFacts(spec, state).map(
    ([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`,
  );
  return html`<section class="card" id="host">
<h2>The host around the NICs</h2>
${hostCauses(causes)}
<dl class="facts">${facts}</dl>
${checkTable(list.checks)}
</section>
`;
}

function hostFacts(spec: Spec, state: HostState): [string, string][] {
  const { platform, ovs } = state;
  const groups = isUnknown(platform) ? platform : platform.iommuGroups;
  const facts: [string, string][] = [
    ["IOMMU groups", isUnknown(groups) ? `not known: ${groups.unknown}` : String(groups)],
  ];
  const running = known(known(platform)?.arguments);
  if (running !== undefined) facts.push(["Kernel arguments", running.join(" ") || "none"]);
  if (spec.ovs === undefined) return facts;
  if (isUnknown(ovs)) return [...facts, ["Open vSwitch", `not known: ${ovs.unknown}`]];
  if (ovs === null) return [...facts, ["Open vSwitch", "not found"]];
  const effect = known(ovs.offloadInEffect);
  const place =
    ovs.source.kind === "native" ? "" : `, in ${ovs.source.engine}'s container ${ovs.source.name}`;
  const offload =
    effect === undefined ? "not known whether it works" : effect ? "in effect" : "not in effect";
  return [
    ...facts,
    [
      "Open vSwitch",
      `${ovs.version ?? "version not told"}${place}, ${ovs.running ? "running" : "not running"}`,
    ],
    ["Offload", `hw-offload ${ovs.hwOffload ? "on" : "off"}, ${offload}`],
    [
      "Bridges",
      ovs.bridges
        .map(({ name, interfaces }) => `${name} (${count(interfaces.length, "interface")})`)
        .join(", ") || "none",
    ],
  ];
}

/** `2026-01-01 00:00:00 UTC` */
function moment(iso: string): string {
  const date = new Date(iso);
  return Number.isNaN(date.getTime()) ? iso : `${date.toISOString().slice(0, 19).replace("T", " ")} UTC`;
}
