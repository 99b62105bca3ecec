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

/**
 * Reads what hosts said in a thread of its own, each within limits of time and memory: one that takes too much is given up with its reason,
 * and the others go on in a new thread. The thread is started when it is needed.
 */
export class Reader implements Disposable {
  readonly #limits: ReaderLimits;
  readonly #start: () => Worker;
  #worker: Worker | null = null;
  /** Jobs that the thread has, in the order in which it answers. */
  readonly #asked: Asked[] = [];
  /** Jobs that it will get together: a message costs as much as a small job. */
  #waiting: Asked[] = [];
  #timer: NodeJS.Timeout | null = null;

  /** @param start makes the thread; a test hands in its own */
  constructor(limits: ReaderLimits = readerLimits, start: () => Worker = () => startThread(limits)) {
    this.#limits = limits;
    this.#start = start;
  }

  run<K extends keyof Results>(job: Extract<Job, { readonly kind: K }>): Promise<Results[K] | Refused> {
    const { promise, resolve } = Promise.withResolvers<Results[K] | Refused>();
    // The thread answers a job of this kind with a result of this kind.
    const settle = (answer: { readonly result: Results[K] } | Refused) => resolve("result" in answer ? answer.result : answer);
    this.#waiting.push({ job, settle: settle as Asked["settle"] });
    if (this.#waiting.length === 1) queueMicrotask(() => this.#send());
    return promise;
  }

  [Symbol.dispose](): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    void this.#worker?.terminate();
    this.#worker = null;
  }

  #send(): void {
    const some = this.#waiting;
    this.#waiting = [];
    if (some.length === 0) return;
    this.#thread().postMessage(some.map(({ job }) => job));
    this.#asked.push(...some);
    this.#timer ??= this.#watch();
  }

  #thread(): Worker {
    if (this.#worker !== null) return this.#worker;
    const worker = this.#start();
    this.#worker = worker;
    worker.on("message", (answer: Answer) => {
      if (worker === this.#worker) this.#next(answer);
    });
    worker.on("error", (error: Error) => {
      const memory = "code" in error && error.code === "ERR_WORKER_OUT_OF_MEMORY";
      if (worker === this.#worker)
        this.#giveUp(memory ? `reading it takes more than ${this.#limits.mebibytes} MiB of memory` : error.message);
    });
    return worker;
  }

  /** The answer to the oldest job; the next one's time begins. */
  #next(answer: Answer): void {
    const asked = this.#asked.shift();
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = this.#asked.length > 0 ? this.#watch() : null;
    asked?.settle(answer);
  }

  /** Where this thread had other things to do, an answer may have been there for long: it is heard first. */
  #watch(): NodeJS.Timeout {
    const [head] = this.#asked;
    const { milliseconds } = this.#limits;
    return setTimeout(() => {
      setImmediate(() => {
        if (head === this.#asked[0] && this.#worker !== null) this.#giveUp(`reading it takes more than ${milliseconds / 1000} s`);
      });
    }, milliseconds);
  }

  /** The oldest job is refused, and those behind it go to a new thread. */
  #giveUp(reason: string): void {
    void this.#worker?.terminate();
    this.#worker = null;
    const [head, ...others] = this.#asked.splice(0);
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#waiting.unshift(...others);
    this.#send();
    head?.settle({ refused: reason, limit: true });
  }
}

/** From its own file, or from the text that the shipped program has. */
function startThread({ mebibytes }: ReaderLimits): Worker {
  const { Worker } = process.getBuiltinModule("node:worker_threads");
  const options = { resourceLimits: { maxOldGenerationSizeMb: mebibytes, maxYoungGenerationSizeMb: 64 } };
  if (readerText !== null) return new Worker(readerText, { ...options, eval: true });
  return new Worker(new URL("./reader-thread.ts", import.meta.url), options);
}

/** The results of jobs for many things, in their order, while so many are under way. */
export async function* ahead<T, R>(items: Iterable<T>, most: number, start: (item: T) => Promise<R>): AsyncGenerator<readonly [T, R]> {
  const started: (readonly [T, Promise<R>])[] = [];
  for (const item of items) {
    started.push([item, start(item)]);
    if (started.length < most) continue;
    // Half of them are taken before new ones are started, so that these go out together.
    for (const [done, result] of started.splice(0, Math.ceil(most / 2))) yield [done, await result];
  }
  for (const [item, result] of started) yield [item, await result];
}
