import { globSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import * as z from "zod";
import { World } from "../src/host/simulated/world.ts";
import { HostState } from "../src/host/state/state.ts";
import { HostMap } from "../src/map/schema.ts";
import { explainMarkdown, symptomMarkdown } from "../src/report/text/explain-text.ts";
import { allRequirements } from "../src/requirements/stages.ts";
import { Spec } from "../src/spec/schema.ts";
import { symptoms } from "../src/symptoms/catalogue.ts";
import { fleetPageModule } from "./fleet-page.ts";
import { symptomsPage } from "./symptom-table.ts";

const root = join(import.meta.dirname, "..");

/**
 * What is published of the program's own definitions: JSON Schemas and the pages of checks and symptoms. A
 * test holds them against it.
 */
export function published(): ReadonlyMap<string, string> {
  const schema = (type: z.ZodType, io: "input" | "output") =>
    `${JSON.stringify(z.toJSONSchema(type, { io }), null, 2)}\n`;
  return new Map([
    ["docs/schema/spec.schema.json", schema(Spec, "input")],
    ["docs/schema/state.schema.json", schema(HostState, "output")],
    ["docs/schema/simulated-host.schema.json", schema(World, "output")],
    ["docs/schema/map.schema.json", schema(HostMap, "output")],
    ["src/report/html/fleet-page.bundle.ts", fleetPageModule()],
    ["docs/checks.md", checksPage()],
    ["docs/symptoms.md", symptomsPage()],
    ...allRequirements.map((requirement): [string, string] => [
      pageOf(requirement.id),
      `${explainMarkdown(requirement)}\n`,
    ]),
    ...symptoms.map((symptom): [string, string] => [pageOf(symptom.id), `${symptomMarkdown(symptom)}\n`]),
  ]);
}

/** Pages that are there and no longer belong to anything. */
export function stale(): string[] {
  const wanted = published();
  return globSync("docs/checks/*", { cwd: root }).filter((file) => !wanted.has(file));
}

function checksPage(): string {
  const intro =
    "# Checks\n\n" +
    "What vflag holds a host against, in the order in which it brings a host there. `vflag verify` prints the names, `vflag explain NAME`\n" +
    "prints the same page. [symptoms.md](symptoms.md) has what logs and commands say when something is wrong. These files are made by\n" +
    "`npm run published`: edit `src/requirements/` and `src/symptoms/` instead.";
  const rows = allRequirements.map(
    ({ id, stage, title }) => `| [${id}](checks/${id}.md) | ${stage} | ${title} |`,
  );
  return `${intro}\n\n${["| check | stage | what holds |", "|---|---|---|", ...rows].join("\n")}\n`;
}

function pageOf(id: string): string {
  return `docs/checks/${id}.md`;
}

if (import.meta.main) {
  for (const file of stale()) rmSync(join(root, file));
  for (const [file, text] of published()) {
    const path = join(root, file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
}
