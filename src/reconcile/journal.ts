import { closeSync, fstatSync, fsyncSync, mkdirSync, openSync, readSync, renameSync, statSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import type { Action } from "../host/action.ts";
import type { HostState } from "../host/state.ts";
import type { Spec } from "../spec/schema.ts";
import type { Failure, NicOutcome, Step } from "./reconcile.ts";
import { needsLastLook } from "./safety.ts";

/**
 * What is written down of a run, one JSON object a line. It is on the disk before the run begins and when it has ended, and
 * before each action that could cut somebody off; syncing for each of hundreds of bindings would take longer than they do.
 */
export type JournalEntry =
  | { readonly kind: "begin"; readonly command: string; readonly spec: Spec | null; readonly before: HostState }
  | { readonly kind: "action"; readonly nic: string; readonly requirement: string; readonly action: Action }
  | { readonly kind: "done"; readonly action: Action }
  | { readonly kind: "failed"; readonly action: Action; readonly code: string | null; readonly reason: string }
  | { readonly kind: "nic"; readonly nic: string; readonly status: NicOutcome["status"]; readonly left: readonly string[] }
  | { readonly kind: "end"; readonly after: HostState };

/** A file that grew beyond this, in bytes, is set aside as `<file>.1` when the next run begins. */
const rotateAt = 16 * 1024 * 1024;

/** The record of what was and what became: it is for people; a run that was killed goes on without it. */
export class Journal {
  readonly #fd: number;
  readonly #run: string;

  private constructor(fd: number, run: string) {
    this.#fd = fd;
    this.#run = run;
  }

  /** Opens the journal for one run. @throws when the folder cannot be written */
  static open(file: string): Journal {
    mkdirSync(dirname(file), { recursive: true, mode: 0o750 });
    if ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) > rotateAt) renameSync(file, `${file}.1`);
    const fd = openSync(file, "a+", 0o640);
    if (endsWithinLine(fd)) writeSync(fd, "\n");
    return new Journal(fd, `${new Date().toISOString()}/${process.pid}`);
  }

  write(entry: JournalEntry): void {
    writeSync(this.#fd, `${JSON.stringify({ at: new Date().toISOString(), run: this.#run, ...entry })}\n`);
    if (entry.kind === "begin" || entry.kind === "end" || (entry.kind === "action" && needsLastLook(entry.action))) fsyncSync(this.#fd);
  }

  actionBegins(step: Step, action: Action): void {
    this.write({ kind: "action", nic: step.nic, requirement: step.requirement, action });
  }

  actionEnds(action: Action, failure: Failure | Pick<Failure, "code" | "reason"> | null): void {
    this.write(failure === null ? { kind: "done", action } : { kind: "failed", action, code: failure.code, reason: failure.reason });
  }

  nicEnds({ nic, status, left }: NicOutcome): void {
    this.write({ kind: "nic", nic, status, left: left.map(({ requirement, subject, actual }) => `${requirement}: ${subject}: ${actual}`) });
  }

  close(): void {
    closeSync(this.#fd);
  }
}

/** Whether a run that was killed, or a power cut, left half a line at the end, so that the next entry would be lost with it. */
function endsWithinLine(fd: number): boolean {
  const { size } = fstatSync(fd);
  const last = Buffer.alloc(1);
  return size > 0 && readSync(fd, last, 0, 1, size - 1) === 1 && last.toString() !== "\n";
}
