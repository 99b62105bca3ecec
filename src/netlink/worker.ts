import { constants } from "node:os";
import { Worker } from "node:worker_threads";
import { failure, NetlinkError } from "./errors.ts";
import { describeRequest, type LongRequest, type Outcome } from "./long-request.ts";

export interface WorkerOptions {
  /** How long to wait for the outcome, in ms. Default 120000. */
  readonly timeout?: number;
}

/**
 * Carries a long request out in a thread of its own, so that this one goes on: the kernel works inside send().
 * The thread is kept for the next request; starting one takes about 35 ms, unless `prepareWorker` was called before.
 * Serialise requests to one NIC yourself; different NICs can go in parallel.
 *
 * Rejects with the NetlinkError that the kernel gave, or with code ETIMEDOUT when the time is over. A system call cannot
 * be taken back, and no socket option bounds send(): after ETIMEDOUT the kernel may still be at work, the outcome is
 * unknown, and the process cannot end before the kernel lets the thread go. Observe again before doing anything else.
 *
 * @example
 * await Promise.all([
 *   runInWorker({ kind: "setEswitch", handle: "pci/0000:37:00.0", change: { mode: "switchdev" } }),
 *   runInWorker({ kind: "setEswitch", handle: "pci/0000:d8:00.0", change: { mode: "switchdev" } }),
 * ]);
 */
export async function runInWorker(request: LongRequest, { timeout = 120_000 }: WorkerOptions = {}): Promise<void> {
  const worker = idle.pop() ?? startWorker();
  worker.ref();
  const outcome = await outcomeOf(worker, request, timeout)
    .catch((error: unknown) => {
      // Not awaited: a thread inside a system call ends only when the kernel returns.
      void worker.terminate();
      throw error;
    })
    .finally(() => worker.unref());
  idle.push(worker);
  if (outcome.kind === "refused") throw new NetlinkError(outcome.details);
  if (outcome.kind === "failed") throw new Error(`${describeRequest(request)}: ${outcome.message}`);
}

/** Starts a thread now, for a long request that will come soon. It keeps no process from ending. */
export function prepareWorker(): void {
  if (idle.length > 0) return;
  const worker = startWorker();
  worker.unref();
  idle.push(worker);
}

/**
 * Gives the worker's JavaScript as text, for a single executable, which has no file to load it from:
 * `worker-main.ts` bundled with its imports as one CommonJS script. Without it the file beside this one is used.
 */
export function useWorkerSource(source: string): void {
  workerSource = source;
  for (const worker of idle.splice(0)) void worker.terminate();
}

/** Threads that wait for a request. */
const idle: Worker[] = [];
let workerSource: string | null = null;

function startWorker(): Worker {
  const options = { execArgv: ["--disable-warning=ExperimentalWarning"] };
  const worker =
    workerSource === null
      ? new Worker(new URL("./worker-main.ts", import.meta.url), options)
      : new Worker(workerSource, { ...options, eval: true });
  const forget = () => {
    if (idle.includes(worker)) idle.splice(idle.indexOf(worker), 1);
  };
  // One that fails while it waits is only forgotten; whoever has given it a request hears of it himself.
  return worker.on("exit", forget).on("error", forget);
}

function outcomeOf(worker: Worker, request: LongRequest, timeout: number): Promise<Outcome> {
  const { promise, resolve, reject } = Promise.withResolvers<Outcome>();
  const timer = setTimeout(() => {
    reject(failure(describeRequest(request), constants.errno.ETIMEDOUT, `no answer within ${timeout} ms; the kernel may still be at work`));
  }, timeout);
  const onExit = (code: number) => reject(new Error(`${describeRequest(request)}: the worker ended with ${code} and no answer`));
  worker.once("message", resolve).once("error", reject).once("exit", onExit);
  worker.postMessage(request);
  return promise.finally(() => {
    clearTimeout(timer);
    worker.off("message", resolve).off("error", reject).off("exit", onExit);
  });
}
