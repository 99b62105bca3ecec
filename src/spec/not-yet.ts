import type { Spec } from "./schema.ts";

/** The keys that a spec uses and this version checks but does not act on: silence would read as "done". */
export function keysNotActedOn(spec: Spec): string[] {
  return (["kernel"] as const).filter((key) => spec[key] !== undefined);
}
