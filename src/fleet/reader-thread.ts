import { carryOut, type Job } from "./jobs.ts";
import type { Answer } from "./reader.ts";

/** The thread in which what hosts said is read: it answers one job after the other, in the order in which they came. */
const { parentPort } = process.getBuiltinModule("node:worker_threads");
let last: Promise<void> = Promise.resolve();

parentPort?.on("message", (jobs: readonly Job[]) => {
  for (const job of jobs) last = last.then(() => answer(job));
});

async function answer(job: Job): Promise<void> {
  const answer = await carryOut(job).then((result): Answer => ({ result }), refused);
  const text =
    "result" in answer && typeof answer.result === "object" && answer.result !== null && "text" in answer.result
      ? answer.result.text
      : null;
  parentPort?.postMessage(answer, text === null ? [] : [text.buffer]);
}

/** What a FleetError or the system says is meant for the operator; anything else is a defect, which this host has brought to light. */
function refused(error: unknown): Answer {
  if (!(error instanceof Error)) return { refused: String(error) };
  const system = "code" in error && typeof error.code === "string" && error.code.startsWith("E");
  if (error.name === "FleetError" || system) return { refused: error.message };
  return { refused: `it cannot be judged, which is a defect of vflag, please report it: ${error.name}: ${error.message.slice(0, 500)}` };
}
