import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { HostState } from "../../src/host/state/state.ts";
import { loadSpec } from "../../src/spec/load.ts";
import type { Spec } from "../../src/spec/schema.ts";

const root = join(import.meta.dirname, "../golden");

/** All golden cases. */
export function goldenNames(): string[] {
  return readdirSync(root, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? [entry.name] : [],
  );
}

/** The spec and the state of a golden case. */
export function readGolden(name: string): { readonly spec: Spec; readonly state: HostState } {
  const file = join(root, name, "spec.yaml");
  const state = HostState.parse(JSON.parse(readFileSync(join(root, name, "state.json"), "utf8")));
  return { spec: loadSpec(readFileSync(file, "utf8"), file), state };
}
