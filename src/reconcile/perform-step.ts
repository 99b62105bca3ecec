import type { Action } from "../host/actions/action.ts";
import { traitsOf } from "../host/actions/action-table.ts";
import { notDone } from "../host/actions/safety.ts";
import { ActionError, type Host } from "../host/host.ts";
import { allEnded } from "./all-ended.ts";
import { type Lane, type LaneState, lanesOf } from "./lanes.ts";
import type { Failure, Observer, Step } from "./step.ts";
import type { Turns } from "./turns.ts";

/**
 * Lanes that are under way at one time; a sysfs write takes a thread of its own while it lasts. More of them
 * get in each other's way: docs/benchmarks.md.
 */
const lanesAtOnce = 32;

/**
 * Does a step's actions, card by card and lane by lane; what the host refuses is returned.
 * @param turns among all NICs that are being reconciled
 */
export async function performStep(
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
