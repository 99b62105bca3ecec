import type { Action } from "../host/actions/action.ts";
import { traitsOf } from "../host/actions/action-table.ts";
import { notDone } from "../host/actions/safety.ts";
import { ActionError, type Host } from "../host/host.ts";
import type { HostState } from "../host/state/state.ts";
import { evaluate, evaluateHost, hostName } from "../requirements/evaluate.ts";
import { vfsBound } from "../requirements/late/vfs-bound.ts";
import type { Allowed, Deviation, Stage } from "../requirements/requirement.ts";
import { allRequirements, hostRequirements, requirementById, stagesBefore } from "../requirements/stages.ts";
import type { Spec } from "../spec/schema.ts";
import { glanceAfter, mayFollow } from "./after-glance.ts";
import { type Lane, type LaneState, lanesOf } from "./lanes.ts";
import { putBack } from "./put-back.ts";
import { Turns } from "./turns.ts";
import { Watched } from "./watched.ts";

/** One requirement being brought about on one NIC. */
export interface Step {
  readonly nic: string;
  readonly requirement: string;
  readonly deviations: readonly Deviation[];
  readonly actions: readonly Action[];
}

/** An action that the host refused, or that vflag would not do. */
export interface Failure {
  readonly step: Step;
  readonly action: Action;
  readonly code: string | null;
  readonly reason: string;
}

/** What happens while a host is being reconciled, for progress and the journal. */
export interface Observer {
  readonly stepBegins?: (step: Step) => void;
  readonly actionBegins?: (step: Step, action: Action) => void;
  readonly actionEnds?: (step: Step, action: Action, failure: Failure | null) => void;
  readonly nicEnds?: (outcome: NicOutcome) => void;
}

/** How far one NIC came. */
export interface NicOutcome {
  readonly nic: string;
  /** `settled`: nothing is left to do here. `stopped`: a gate does not hold and vflag cannot open it. */
  readonly status: "settled" | "stopped";
  /** The gate that does not hold; nothing for a settled NIC. */
  readonly stoppedBy: readonly Deviation[];
  /** All that is off and that vflag can do nothing about, as far as it came: the gate too. */
  readonly left: readonly Deviation[];
  readonly steps: readonly Step[];
  readonly failures: readonly Failure[];
}

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
 * Lanes that are under way at one time; a sysfs write takes a thread of its own while it lasts. More of them
 * get in each other's way: docs/benchmarks.md.
 */
const lanesAtOnce = 32;

/** A requirement that comes back this often, each time differently, is not going to settle. */
const attemptsPerRequirement = 5;

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

type Next =
  | { kind: "step"; step: Step }
  | { kind: "settled" | "stopped"; stoppedBy: Deviation[]; left: Deviation[] };

/**
 * What to do next on a NIC. `attempts`: by requirement, the deviations that its actions were meant to put
 * right.
 */
function nextStep(
  nic: string,
  deviations: readonly Deviation[],
  attempts: ReadonlyMap<string, readonly string[]>,
  steps: readonly Step[],
): Next {
  const interrupted = steps.some((step) => step.actions.some(interrupts));
  const left: Deviation[] = [];
  for (const group of byRequirement(deviations)) {
    const first = group[0];
    left.push(...group);
    if (first === undefined) continue;
    // A warning stops nothing, but what vflag can do about it is done.
    const serious = group.filter((deviation) => deviation.severity !== "warning");
    const gate = serious.length > 0 && (requirementById(first.requirement)?.gate ?? true);
    const blocked = serious.some((deviation) => deviation.remedy.kind !== "actions");
    const actions = group.flatMap((deviation) =>
      deviation.remedy.kind === "actions" ? deviation.remedy.actions : [],
    );
    const actionable = group.filter((deviation) => deviation.remedy.kind === "actions");
    const tried = attempts.get(first.requirement) ?? [];
    const stuck =
      tried.includes(fingerprint(actionable)) ||
      tried.length >= attemptsPerRequirement ||
      (interrupted && actions.some(interrupts));
    if (gate && (blocked || stuck)) return { kind: "stopped", stoppedBy: group, left };
    if (actions.length > 0 && !stuck) {
      return {
        kind: "step",
        step: {
          nic,
          requirement: first.requirement,
          deviations: actionable,
          actions: withoutRepeats(actions),
        },
      };
    }
  }
  return { kind: "settled", stoppedBy: [], left };
}

