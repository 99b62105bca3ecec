import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { outcomeOf } from "../../src/fleet/answers/outcome.ts";
import { statusOf } from "../../src/fleet/answers/status.ts";
import { observeWorld } from "../../src/host/simulated/host.ts";
import type { HostState } from "../../src/host/state/state.ts";
import { mapOf } from "../../src/map/map.ts";
import { planRemoval } from "../../src/operations/host/uninstall.ts";
import { rehearse } from "../../src/reconcile/plan.ts";
import { findingsText, remarksText } from "../../src/report/configuration/configuration-text.ts";
import { treeRemarks, treeText } from "../../src/report/configuration/tree-text.ts";
import { fleetCsv } from "../../src/report/data/fleet-csv.ts";
import { junitXml } from "../../src/report/data/junit.ts";
import { planJson } from "../../src/report/data/plan-json.ts";
import { prometheusText } from "../../src/report/data/prometheus.ts";
import { htmlReport } from "../../src/report/html/html.ts";
import { mapSvg } from "../../src/report/map/map-svg.ts";
import { documentText, jsonText, terminalText } from "../../src/report/terminal/escape.ts";
import { plainProgress } from "../../src/report/terminal/progress.ts";
import { coloured, plain, type Style } from "../../src/report/terminal/style.ts";
import { wrapped } from "../../src/report/terminal/wrap.ts";
import { appliedText } from "../../src/report/text/apply-text.ts";
import { entryJson, entryLine, startJson, startLine } from "../../src/report/text/change-text.ts";
import { importText } from "../../src/report/text/fleet/fleet-collect-text.ts";
import { fleetStatusText } from "../../src/report/text/fleet/fleet-status-text.ts";
import { mapText } from "../../src/report/text/map-text.ts";
import { planText } from "../../src/report/text/plan-text.ts";
import { stateText } from "../../src/report/text/state-text.ts";
import { uninstallText } from "../../src/report/text/uninstall-text.ts";
import { verdictText } from "../../src/report/text/verdict-text.ts";
import type { Spec } from "../../src/spec/schema.ts";
import { verdicts } from "../../src/verdict/verdict.ts";
import { changesBetween } from "../../src/watch/changes.ts";
import { countFrom } from "../support/count.ts";
import { readGolden } from "../support/golden.ts";
import { booted, fresh, vfLagSpec } from "../support/hosts.ts";
import { alternatives, forged, payload, poisoned, textPlaces } from "../support/payloads.ts";

/**
 * What somebody else wrote, in every text of a state, through every output. HOSTILE_STATES=98: every golden
 * state.
 */

const golden = readdirSync(join(import.meta.dirname, "../golden"), { withFileTypes: true }).filter((entry) =>
  entry.isDirectory(),
);
const most = countFrom("HOSTILE_STATES", 12);
const chosen = golden.filter((_, index) => index % Math.max(1, Math.floor(golden.length / most)) === 0);

/** What draws, apart from line feeds. */
const draws =
  /(?!\n)[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\p{Noncharacter_Code_Point}]/u;

/** Each text for a terminal, with a style. */
async function terminalTexts(
  spec: Spec,
  state: HostState,
  before: HostState,
  style: Style,
): Promise<Record<string, string>> {
  const judged = verdicts(spec, state);
  const plan = await rehearse(spec, state);
  const known = [
    {
      host: `h1${payload}`,
      observation: null,
      failure: { at: 0, kind: "failed" as const, message: payload },
    },
  ];
  const observation = {
    id: 1,
    host: "h2",
    at: 0,
    collected: 0,
    stateId: 1,
    specId: 1,
    specFrom: null,
    digest: "",
    judge: "",
    clock: 0,
  };
  const status = statusOf(
    [
      ...known,
      {
        host: `h2${payload}`,
        observation: { ...observation, outcome: outcomeOf(spec, state) },
        failure: null,
      },
    ],
    1,
    1,
  );
  const at = new Date(0);
  const lines: string[] = [];
  const progress = plainProgress((line) => lines.push(line), style).observer;
  for (const outcome of plan.outcomes)
    for (const step of outcome.steps) {
      progress.stepBegins?.(step);
      for (const action of step.actions)
        progress.actionEnds?.(step, action, { step, action, code: "EIO", reason: payload });
    }
  return {
    inspect: stateText(state, style),
    verify: verdictText(spec, state, judged, style),
    plan: planText(plan, style, { full: true }),
    apply: appliedText(
      {
        outcomes: plan.outcomes.map((outcome) => ({ ...outcome, failures: failuresOf(outcome.steps) })),
        verdicts: judged,
        seconds: 1,
      },
      style,
    ),
    map: mapText(mapOf(spec, state), style),
    uninstall: uninstallText(planRemoval(state), null, style),
    watch: [
      ...judged.map((verdict) => startLine(at, verdict, style)),
      ...changesBetween(before, state, spec).map((change) =>
        entryLine({ kind: "change", at, change }, style),
      ),
      entryLine({ kind: "notice", at, notice: { kind: "log", text: payload } }, style),
    ].join("\n"),
    progress: lines.join("\n"),
    "fleet status": fleetStatusText(status, style, { full: true }),
    "fleet import": importText(
      { stored: 1, known: 0, failed: [{ host: payload, file: payload, message: payload }] },
      style,
    ),
    "nova diff": remarksText(payload, { conflicts: [conflict], notes: [payload] }, style),
    "openstack check": findingsText([{ kind: "wrong", file: payload, line: 1, text: payload }], style),
    "kayobe diff": `${treeText(
      [
        { name: payload, kind: "file", before: null, after: `a = ${payload}\n` },
        { name: payload, kind: "link", before: null, after: payload },
      ],
      style,
    )}${treeRemarks([{ ...conflict, name: payload }], [{ hosts: [payload], text: payload }], [{ hosts: [], text: payload }], style)}`,
  };
}

