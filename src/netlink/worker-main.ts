import { parentPort } from "node:worker_threads";
import { NetlinkError } from "./errors.ts";
import { carryOut, type LongRequest, type Outcome } from "./long-request.ts";

/**
 * The worker's side of `runInWorker`: one request, one outcome, and then the next.
 * As a file it is loaded by URL; bundled with what it imports it can be given as source (see `useWorkerSource`).
 */
parentPort?.on("message", (request: LongRequest) => {
  parentPort?.postMessage(attempt(request));
});

function attempt(request: LongRequest): Outcome {
  try {
    carryOut(request);
    return { kind: "done" };
  } catch (error) {
    if (error instanceof NetlinkError) {
      const { request, errno, extack, attribute } = error;
      return { kind: "refused", details: { request, errno, extack, attribute } };
    }
    return { kind: "failed", message: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}