async function performStep(
  host: Host,
  step: Step,
  state: LaneState,
  turns: Turns,
  observer: Observer,
): Promise<Failure[]> {
  const failures: Failure[] = [];
  const waiting = lanesOf(step.actions, state).values();
  const worker = async () => {
    // The workers take from one iterator: each lane goes to whoever is free.
    for (const lane of waiting)
      await turns.take(lane.card, () => performLane(host, step, lane, observer, failures));
  };
  await allEnded(Array.from({ length: lanesAtOnce }, worker));
  return failures;
}

async function performLane(
  host: Host,
  step: Step,
  lane: Lane,
  observer: Observer,
  failures: Failure[],
): Promise<void> {
  const attempt = async (action: Action): Promise<Failure[]> => {
    observer.actionBegins?.(step, action);
    const failure = await performAction(host, step, action);
    observer.actionEnds?.(step, action, failure);
    return failure === null ? [] : [failure];
  };
  for (const group of lane.groups) {
    let failed = (await allEnded(group.map(attempt))).flat();
    if (
      group.length > 1 &&
      failed.length === group.length &&
      failed.every((failure) => isAnswer(failure) && !isHalfDone(failure))
    ) {
      // What all refuse together, they may take one after the other. Where one took it, the host is looked at
      // first.
      failed = [];
      for (const action of group) if (failed.length === 0) failed = await attempt(action);
    }
    failures.push(...failed);
    if (
      failed.some(
        ({ action }) =>
          lane.stopsAt === "failures" ||
          (lane.stopsAt === "questions" && traitsOf(action).isQuestion === true),
      )
    )
      break;
  }
}

/**
 * Whether it is the kernel's answer: not vflag's own refusal, nor silence, after which the kernel may still
 * be at work.
 */
function isAnswer({ code, reason }: Failure): boolean {
  return code !== null && code !== "ETIMEDOUT" && !reason.startsWith(notDone);
}

/**
 * Refusals that can leave a driver half-way: out of memory, interrupted, or the device in error. Another
 * request could crash the kernel.
 */
function isHalfDone({ code }: Failure): boolean {
  return code !== null && ["ENOMEM", "EINTR", "EIO", "ENOLINK"].includes(code);
}

async function performAction(host: Host, step: Step, action: Action): Promise<Failure | null> {
  try {
    await host.perform(action);
    return null;
  } catch (error) {
    if (error instanceof ActionError) return { step, action, code: error.code, reason: error.message };
    throw error;
  }
}

/** Waits for all, also when one fails: nothing goes on behind the back of a caller that has given up. */
async function allEnded<T>(promises: readonly Promise<T>[]): Promise<T[]> {
  const ended = await Promise.allSettled(promises);
  return ended.map((result) => {
    if (result.status === "rejected") throw result.reason;
    return result.value;
  });
}

function interrupts(action: Action): boolean {
  return traitsOf(action).interrupts === true;
}

/** Deviations of one requirement together, in the order of the requirements. */
function byRequirement(deviations: readonly Deviation[]): Deviation[][] {
  const groups = new Map<string, Deviation[]>();
  for (const deviation of deviations)
    groups.set(deviation.requirement, [...(groups.get(deviation.requirement) ?? []), deviation]);
  return [...groups.values()];
}

function fingerprint(deviations: readonly Deviation[]): string {
  return deviations.map(({ subject, expected, actual }) => `${subject}|${expected}|${actual}`).join("\n");
}

function withoutRepeats(actions: readonly Action[]): Action[] {
  const seen = new Set<string>();
  return actions.filter((action) => {
    const key = JSON.stringify(action);
    return seen.has(key) ? false : seen.add(key);
  });
}
