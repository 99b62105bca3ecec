import type { Host } from "../host/host.ts";
import type { HostState } from "../host/state/state.ts";
import { evaluate, evaluateHost, hostName } from "../requirements/evaluate.ts";
import { vfsBound } from "../requirements/late/vfs-bound.ts";
import type { Allowed, Deviation, Stage } from "../requirements/requirement.ts";
import { allRequirements, hostRequirements, stagesBefore } from "../requirements/stages.ts";
import type { Spec } from "../spec/schema.ts";
import { glanceAfter, mayFollow } from "./after-glance.ts";
import { allEnded } from "./all-ended.ts";
import { fingerprint, nextStep } from "./next-step.ts";
import { performStep } from "./perform-step.ts";
import { putBack } from "./put-back.ts";
import type { Failure, NicOutcome, Observer, Step } from "./step.ts";
import { Turns } from "./turns.ts";
import { Watched } from "./watched.ts";

export interface ReconcileOptions {
  readonly stages: readonly Stage[];
  readonly observer?: Observer;
  readonly allowed?: Allowed;
  /** Aborted: no further action begins. */
  readonly signal?: AbortSignal | undefined;
}

/** It was told to stop, and nothing is under way any more. */
export class Stopped extends Error {
  override readonly name = "Stopped";
}

/**
 * Brings a host to its spec: observe, take the first requirement that does not hold, do its actions, observe
 * again (between some steps a glance suffices: after-glance.ts), until nothing is left or nothing progresses.
 * First comes what the host itself needs, then the NICs, which are independent and go on at the same time,
 * then what the host can be only with them.
 */
export async function reconcile(host: Host, spec: Spec, options: ReconcileOptions): Promise<NicOutcome[]> {
  const { stages, allowed = {}, signal } = options;
  const observer = stopping(options.observer ?? {}, signal);
  const turns = new Turns();
  const watched = Watched.over(host);
  const around = (asked: readonly Stage[]) => async () => {
    if (!hostRequirements.some(({ stage }) => asked.includes(stage))) return [];
    const outcome = await reconcileOne(
      watched,
      hostName,
      (state) => evaluateHost(spec, state, asked, allowed),
      turns,
      observer,
    );
    return outcome.steps.length + outcome.left.length === 0 ? [] : [outcome];
  };
  const before = await around(stages.filter((stage) => stagesBefore.includes(stage)))();
  const nics = await allEnded(
    spec.nics.map(({ name }) => {
      const deviations = (state: HostState) =>
        evaluate(spec, state, stages).find(({ nic }) => nic.name === name)?.deviations ?? [];
      return reconcileOne(watched, name, deviations, turns, observer);
    }),
  );
  const after = await around(stages.filter((stage) => !stagesBefore.includes(stage)))();
  return [...before, ...nics, ...after];
}

/**
 * Throws Stopped where an action or a step would begin after the signal: whoever waits for others waits until
 * all have ended.
 */
function stopping(observer: Observer, signal: AbortSignal | undefined): Observer {
  const check = () => {
    if (signal?.aborted === true) throw new Stopped("told to stop");
  };
  return {
    ...observer,
    stepBegins: (step) => {
      check();
      observer.stepBegins?.(step);
    },
    actionBegins: (step, action) => {
      check();
      observer.actionBegins?.(step, action);
    },
  };
}

/** Brings one NIC, or the host around them, as far as it gets. */
async function reconcileOne(
  host: Watched,
  nic: string,
  deviationsOf: (state: HostState) => readonly Deviation[],
  turns: Turns,
  observer: Observer,
): Promise<NicOutcome> {
  const steps: Step[] = [];
  const failures: Failure[] = [];
  const attempts = new Map<string, string[]>();
  let glanced: HostState | null = null;
  for (;;) {
    const state: HostState = glanced ?? (await host.current());
    const next = nextStep(nic, deviationsOf(state), attempts, steps);
    const last = steps.at(-1);
    if (glanced !== null && !(next.kind === "step" && last !== undefined && mayFollow(last, next.step))) {
      glanced = null;
      continue;
    }
    if (next.kind !== "step") {
      const actions = next.kind === "stopped" ? putBack(next.stoppedBy, steps, failures, state) : [];
      if (actions.length > 0) {
        const step: Step = { nic, requirement: vfsBound.id, deviations: [], actions };
        steps.push(step);
        observer.stepBegins?.(step);
        // One after the other: a PF's autoprobe comes before its VFs.
        for (const action of actions)
          failures.push(...(await performStep(host, { ...step, actions: [action] }, state, turns, observer)));
      }
      const outcome: NicOutcome = {
        nic,
        status: next.kind,
        stoppedBy: next.stoppedBy,
        left: next.left,
        steps,
        failures,
      };
      observer.nicEnds?.(outcome);
      return outcome;
    }
    const { step } = next;
    steps.push(step);
    // What comes after it may have to be done again, because of it.
    for (const { id } of allRequirements.slice(
      allRequirements.findIndex(({ id }) => id === step.requirement) + 1,
    ))
      attempts.delete(id);
    attempts.set(step.requirement, [...(attempts.get(step.requirement) ?? []), fingerprint(step.deviations)]);
    observer.stepBegins?.(step);
    const failed = await performStep(host, step, state, turns, observer);
    failures.push(...failed);
    glanced = failed.length === 0 ? await glanceAfter(host, state, step) : null;
  }
}
