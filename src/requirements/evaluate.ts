import type { HostState } from "../host/state.ts";
import type { NicSpec, Spec } from "../spec/schema.ts";
import { resolvePorts } from "../spec/selectors.ts";
import { ports, unresolvedPorts } from "./ports.ts";
import type { Deviation, Finding, Requirement, Stage } from "./requirement.ts";
import { stages as allStages, requirements } from "./stages.ts";

/** One NIC's deviations, in the order in which they have to be put right; none means that all of its requirements hold. */
export interface NicDeviations {
  readonly nic: NicSpec;
  readonly deviations: readonly Deviation[];
}

/** Compares a host with its spec. A pure function: this is the whole of what `verify` knows. */
export function evaluate(spec: Spec, state: HostState, stages: readonly Stage[] = allStages): NicDeviations[] {
  const asked = requirements.filter((requirement) => stages.includes(requirement.stage));
  const claimed = new Map<string, string>();
  return spec.nics.map((nic) => {
    const resolved = resolvePorts(nic, state);
    if ("problem" in resolved) return { nic, deviations: [deviation(ports, nic, unresolvedPorts(nic, resolved.problem))] };
    // Two selectors of different forms can mean one port: only the host's state shows it.
    const twice = resolved.pfs.find((pf) => claimed.has(pf.address));
    if (twice !== undefined) {
      const problem = `${twice.netdev ?? twice.address} belongs to NIC "${claimed.get(twice.address)}" already`;
      return { nic, deviations: [deviation(ports, nic, unresolvedPorts(nic, problem))] };
    }
    for (const pf of resolved.pfs) claimed.set(pf.address, nic.name);
    const view = { nic, pfs: resolved.pfs, state };
    const found = asked.flatMap((requirement) => requirement.check(view).map((finding) => deviation(requirement, nic, finding)));
    return { nic, deviations: found };
  });
}

function deviation(requirement: Requirement, nic: NicSpec, finding: Finding): Deviation {
  return { requirement: requirement.id, nic: nic.name, stage: requirement.stage, why: requirement.why, ...finding };
}
