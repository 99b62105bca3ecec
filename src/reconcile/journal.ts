import { closeSync, fstatSync, fsyncSync, readSync, renameSync, statSync, writeSync } from "node:fs";
import type { Action } from "../host/actions/action.ts";
import { traitsOf } from "../host/actions/action-table.ts";
import type { HostState } from "../host/state/state.ts";
import type { Spec } from "../spec/schema.ts";
import type { Failure, NicOutcome, Step } from "./step.ts";

/**
 * What is written down of a run, one JSON object a line. It is on the disk before the run begins and when it
 * has ended, and before each action that could cut somebody off; syncing for each of hundreds of bindings
 * would take longer than they do.
 */
export type JournalEntry =
  | {
      readonly kind: "begin";
      readonly command: string;
      readonly spec: Spec | null;
      readonly before: HostState;
    }
  | { readonly kind: "action"; readonly nic: string; readonly requirement: string; readonly action: Action }
  | { readonly kind: "done"; readonly action: Action }
  | {
      readonly kind: "failed";
      readonly action: Action;
      readonly code: string | null;
      readonly reason: string;
    }
  | {
      readonly kind: "nic";
      readonly nic: string;
      readonly status: NicOutcome["status"];
      readonly left: readonly string[];
    }
  | { readonly kind: "interrupted" }
  | { readonly kind: "end"; readonly after: HostState };

/** A file that grew beyond this, in bytes, is set aside as `<file>.1` when the next run begins. */
const rotateAt = 16 * 1024 * 1024;

/** So much of what could not be written is kept, in bytes; of what comes after it only the number is. */
const mostKept = 16 * 1024 * 1024;

/** How a record gets to the disk of this machine, and who hears that it does not. */
export interface RecordKeeper {
  /** Opens a file to be appended to, unless another user may have put it there. */
  readonly open: (file: string) => number;
  /** Hears, in a line, what could not be written. */
  readonly warn: (text: string) => void;
  /** What an error says, in a line. */
  readonly reason: (error: unknown) => string;
}

/**
 * The record of what was and what became: it is for people; a run that was killed goes on without it. Nothing
 * here throws: where it cannot be written, that is said once, what it should hold is kept and tried again
 * with each further entry, and what is missing in the end is said too.
 */
export class Journal {
  readonly #file: string;
  readonly #keeper: RecordKeeper;
  readonly #run = `${new Date().toISOString()}/${process.pid}`;
  #fd: number | null = null;
  /** Lines that are not in the file yet; of the first one perhaps only the end. */
  #waiting: Buffer[] = [];
  #kept = 0;
  #dropped = 0;
  #trouble: string | null = null;

  private constructor(file: string, keeper: RecordKeeper) {
    this.#file = file;
    this.#keeper = keeper;
  }

  /** Begins to write down one run. */
  static open(file: string, keeper: RecordKeeper): Journal {
    const journal = new Journal(file, keeper);
    journal.#attempt(() => journal.#prepare());
    return journal;
  }

  write(entry: JournalEntry): void {
    const line = Buffer.from(
      `${JSON.stringify({ at: new Date().toISOString(), run: this.#run, ...entry })}\n`,
    );
    if (this.#kept + line.length > mostKept) this.#dropped++;
    else {
      this.#waiting.push(line);
      this.#kept += line.length;
    }
    const mustStay =
      entry.kind === "begin" ||
      entry.kind === "end" ||
      (entry.kind === "action" && traitsOf(entry.action).cutsOff);
    this.#attempt(() => this.#flush(mustStay));
  }

  actionBegins(step: Step, action: Action): void {
    this.write({ kind: "action", nic: step.nic, requirement: step.requirement, action });
  }

  actionEnds(action: Action, failure: Failure | Pick<Failure, "code" | "reason"> | null): void {
    this.write(
      failure === null
        ? { kind: "done", action }
        : { kind: "failed", action, code: failure.code, reason: failure.reason },
    );
  }

  nicEnds({ nic, status, left }: NicOutcome): void {
    this.write({
      kind: "nic",
      nic,
      status,
      left: left.map(({ requirement, subject, actual }) => `${requirement}: ${subject}: ${actual}`),
    });
  }

  close(): void {
    if (this.#waiting.length > 0) this.#attempt(() => this.#flush(true));
    const missing = this.#waiting.length + this.#dropped;
    if (missing > 0)
      this.#keeper.warn(
        `${missing} entries of the journal ${this.#file} were never written: ` +
          `${this.#trouble ?? "no reason known"}`,
      );
    else if (this.#trouble !== null) this.#keeper.warn(`the journal ${this.#file} is complete again`);
    if (this.#fd !== null) closeSync(this.#fd);
    this.#fd = null;
  }

  /** The file, to append to. */
  #prepare(): number {
    if (this.#fd !== null) return this.#fd;
    if ((statSync(this.#file, { throwIfNoEntry: false })?.size ?? 0) > rotateAt)
      this.#attempt(() => renameSync(this.#file, `${this.#file}.1`));
    const fd = this.#keeper.open(this.#file);
    this.#fd = fd;
    if (endsWithinLine(fd)) writeSync(fd, "\n");
    return fd;
  }

  #flush(mustStay: boolean): void {
    const fd = this.#prepare();
    for (let [line] = this.#waiting; line !== undefined; [line] = this.#waiting) {
      // On a disk that is nearly full, a part is written first, and the rest is refused.
      const written = writeSync(fd, line);
      this.#kept -= written;
      if (written < line.length) this.#waiting[0] = line.subarray(written);
      else this.#waiting.shift();
    }
    if (mustStay) fsyncSync(fd);
  }

  #attempt(work: () => void): void {
    try {
      work();
    } catch (error) {
      const reason = this.#keeper.reason(error);
      const first = this.#trouble === null;
      this.#trouble = reason.includes(this.#file) ? reason : `${reason} '${this.#file}'`;
      if (first)
        this.#keeper.warn(
          `the journal cannot be written: ${this.#trouble}; the run goes on, and keeps what it would hold ` +
            `in memory`,
        );
    }
  }
}

/**
 * Whether a run that was killed, or a power cut, left half a line at the end, so that the next entry would be
 * lost with it.
 */
function endsWithinLine(fd: number): boolean {
  const { size } = fstatSync(fd);
  const last = Buffer.alloc(1);
  return size > 0 && readSync(fd, last, 0, 1, size - 1) === 1 && last.toString() !== "\n";
}
