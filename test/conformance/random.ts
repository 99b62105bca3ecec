import type { Action } from "../../src/host/action.ts";
import { ActionError, type Host } from "../../src/host/host.ts";
import type { HostState } from "../../src/host/state.ts";
import { forbidden, needsLastLook } from "../../src/reconcile/safety.ts";
import { projectionOf } from "./projection.ts";
import { actionOf, nextStep, type Step, wordsOf } from "./random-steps.ts";
import { portsOf, type Testbed } from "./testbed.ts";

/** Where two hosts that were treated alike are not alike any more. */
export interface Difference {
  readonly seed: number;
  /** The number of the step, from 1, and all that were done until then. */
  readonly step: number;
  readonly done: readonly string[];
  /** What differs, one line each: `port 0 eswitch: first switchdev, second legacy`. */
  readonly differences: readonly string[];
}

/**
 * Drives two hosts through the same random sequence of actions, bond events and faults, and compares after each step what they answered and
 * what they are. The sequence is made of the seed and of what the first host shows, so that a seed can be played again; it speaks of ports
 * and VFs by number, because names and addresses differ from host to host.
 *
 * @param hosts the first is the one that is held to be right
 * @param log hears each step before it is done
 * @returns the first difference, or null
 *
 * @example
 * const difference = await compareHosts(4711, 300, [await realBed(), simulatedBed()], (line) => process.stderr.write(`${line}\n`));
 */
export async function compareHosts(
  seed: number,
  steps: number,
  hosts: readonly [Testbed, Testbed],
  log: (line: string) => void,
): Promise<Difference | null> {
  const random = randomOf(seed);
  const [first, second] = hosts;
  const beds = [await ready(first), await ready(second)] as const;
  const done: string[] = [];
  for (let number = 1; number <= steps; number++) {
    const step = nextStep(random, await beds[0].host.observe(), beds[0].bed, beds[1].bed);
    const words = wordsOf(step);
    log(`seed ${seed} step ${number}: ${words}`);
    const answers = [await perform(beds[0], step), await perform(beds[1], step)] as const;
    done.push(`${words} -> ${answers[0]}`);
    const differences = answers[0] === answers[1] ? await compared(beds) : [`answer: first ${answers[0]}, second ${answers[1]}`];
    if (differences.length > 0) return { seed, step: number, done, differences };
  }
  return null;
}

interface Ready {
  readonly bed: Testbed;
  readonly host: Host;
}

async function ready(bed: Testbed): Promise<Ready> {
  return { bed, host: await bed.reset() };
}

/** What a host answers to a step: `done`, or the error's name. */
async function perform({ bed, host }: Ready, step: Step): Promise<string> {
  const state = await host.observe();
  switch (step.kind) {
    case "bond":
      await bed.bond("bond0", step.mode, namesOf(state, step.ports));
      return "done";
    case "release":
      for (const name of namesOf(state, [step.port])) await bed.release(name);
      return "done";
    case "unbond":
      await bed.unbond("bond0");
      return "done";
    case "link-event":
      for (const name of namesOf(state, [step.port])) await bed.linkEvent(name);
      return "done";
    case "fault":
      await bed.fault?.(step.name, step.on);
      return "done";
    default: {
      const action = actionOf(step, state);
      return action === null ? "no such thing" : answerOf(host, action, state);
    }
  }
}

async function answerOf(host: Host, action: Action, state: HostState): Promise<string> {
  // What vflag itself never does is refused by the one host as it acts, and for the other by whoever asks.
  if (host.looksFirst !== true && needsLastLook(action) && forbidden(action, state) !== null) return "EBUSY";
  try {
    await host.perform(action);
    return "done";
  } catch (error) {
    if (error instanceof ActionError) return error.code ?? "refused";
    throw error;
  }
}

/** What differs when both have come to rest; a real kernel and udev take their time. */
async function compared(beds: readonly [Ready, Ready]): Promise<string[]> {
  const patience = Math.max(...beds.map(({ bed }) => bed.patience));
  const end = performance.now() + patience;
  for (;;) {
    for (const { bed } of beds) await bed.settle();
    const [one, other] = [projectionOf(await beds[0].host.observe()), projectionOf(await beds[1].host.observe())];
    const keys = [...new Set([...one.keys(), ...other.keys()])];
    const differences = keys.flatMap((key) => {
      const [left, right] = [one.get(key) ?? "nothing", other.get(key) ?? "nothing"];
      return left === right ? [] : [`${key}: first ${left}, second ${right}`];
    });
    if (differences.length === 0 || performance.now() >= end) return differences;
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

function namesOf(state: HostState, ports: readonly (number | "third")[]): string[] {
  const own = portsOf(state);
  return ports.flatMap((port) => (port === "third" ? ["third0"] : (own[port]?.netdev ?? [])));
}

/** Numbers from 0 up to 1, the same for the same seed: a linear congruential generator is random enough to choose steps. */
function randomOf(seed: number): () => number {
  let state = (seed ^ 0x9e3779b9) >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
