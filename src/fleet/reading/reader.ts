import type { Worker } from "node:worker_threads";
import type { Job, Results } from "./jobs.ts";
import { readerText } from "./reader-text.ts";

/** What one host may take of this machine. */
export interface ReaderLimits {
  readonly milliseconds: number;
  readonly mebibytes: number;
}

/** A host of 2,000 VFs takes a tenth of these. */
export const readerLimits: ReaderLimits = { milliseconds: 20_000, mebibytes: 384 };

export type Answer = { readonly result: Results[keyof Results] } | Refused;

/** Why nothing came of a job: what is wrong with what the host said, or that it took too much. */
export interface Refused {
  readonly refused: string;
  /** It took more time or memory than a host may. */
  readonly limit?: true;
}

interface Asked {
  readonly job: Job;
  readonly settle: (answer: Answer) => void;
}

/** A thread, and how many jobs it has done, which it counts itself: answers come several at a time. */
export interface Thread {
  readonly worker: Worker;
  readonly done: Int32Array<SharedArrayBuffer>;
}

/**
 * Reads what hosts said in a thread of its own, each within limits of time and memory: one that takes too
 * much is given up with its reason, and the others go on in a new thread. The thread is started when it is
 * needed.
 */
export class Reader implements Disposable {
  readonly #limits: ReaderLimits;
  readonly #start: (limits: ReaderLimits) => Thread;
  #thread: Thread | null = null;
  /** Jobs that the thread has, in the order in which it answers; and how many answers have come from it. */
  #asked: Asked[] = [];
  #answered = 0;
  /** The thread has said that it is there: before that its jobs' time does not run. */
  #ready = false;
  /** Jobs that it will get together: a message costs as much as a small job. */
  #waiting: Asked[] = [];
  #timer: NodeJS.Timeout | null = null;
  readonly #spare: ArrayBuffer[] = [];

  /** @param start makes the thread; a test hands in its own */
  constructor(limits: ReaderLimits = readerLimits, start: (limits: ReaderLimits) => Thread = startThread) {
    this.#limits = limits;
    this.#start = start;
  }

