import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { isUnknown } from "../../src/host/state/observed.ts";
import { HostState } from "../../src/host/state/state.ts";
import { mapOf } from "../../src/map/map.ts";
import { rehearse } from "../../src/reconcile/plan.ts";
import { mapSvg } from "../../src/report/map/map-svg.ts";
import { plain } from "../../src/report/terminal/style.ts";
import { mapText } from "../../src/report/text/map-text.ts";
import { planText } from "../../src/report/text/plan-text.ts";
import { verdictText } from "../../src/report/text/verdict-text.ts";
import { loadSpec } from "../../src/spec/load.ts";
import { verdicts } from "../../src/verdict/verdict.ts";

/**
 * Each folder beside this file is a case: a spec, a state, and the plan and the verdict that an operator
 * would be shown.
 * `npm run golden` writes plan.txt, verdict.txt and, of hosts with guests, the map anew; `git diff` then
 * shows what changed, to be reviewed like code.
 */
const folders = readdirSync(import.meta.dirname, { withFileTypes: true }).filter((entry) =>
  entry.isDirectory(),
);
const update = process.env["UPDATE_GOLDEN"] === "1";

describe("golden cases", () => {
  test("there are at least 40", () => assert.ok(folders.length >= 40, `${folders.length} cases`));

  for (const { name } of folders) {
    test(name, async () => {
      const file = (base: string) => join(import.meta.dirname, name, base);
      const spec = loadSpec(readFileSync(file("spec.yaml"), "utf8"), "spec.yaml");
      const state = HostState.parse(JSON.parse(readFileSync(file("state.json"), "utf8")));
      const plan = planText(await rehearse(spec, state), plain, { full: true });
      const verdict = verdictText(spec, state, verdicts(spec, state), plain);
      expectFile(file("plan.txt"), plan);
      expectFile(file("verdict.txt"), verdict);
      // Where it was seen who uses the VFs, there is a map to be drawn.
      if (isUnknown(state.guests)) return;
      const map = mapOf(spec, state);
      expectFile(file("map.txt"), mapText(map, plain));
      expectFile(file("map.json"), `${JSON.stringify(map, null, 2)}\n`);
      expectFile(file("map.svg"), mapSvg(map));
    });
  }
});

function expectFile(path: string, actual: string): void {
  if (update) writeFileSync(path, actual);
  assert.ok(existsSync(path), `${path} is missing: run \`npm run golden\` and review what it writes`);
  assert.equal(actual, readFileSync(path, "utf8"));
}
