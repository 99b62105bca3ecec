import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import * as z from "zod";
import { World } from "../src/host/simulated/world.ts";
import { HostState } from "../src/host/state.ts";
import { explainMarkdown } from "../src/report/explain-text.ts";
import { allRequirements } from "../src/requirements/stages.ts";
import { Spec } from "../src/spec/schema.ts";

/** What is published of the program's own definitions: JSON Schemas and the page of all checks. A test holds them against it. */
export function published(): ReadonlyMap<string, string> {
  const schema = (type: z.ZodType, io: "input" | "output") => `${JSON.stringify(z.toJSONSchema(type, { io }), null, 2)}\n`;
  return new Map([
    ["docs/schema/spec.schema.json", schema(Spec, "input")],
    ["docs/schema/state.schema.json", schema(HostState, "output")],
    ["docs/schema/simulated-host.schema.json", schema(World, "output")],
    ["docs/checks.md", checksPage()],
  ]);
}

function checksPage(): string {
  const intro =
    "# Checks\n\n" +
    "What vflag holds a host against, in the order in which it brings a host there. `vflag verify` prints the names, `vflag explain NAME`\n" +
    "prints the same page. This file is made by `npm run published`: edit `src/requirements/` instead.";
  return `${[intro, ...allRequirements.map(explainMarkdown)].join("\n\n")}\n`;
}

if (import.meta.main) {
  for (const [file, text] of published()) {
    const path = join(import.meta.dirname, "..", file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
}
