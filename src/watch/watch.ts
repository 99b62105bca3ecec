import type { HostEvent, Notice, Part, WatchableHost } from "../host/events.ts";
import type { HostState } from "../host/state/state.ts";
import type { Spec } from "../spec/schema.ts";
import { type Change, changesBetween } from "./changes.ts";

/** What `watch` tells: what changed, and what is worth knowing of the watching itself. */
export type Entry =
  | { readonly kind: "change"; readonly at: Date; readonly change: Change }
  | { readonly kind: "notice"; readonly at: Date; readonly notice: Notice };

export interface WatchOptions {
  readonly host: WatchableHost;
  readonly spec: Spec;
  /** Tells what the host is when the watch begins. */
  readonly begin: (state: HostState) => void | Promise<void>;
  /** Tells one entry; while its promise is pending nothing more is told, and events add up. */
  readonly tell: (entry: Entry) => void | Promise<void>;
  /** Ends the watch. */
  readonly signal: AbortSignal;
  /** Seconds between looks at what tells nothing by itself; 0: never. */
  readonly every: number;
  readonly pace?: Pace;
}

/** All in ms. */
export interface Pace {
  /** How long it must be quiet before a look: one change of a link is several events. */
  readonly quiet: number;
  /** How long events may go on until there is a look all the same. */
  readonly longest: number;
  /**
   * The LAG's state and flows have no events: when they are looked at again after something else changed, the
   * last time at everything.
   */
  readonly echoes: readonly number[];
}

const usual: Pace = { quiet: 100, longest: 500, echoes: [1000, 3000, 10_000] };

/** As many notices as wait to be told; what the kernel logs above that is counted. */
const mostNotices = 200;

/**
 * Watches a host until the signal: events say when to look and at what, and the difference between two looks
 * is told. Of a hundred events that come together one look is made, and looks take a fifth of the time at
 * most. Throws what the first look throws.
 */
export async function watchHost(options: WatchOptions): Promise<void> {
  const { host, spec, tell, signal, every, pace = usual } = options;
  using pending = new Pending(pace, signal);
  using _events = host.listen((event) => pending.add(event));
  using _interval = repeat(every, () => pending.add({ parts: ["everything"] }));
  // What happens while it is looked at for the first time is heard already.
  let state = await host.look(new Set(["everything"]));
  await options.begin(state);
  for (;;) {
    const due = await pending.next();
    if (due === null) return;
    for (const { at, notice } of due.notices) await tell({ kind: "notice", at, notice });
    if (due.parts.size === 0) continue;
    const began = performance.now();
    const after = await looked(host, due.parts, state);
    pending.rest(4 * (performance.now() - began));
    if ("failed" in after) {
      const text = `the host cannot be looked at: ${after.failed}`;
      await tell({ kind: "notice", at: new Date(), notice: { kind: "lost", text } });
      pending.rest(1000);
      pending.add({ parts: [...due.parts] });
      continue;
    }
    const changes = changesBetween(state, after.state, spec);
    state = after.state;
    // It happened before it was seen, and perhaps after the first of the events that were looked into.
    const at = new Date();
    for (const change of changes) await tell({ kind: "change", at, change });
    if (changes.length > 0 && !due.isEcho) pending.echo();
  }
}

async function looked(
  host: WatchableHost,
  parts: ReadonlySet<Part>,
  before: HostState,
): Promise<{ readonly state: HostState } | { readonly failed: string }> {
  try {
    return { state: await host.look(parts, before) };
  } catch (error) {
    return { failed: error instanceof Error ? error.message : String(error) };
  }
}

interface Due {
  readonly parts: ReadonlySet<Part>;
  readonly notices: readonly { readonly at: Date; readonly notice: Notice }[];
  /** Nothing happened; it was time to look once more. */
  readonly isEcho: boolean;
}

/**
 * Events that were heard and not looked into yet. However many there are, they take no more room than a few.
 */
class Pending implements Disposable {
  readonly #pace: Pace;
  readonly #signal: AbortSignal;
  readonly #parts = new Set<Part>();
  #notices: { at: Date; notice: Notice }[] = [];
  #untold = 0;
  #first: Date | null = null;
  #isEcho = true;
  #lastHeard = 0;
  #since = 0;
  #notBefore = 0;
  #echoes: NodeJS.Timeout[] = [];
  #timer: NodeJS.Timeout | null = null;
  #wake: (() => void) | null = null;
  readonly #ended = () => this.#wake?.();

  constructor(pace: Pace, signal: AbortSignal) {
    this.#pace = pace;
    this.#signal = signal;
    signal.addEventListener("abort", this.#ended);
  }

  add({ parts, notice }: HostEvent, isEcho = false): void {
    const now = performance.now();
    if (this.#first === null) this.#since = now;
    this.#first ??= new Date();
    this.#lastHeard = now;
    this.#isEcho &&= isEcho;
    for (const part of parts) this.#parts.add(part);
    if (notice !== undefined) this.#note(notice);
    this.#schedule();
  }

  /** That something was lost needs to be said once a look. */
  #note(notice: Notice): void {
    if (notice.kind === "lost" && this.#notices.some((other) => other.notice.text === notice.text)) return;
    if (this.#notices.length < mostNotices) this.#notices.push({ at: new Date(), notice });
    else this.#untold++;
  }

  /** Looks again later, at what has no events. */
  echo(): void {
    for (const timer of this.#echoes) clearTimeout(timer);
    this.#echoes = this.#pace.echoes.map((after, index, all) => {
      const part = index === all.length - 1 ? "everything" : "nics";
      return setTimeout(() => this.add({ parts: [part] }, true), after);
    });
  }

  /** No look for so many ms. */
  rest(milliseconds: number): void {
    this.#notBefore = performance.now() + milliseconds;
  }

  /** What is due, when it is; null when the watch has ended. */
  async next(): Promise<Due | null> {
    while (!this.#signal.aborted && !this.#isDue()) {
      this.#schedule();
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = null;
    }
    return this.#signal.aborted ? null : this.#take();
  }

  [Symbol.dispose](): void {
    this.#signal.removeEventListener("abort", this.#ended);
    for (const timer of [...this.#echoes, this.#timer]) if (timer !== null) clearTimeout(timer);
  }

  #dueAt(): number {
    return Math.max(
      this.#notBefore,
      Math.min(this.#lastHeard + this.#pace.quiet, this.#since + this.#pace.longest),
    );
  }

  #isDue(): boolean {
    return this.#first !== null && performance.now() >= this.#dueAt();
  }

  #schedule(): void {
    if (this.#first === null || this.#timer !== null) return;
    this.#timer = setTimeout(
      () => {
        this.#timer = null;
        if (this.#isDue()) this.#wake?.();
        else this.#schedule();
      },
      Math.max(1, this.#dueAt() - performance.now()),
    );
  }

  #take(): Due {
    const text = `${this.#untold} more that were not told`;
    const rest = this.#untold === 0 ? [] : [{ at: new Date(), notice: { kind: "lost", text } as const }];
    const due = { parts: new Set(this.#parts), notices: [...this.#notices, ...rest], isEcho: this.#isEcho };
    this.#parts.clear();
    this.#notices = [];
    this.#untold = 0;
    this.#first = null;
    this.#isEcho = true;
    return due;
  }
}

function repeat(seconds: number, act: () => void): Disposable {
  const timer = seconds > 0 ? setInterval(act, seconds * 1000) : null;
  return { [Symbol.dispose]: () => timer !== null && clearInterval(timer) };
}
