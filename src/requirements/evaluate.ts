import type { HostState } from "../host/state/state.ts";
import type { NicSpec, Spec } from "../spec/schema.ts";
import { resolvePorts } from "../spec/selectors.ts";
import { ports, unresolvedPorts } from "./early/ports.ts";
import type { About, Allowed, Deviation, Finding, HostFinding, NicView, Stage } from "./requirement.ts";
import { withoutSecondBoot, withRefusal } from "./second-boot.ts";
import { stages as allStages, hostRequirements, requirements } from "./stages.ts";

/** Compares a host with its spec: pure functions, and the whole of what `verify` knows. */

/**
 * One NIC's deviations, in the order in which they have to be put right; none means that all of its
 * requirements hold.
 */
export interface NicDeviations {
  readonly nic: NicSpec;
  readonly deviations: readonly Deviation[];
}

/** What a deviation says instead of a NIC's name when it belongs to none. A spec cannot call a NIC so. */
export const hostName = "host";

/** What is off with the NICs themselves, and with the host around them. */
export function evaluateAll(
  spec: Spec,
  state: HostState,
  stages: readonly Stage[] = allStages,
): { readonly nics: NicDeviations[]; readonly host: Deviation[] } {
  const views = viewsOf(spec, state);
  return { nics: ofNics(views, state, stages), host: ofHost(views, spec, state, stages, {}) };
}

/** What is off with the NICs themselves. */
export function evaluate(
  spec: Spec,
  state: HostState,
  stages: readonly Stage[] = allStages,
): NicDeviations[] {
  return ofNics(viewsOf(spec, state), state, stages);
}

/** What is off with the host around the NICs. */
export function evaluateHost(
  spec: Spec,
  state: HostState,
  stages: readonly Stage[] = allStages,
  allowed: Allowed = {},
): Deviation[] {
  return ofHost(viewsOf(spec, state), spec, state, stages, allowed);
}

function ofNics(views: readonly Resolved[], state: HostState, stages: readonly Stage[]): NicDeviations[] {
  return views.map(({ nic, view, problem }) => {
    if (view === null)
      return { nic, deviations: [deviation(ports, nic.name, unresolvedPorts(nic, problem))] };
    const deviations: Deviation[] = [];
    for (const requirement of requirements) {
      const { stage, notAsked } = requirement;
      if (!stages.includes(stage) || (notAsked?.(nic, state) ?? null) !== null) continue;
      for (const finding of requirement.check(view))
        deviations.push(withoutSecondBoot(deviation(requirement, nic.name, finding), view));
    }
    return { nic, deviations };
  });
}

function ofHost(
  views: readonly Resolved[],
  spec: Spec,
  state: HostState,
  stages: readonly Stage[],
  allowed: Allowed,
): Deviation[] {
  const view = { spec, state, nics: found(views), allowed };
  const deviations: Deviation[] = [];
  for (const requirement of hostRequirements) {
    const { stage, notAsked } = requirement;
    if (!stages.includes(stage) || (notAsked?.(spec, state) ?? null) !== null) continue;
    for (const finding of requirement.check(view))
      deviations.push(withRefusal(deviation(requirement, hostName, finding), state));
  }
  return deviations;
}

/** The declared NICs whose ports were found. */
export function nicsFound(spec: Spec, state: HostState): NicView[] {
  return found(viewsOf(spec, state));
}

function found(views: readonly Resolved[]): NicView[] {
  return views.flatMap(({ view }) => view ?? []);
}

type Resolved =
  | { nic: NicSpec; view: NicView; problem: null }
  | { nic: NicSpec; view: null; problem: string };

function viewsOf(spec: Spec, state: HostState): Resolved[] {
  const claimed = new Map<string, string>();
  return spec.nics.map((nic) => {
    const resolved = resolvePorts(nic, state);
    if ("problem" in resolved) return { nic, view: null, problem: resolved.problem };
    // Two selectors of different forms can mean one port: only the host's state shows it.
    const twice = resolved.pfs.find((pf) => claimed.has(pf.address));
    if (twice !== undefined) {
      return {
        nic,
        view: null,
        problem: `${twice.netdev ?? twice.address} belongs to NIC "${claimed.get(twice.address)}" already`,
      };
    }
    for (const pf of resolved.pfs) claimed.set(pf.address, nic.name);
    return { nic, view: { nic, pfs: resolved.pfs, state }, problem: null };
  });
}

function deviation(requirement: About, nic: string, finding: Finding | HostFinding): Deviation {
  return { requirement: requirement.id, nic, stage: requirement.stage, why: requirement.why, ...finding };
}