const conflict = { line: 1, there: payload, wanted: payload, why: payload };

function failuresOf(steps: Awaited<ReturnType<typeof rehearse>>["outcomes"][number]["steps"]) {
  return steps.flatMap((step) =>
    step.actions.map((action) => ({ step, action, code: "EIO", reason: `refused${payload}` })),
  );
}

async function check(spec: Spec, state: HostState, before: HostState): Promise<void> {
  const bare = await terminalTexts(spec, state, before, plain);
  const painted = await terminalTexts(spec, state, before, coloured);
  for (const [name, text] of Object.entries(bare)) {
    const shown = terminalText(text);
    assert.equal(shown, text, `${name}: the values of its text went through the filter before it was made`);
    assert.doesNotMatch(shown, draws, name);
    for (const line of shown.split("\n"))
      assert.ok(!line.trim().startsWith(forged), `${name}: ${JSON.stringify(line)}`);
    // Colours are vflag's own: without them it is the same text, at any width.
    const colours = /\x1b\[(?:32|31|33|1|2|39|22)m/g;
    assert.equal(terminalText(painted[name] ?? "").replace(colours, ""), shown, name);
    for (const line of wrapped(text, 40).split("\n"))
      assert.ok(!line.startsWith(forged), `${name} at 40 columns: ${JSON.stringify(line)}`);
  }
  const judged = verdicts(spec, state);
  const json = {
    inspect: [state, jsonText(state, 2)],
    verify: [{ judged }, jsonText({ judged })],
    plan: [planJson(await rehearse(spec, state)), jsonText(planJson(await rehearse(spec, state)))],
  } as const;
  for (const [name, [value, text]] of Object.entries(json)) {
    assert.doesNotMatch(text, draws, `${name} -o json`);
    assert.deepEqual(JSON.parse(text), JSON.parse(JSON.stringify(value)), `${name} -o json`);
  }
  for (const text of [
    startJson(new Date(0), judged),
    ...changesBetween(before, state, spec).map((change) =>
      entryJson({ kind: "change", at: new Date(0), change }),
    ),
  ])
    assert.doesNotMatch(text, /(?!\t)\p{Cc}|\p{Cf}|\p{Cs}/u, "watch -o json");
  const documents = {
    html: htmlReport(spec, state, judged, "0"),
    junit: junitXml(spec, state, judged),
    svg: mapSvg(mapOf(spec, state)),
  };
  for (const [name, text] of Object.entries(documents))
    assert.doesNotMatch(text, /(?![\n\t])\p{Cc}|\p{Cf}|\p{Noncharacter_Code_Point}/u, name);
  const prometheus = prometheusText(spec, state, judged, "0");
  for (const line of prometheus.split("\n")) assert.match(line, /^$|^# (?:HELP|TYPE) |^vflag_/);
  assert.doesNotMatch(documentText(prometheus), draws);
  const observation = {
    id: 1,
    host: "h2",
    at: 0,
    collected: 0,
    stateId: 1,
    specId: 1,
    specFrom: null,
    digest: "",
    judge: "",
    clock: 0,
  };
  const csv = fleetCsv(
    statusOf(
      [{ host: payload, observation: { ...observation, outcome: outcomeOf(spec, state) }, failure: null }],
      1,
      1,
    ),
  );
  assert.doesNotMatch(csv.replaceAll("\r\n", "\n"), draws, "csv");
}

describe("text that others wrote", () => {
  for (const { name } of chosen)
    test(`golden state ${name}: nothing of it draws, or adds a line`, async () => {
      const { spec, state } = readGolden(name);
      for (const names of [false, true]) await check(spec, poisoned(state, names).state, state);
    });

  test("every place of the schema that may hold any text was filled", async () => {
    const state = observeWorld(await booted(vfLagSpec, fresh(), "guest-holds-vf"));
    const filled = new Set<string>();
    for (const other of alternatives(state)) {
      const { places, state: changed } = poisoned(other, true);
      const fresh = [...places].filter((place) => !filled.has(place));
      for (const place of fresh) filled.add(place);
      if (fresh.length > 0) await check(vfLagSpec, changed, state);
    }
    assert.deepEqual(
      [...textPlaces()].filter((place) => !filled.has(place)),
      [],
    );
  });
});
