import { carryOut, type Job } from "./jobs.ts";
import type { Answer } from "./reader.ts";

/**
 * The thread in which what hosts said is read: it answers one job after the other, in the order in which they
 * came.
 */
const { parentPort, workerData } = process.getBuiltinModule("node:worker_threads");
let last: Promise<void> = Promise.resolve();
/** Jobs that are done: whoever waits for an answer sees by it which one is not. */
const done: Int32Array<SharedArrayBuffer> = workerData;
let left = 0;
let ready: Answer[] = [];
let began = performance.now();

parentPort?.on("message", (jobs: readonly Job[]) => {
  left += jobs.length;
  for (const job of jobs) last = last.then(() => answer(job));
});

// Time runs from now on.
parentPort?.postMessage([]);

async function answer(job: Job): Promise<void> {
  ready.push(await carryOut(job).then((result): Answer => ({ result }), refused));
  left -= 1;
  Atomics.add(done, 0, 1);
  // A message costs as much as a small job: answers go together, but none waits for a job that takes long.
  if (left > 0 && ready.length < 16 && performance.now() - began < 50) return;
  parentPort?.postMessage(ready, ready.flatMap(ownMemory));
  ready = [];
  began = performance.now();
}

/** The memory that goes to the other thread as it is, and not as a copy: most of an answer is a state. */
function ownMemory(answer: Answer): ArrayBuffer[] {
  const result = "result" in answer ? answer.result : null;
  if (typeof result !== "object" || result === null || !("text" in result)) return [];
  return result.text.buffer instanceof ArrayBuffer ? [result.text.buffer] : [];
}

/**
 * What a FleetError or the system says is meant for the operator; anything else is a defect, which this host
 * has brought to light.
 */
function refused(error: unknown): Answer {
  if (!(error instanceof Error)) return { refused: String(error) };
  const system = "code" in error && typeof error.code === "string" && error.code.startsWith("E");
  if (error.name === "FleetError" || system) return { refused: error.message };
  return {
    refused:
      `it cannot be judged, which is a defect of vflag, please report it: ${error.name}: ` +
      `${error.message.slice(0, 500)}`,
  };
}
