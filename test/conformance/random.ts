import type { Action } from "../../src/host/actions/action.ts";
import { ActionError, type Host } from "../../src/host/host.ts";
import type { HostState } from "../../src/host/state/state.ts";
import { converge } from "./converge.ts";
import { projectionOf } from "./projection.ts";
import { actionOf, leavesWork, nextStep, type Step, wordsOf } from "./random-steps.ts";
import { type BedFault, portsOf, type Testbed } from "./testbed.ts";

/** How long a LAG is waited for, in seconds: half of that, then the driver is asked, then the other half. */
const PATIENT = 6;
const IMPATIENT = 1;

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
 * Drives two hosts through the same random sequence of actions, bond events and faults, and compares after
 * each step what they answered and what they are. The sequence is made of the seed and of what the first host
 * shows, so that a seed can be played again; it speaks of ports and VFs by number, because names and
 * addresses differ from host to host.
 *
 * @param hosts the first is the one that is held to be right
 * @param log hears each step before it is done
 * @returns the first difference, or null
 *
 * @example
 * const difference = await compareHosts(4711, 300, [await realBed(), simulatedBed()], (line) =>
 * process.stderr.write(`${line}\n`));
 */
export async function compareHosts(
  seed: number,
  steps: number,
  hosts: readonly [Testbed, Testbed],
  log: (line: string) => void,
): Promise<Difference | null> {
  const random = randomOf(seed);
  const faulty = new Set<BedFault>();
  return playSteps(seed, hosts, log, (number, state) => {
    if (number > steps) return null;
    const step = nextStep(random, state, ...hosts, faulty);
    if (step.kind === "fault" && step.on) faulty.add(step.name);
    else if (step.kind === "fault") faulty.delete(step.name);
    return step;
  });
}

/**
 * The same with steps from elsewhere.
 * @param next the step of this number, from 1, for the first host as it is; null after the last one
 */
export async function playSteps(
  seed: number,
  hosts: readonly [Testbed, Testbed],
  log: (line: string) => void,
  next: (number: number, state: HostState) => Step | null,
): Promise<Difference | null> {
  const beds = [await ready(hosts[0]), await ready(hosts[1])] as const;
  const done: string[] = [];
  const first = await compared(beds, true);
  if (first.length > 0) return { seed, step: 0, done, differences: first };
  for (let number = 1; ; number++) {
    const step = next(number, beds[0].state);
    if (step === null) return null;
    const words = wordsOf(step);
    log(`seed ${seed} step ${number}: ${words}`);
    // What is expected says how long a LAG has to be waited for.
    const expected = await perform(beds[1], step, PATIENT);
    const answer = await perform(beds[0], step, expected === "ETIMEDOUT" ? IMPATIENT : PATIENT);
    done.push(`${words} -> ${answer}`);
    const differences = await compared(beds, leavesWork(step));
    if (answer !== expected) differences.unshift(`answer: first ${answer}, second ${expected}`);
    if (differences.length > 0) return { seed, step: number, done, differences };
  }
}

interface Ready {
  readonly bed: Testbed;
  readonly host: Host;
  /** As it was after the last step. */
  state: HostState;
}

async function ready(bed: Testbed): Promise<Ready> {
  const host = await bed.reset();
  return { bed, host, state: await host.observe() };
}

/** What a host answers to a step: `done`, or the error's name. */
async function perform({ bed, host, state }: Ready, step: Step, seconds: number): Promise<string> {
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
    case "converge":
      if (step.killed !== null) await bed.killed?.(host, step.killed);
      return converge(host);
    default: {
      const action = actionOf(step, state, seconds);
      return action === null ? "no such thing" : answerOf(host, action);
    }
  }
}

async function answerOf(host: Host, action: Action): Promise<string> {
  try {
    await host.perform(action);
    return "done";
  } catch (error) {
    if (error instanceof ActionError) return error.code ?? `refused: ${error.message}`;
    throw error;
  }
}

/**
 * What differs when both have come to rest, for which a real kernel and udev take their time. Afterwards
 * `state` is what they are now.
 * @param settles whether what happens by itself is waited for also where there is no difference
 */
async function compared(beds: readonly [Ready, Ready], settles: boolean): Promise<string[]> {
  const patience = Math.max(...beds.map(({ bed }) => bed.patience));
  const end = performance.now() + patience;
  for (let looks = 0; ; looks++) {
    for (const one of beds) {
      if (settles || looks > 0 || one.bed.patience === 0) await one.bed.settle();
      one.state = await one.host.observe();
    }
    const differences = between(projectionOf(beds[0].state), projectionOf(beds[1].state));
    if (differences.length === 0 || performance.now() >= end) return differences;
  }
}

function between(one: ReadonlyMap<string, string>, other: ReadonlyMap<string, string>): string[] {
  const keys = [...new Set([...one.keys(), ...other.keys()])];
  return keys.flatMap((key) => {
    const [left, right] = [one.get(key) ?? "nothing", other.get(key) ?? "nothing"];
    return left === right ? [] : [`${key}: first ${left}, second ${right}`];
  });
}

function namesOf(state: HostState, ports: readonly (number | "third")[]): string[] {
  const own = portsOf(state);
  return ports.flatMap((port) => (port === "third" ? ["third0"] : (own[port]?.netdev ?? [])));
}

/**
 * Numbers from 0 up to 1, the same for the same seed: a linear congruential generator is random enough to
 * choose steps.
 */
function randomOf(seed: number): () => number {
  let state = (seed ^ 0x9e3779b9) >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