  run<K extends keyof Results>(job: Extract<Job, { readonly kind: K }>): Promise<Results[K] | Refused> {
    const { promise, resolve } = Promise.withResolvers<Results[K] | Refused>();
    // The thread answers a job of this kind with a result of this kind.
    const settle = (answer: { readonly result: Results[K] } | Refused) =>
      resolve("result" in answer ? answer.result : answer);
    this.#waiting.push({ job, settle: settle as Asked["settle"] });
    if (this.#waiting.length === 1) queueMicrotask(() => this.#send());
    return promise;
  }

  /**
   * Gives back the memory of an answer that is not needed any more: new memory for each would have to be
   * looked for and removed by the collector of garbage. Nothing is in it afterwards.
   */
  reuse({ buffer }: Uint8Array): void {
    const fits = buffer instanceof ArrayBuffer && buffer.byteLength <= mostSpare.bytes;
    if (fits && this.#spare.length < mostSpare.answers) this.#spare.push(buffer);
  }

  [Symbol.dispose](): void {
    this.#stop();
  }

  #send(): void {
    const some = this.#waiting;
    this.#waiting = [];
    if (some.length === 0) return;
    this.#thread ??= this.#started();
    const memory: ArrayBuffer[] = [];
    const jobs = some.map(({ job }) => {
      const spare = job.kind === "report" ? this.#spare.pop() : undefined;
      if (spare === undefined) return job;
      memory.push(spare);
      return { ...job, memory: spare };
    });
    this.#thread.worker.postMessage(jobs, memory);
    this.#asked.push(...some);
    this.#timer ??= this.#watch();
  }

  #started(): Thread {
    const thread = this.#start(this.#limits);
    this.#answered = 0;
    this.#ready = false;
    thread.worker.on("message", (answers: readonly Answer[]) => {
      if (thread !== this.#thread) return;
      if (!this.#ready && this.#timer !== null) clearTimeout(this.#timer);
      if (!this.#ready) this.#timer = this.#watch();
      this.#ready = true;
      for (const answer of answers) this.#next(answer);
    });
    thread.worker.on("error", (error: Error) => {
      const memory = "code" in error && error.code === "ERR_WORKER_OUT_OF_MEMORY";
      const { mebibytes } = this.#limits;
      if (thread === this.#thread)
        this.#giveUp(memory ? `reading it takes more than ${mebibytes} MiB of memory` : error.message);
    });
    return thread;
  }

  #next(answer: Answer): void {
    this.#answered += 1;
    this.#asked.shift()?.settle(answer);
    if (this.#asked.length === 0 && this.#timer !== null) {
      clearTimeout(this.#timer);
      this.#timer = null;
    }
  }

  /**
   * Gives the thread up that has done nothing for so long. What this thread does meanwhile does not count:
   * the other one's counter tells.
   */
  #watch(): NodeJS.Timeout {
    const thread = this.#thread;
    const before = thread === null ? 0 : Atomics.load(thread.done, 0);
    return setTimeout(() => {
      this.#timer = null;
      if (thread === null || thread !== this.#thread || this.#asked.length === 0) return;
      // Answers may be on their way.
      if (
        this.#ready &&
        Atomics.load(thread.done, 0) === before &&
        before - this.#answered < this.#asked.length
      )
        this.#giveUp(`reading it takes more than ${this.#limits.milliseconds / 1000} s`);
      else this.#timer = this.#watch();
    }, this.#limits.milliseconds);
  }

  /**
   * The job that the thread has begun is refused; the others, also those whose answers were not sent, go to a
   * new thread.
   */
  #giveUp(reason: string): void {
    const done = this.#thread === null ? 0 : Atomics.load(this.#thread.done, 0) - this.#answered;
    this.#stop();
    const asked = this.#asked;
    this.#asked = [];
    const [refused] = asked.splice(done, 1);
    this.#waiting.unshift(...asked);
    this.#send();
    refused?.settle({ refused: reason, limit: true });
  }

  #stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    void this.#thread?.worker.terminate();
    this.#thread = null;
  }
}

/** How much memory of answers waits to be used again. */
const mostSpare = { answers: 128, bytes: 1024 * 1024 } as const;

/** From its own file, or from the text that the shipped program has. */
function startThread({ mebibytes }: ReaderLimits): Thread {
  const { Worker } = process.getBuiltinModule("node:worker_threads");
  const done = new Int32Array(new SharedArrayBuffer(4));
  const options = {
    workerData: done,
    resourceLimits: { maxOldGenerationSizeMb: mebibytes, maxYoungGenerationSizeMb: 64 },
  };
  // Else Node reads all of the text first to see whether it is a module, or TypeScript.
  const execArgv = ["--input-type=commonjs"];
  if (readerText !== null)
    return { done, worker: new Worker(readerText, { ...options, execArgv, eval: true }) };
  return { done, worker: new Worker(new URL("./reader-thread.ts", import.meta.url), options) };
}

/** The results of jobs for many things, in their order, while so many are under way. */
export async function* ahead<T, R>(
  items: Iterable<T>,
  most: number,
  start: (item: T) => Promise<R>,
): AsyncGenerator<readonly [T, R]> {
  const started: (readonly [T, Promise<R>])[] = [];
  for (const item of items) {
    const result = start(item);
    // Where one before it fails, nobody waits for it any more.
    result.catch(() => {});
    started.push([item, result]);
    if (started.length < most) continue;
    // Half of them are taken before new ones are started, so that these go out together.
    for (const [done, result] of started.splice(0, Math.ceil(most / 2))) yield [done, await result];
  }
  for (const [item, result] of started) yield [item, await result];
}
