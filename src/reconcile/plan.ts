import type { Action } from "../host/actions/action.ts";
import type { Host } from "../host/host.ts";
import { network, reboot } from "../host/simulated/events.ts";
import { SimulatedHost } from "../host/simulated/host.ts";
import { twinOf } from "../host/simulated/twin.ts";
import type { HostState } from "../host/state/state.ts";
import { hostName } from "../requirements/evaluate.ts";
import type { Allowed, Deviation, Stage } from "../requirements/requirement.ts";
import { stages as allStages } from "../requirements/stages.ts";
import type { Spec } from "../spec/schema.ts";
import { resolvePorts } from "../spec/selectors.ts";
import { rebootReasons } from "../verdict/reboot-due.ts";
import { type Verdict, verdicts, verdictsWithoutLogs } from "../verdict/verdict.ts";
import { lanesOf } from "./lanes.ts";
import { reconcile } from "./reconcile.ts";
import { scriptsEstimate } from "./scripts-estimate.ts";
import type { NicOutcome, Step } from "./step.ts";

/** A step of a plan, with the time that it is expected to take, in seconds. */
export interface PlannedStep extends Step {
  readonly seconds: number;
}

/**
 * What happens in one go. Between phases something happens that is not vflag's doing: networking, a reboot.
 */
export interface Phase {
  readonly after: "now" | "networking" | "reboot";
  /** What could not be done before it. */
  readonly because: readonly Deviation[];
  readonly steps: readonly PlannedStep[];
  /** NICs run at the same time: the slowest one's time, and before and after them the host's. */
  readonly seconds: number;
}

/** A rehearsal of `apply` on a simulated twin of the host. */
export interface Plan {
  readonly phases: readonly Phase[];
  /** How far each NIC comes in the end. */
  readonly outcomes: readonly NicOutcome[];
  /** What would still be off afterwards. */
  readonly remaining: readonly Verdict[];
  readonly seconds: number;
  /**
   * What the usual scripts would take for the same, in seconds; `null` where they would do nothing
   * comparable.
   */
  readonly scriptsSeconds: number | null;
}

/** Runs the very loop that `apply` runs, on a twin made of this state. Nothing but the twin is touched. */
export async function rehearse(spec: Spec, state: HostState, allowed: Allowed = {}): Promise<Plan> {
  const rehearsal = new Rehearsal(spec, state, allowed);
  const phases = [await rehearsal.phase("now", allStages)];
  const toReboot = rebootReasons(verdictsWithoutLogs(spec, await rehearsal.twin.observe(), allStages));
  if (toReboot.length > 0) {
    reboot(rehearsal.twin.world);
    phases.push(await rehearsal.phase("reboot", ["early"], toReboot));
  }
  const toNetwork = waitingForNetworking(rehearsal.outcomes);
  if (toReboot.length > 0 || toNetwork.length > 0) {
    network(rehearsal.twin.world);
    phases.push(await rehearsal.phase("networking", allStages, toNetwork));
  }
  return {
    phases,
    outcomes: rehearsal.outcomes,
    // A rehearsal has no traffic.
    remaining: verdicts(spec, await rehearsal.twin.observe(), allStages),
    seconds: phases.reduce((sum, phase) => sum + phase.seconds, 0),
    scriptsSeconds: scriptsEstimate(spec, state),
  };
}

/** True when the plan consists of nothing: the host is as the spec wants it, as far as vflag can bring it. */
export function isEmpty(plan: Plan): boolean {
  return plan.phases.every((phase) => phase.steps.length === 0);
}

/** The NICs' gates that networking opens. */
function waitingForNetworking(outcomes: readonly NicOutcome[]): Deviation[] {
  return outcomes.flatMap(({ stoppedBy }) => stoppedBy).filter(({ remedy }) => remedy.kind === "networking");
}

/**
 * What follows when the host reboots, rehearsed: why it has to, and the phases from then on; null where it
 * need not.
 */
export async function afterReboot(
  spec: Spec,
  state: HostState,
): Promise<{ readonly because: readonly Deviation[]; readonly phases: readonly Phase[] } | null> {
  const because = rebootReasons(verdictsWithoutLogs(spec, state, allStages));
  if (because.length === 0) return null;
  const { phases } = await rehearse(spec, state);
  const first = phases.findIndex(({ after }) => after === "reboot");
  return { because, phases: first === -1 ? [] : phases.slice(first) };
}

class Rehearsal implements Host {
  readonly twin: SimulatedHost;
  readonly #spec: Spec;
  readonly #allowed: Allowed;
  readonly #seconds = new Map<Action, number>();
  outcomes: readonly NicOutcome[] = [];

  constructor(spec: Spec, state: HostState, allowed: Allowed) {
    this.#spec = spec;
    this.#allowed = allowed;
    this.twin = new SimulatedHost(twinOf(state));
    expectBonds(this.twin, spec, state);
  }

  observe(): Promise<HostState> {
    return this.twin.observe();
  }

  /**
   * The twin acts within this call, before anyone else gets a turn: its clock tells what this one action
   * took.
   */
  perform(action: Action): Promise<void> {
    const before = this.twin.world.hidden.clock;
    const performed = this.twin.perform(action);
    this.#seconds.set(action, this.twin.world.hidden.clock - before);
    return performed;
  }

  async phase(
    after: Phase["after"],
    stages: readonly Stage[],
    because: readonly Deviation[] = [],
  ): Promise<Phase> {
    const order: Step[] = [];
    this.outcomes = await reconcile(this, this.#spec, {
      stages,
      observer: { stepBegins: (step) => order.push(step) },
      allowed: this.#allowed,
    });
    const steps = order.map((step): PlannedStep => ({ ...step, seconds: this.#secondsOf(step) }));
    const secondsOf = (name: string) =>
      steps.filter((step) => step.nic === name).reduce((sum, step) => sum + step.seconds, 0);
    const perNic = this.#spec.nics.map((nic) => secondsOf(nic.name));
    return { after, because, steps, seconds: secondsOf(hostName) + Math.max(0, ...perNic) };
  }

  /**
   * Lanes run at the same time, but whether a NIC's firmware brings up VFs of one port at the same time is
   * not known: the estimate takes them one after the other.
   */
  #secondsOf(step: Step): number {
    const perPort = new Map<string, number>();
    for (const [index, { groups }] of lanesOf(step.actions, this.twin.world.state).entries()) {
      const first = groups[0]?.[0];
      const port = first?.kind === "bind-vf" ? first.pf : `lane ${index}`;
      const longest = groups.map((group) =>
        Math.max(...group.map((action) => this.#seconds.get(action) ?? 0)),
      );
      const seconds = longest.reduce((sum, value) => sum + value, 0);
      perPort.set(port, (perPort.get(port) ?? 0) + seconds);
    }
    return Math.max(0, ...perPort.values());
  }
}

/** The twin's networking makes the bonds that the spec speaks of, where the host does not have them yet. */
function expectBonds(twin: SimulatedHost, spec: Spec, state: HostState): void {
  for (const nic of spec.nics) {
    if (nic.bond === undefined || twin.world.hidden.networking.some((bond) => bond.name === nic.bond))
      continue;
    const resolved = resolvePorts(nic, state);
    if ("problem" in resolved) continue;
    const slaves = resolved.pfs.flatMap((pf) => (pf.netdev === null ? [] : [pf.netdev]));
    twin.world.hidden.networking.push({ name: nic.bond, mode: "802.3ad", slaves });
  }
}
