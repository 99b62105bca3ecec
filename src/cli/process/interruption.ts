import { type RunningProgram, runningPrograms } from "../../host/linux/system/program.ts";
import { complain } from "./output.ts";
import { type EndSignal, Interrupted, onSignal } from "./signals.ts";

/** How long a program has after SIGTERM, in ms. */
const patience = 5000;

/**
 * A signal while the host is acted on: the first one lets what is under way come to its end, a program or a
 * request to the kernel, and nothing new begin; the second one ends the programs. The lock is let go of only
 * when nothing is under way any more.
 */
export class Interruption implements Disposable {
  readonly #controller = new AbortController();
  readonly #listening = onSignal((signal) => this.#hear(signal));
  #by: EndSignal | null = null;

  /** Aborted by the first signal. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Throws Interrupted where there was a signal. */
  check(): void {
    if (this.#by !== null) throw new Interrupted(this.#by);
  }

  /** What may be left off at any time: it is waited for until there is a signal. */
  async unless<T>(work: Promise<T>): Promise<T> {
    const { promise, reject } = Promise.withResolvers<never>();
    const stop = () => reject(new Interrupted(this.#by ?? "SIGTERM"));
    this.signal.addEventListener("abort", stop);
    try {
      return await Promise.race([work, promise]);
    } finally {
      this.signal.removeEventListener("abort", stop);
    }
  }

  [Symbol.dispose](): void {
    this.#listening[Symbol.dispose]();
  }

  #hear(signal: EndSignal): void {
    const programs = runningPrograms();
    if (this.#by === null) {
      this.#by = signal;
      const waiting =
        programs.length === 0
          ? "what is under way"
          : programs.map(({ name, pid }) => `${name} (process ${pid})`).join(", ");
      complain(
        `${signal}: waits for ${waiting} to end${programs.length === 0 ? "" : "; a second signal ends it"}`,
      );
      this.#controller.abort();
    } else for (const program of programs) void end(program);
  }
}

async function end(program: RunningProgram): Promise<void> {
  program.signal("SIGTERM");
  const timer = setTimeout(() => program.signal("SIGKILL"), patience);
  await program.ended;
  clearTimeout(timer);
}
