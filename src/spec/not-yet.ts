import type { Spec } from "./schema.ts";

/** The keys that a spec uses and this version checks but does not act on: silence would read as "done". */
export function keysNotActedOn(spec: Spec): string[] {
  const sections = (["ovs", "firmware"] as const).filter((key) => spec[key] !== undefined);
  const persistence = spec.nics.filter((nic) => nic.persistence !== "systemd").map((nic) => `persistence of ${nic.name}`);
  return [...sections, ...persistence];
}
