import { spawn } from "node:child_process";
import { closeSync, constants, openSync, readSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { isUnknown, type Observed, unknown } from "../../state/observed.ts";
import { errnoName, reasonOf } from "../system/refusal.ts";

/**
 * Follows the kernel log. /dev/kmsg can be polled, and has no signal (linux kernel/printk/printk.c,
 * kmsg_fops), and a thread that waits in a read of it could not be called back: so `cat` waits in it, and its
 * output is heard. Source: linux Documentation/ABI/testing/dev-kmsg: a read gives one record,
 * `priority,sequence,time,flags;text`.
 */
export interface FollowLogOptions {
  readonly devRoot: string;
  readonly hear: (text: string) => void;
  /** Records were overwritten before they could be read. */
  readonly lost: () => void;
  /** What reads the log; a test hands in another program. */
  readonly argv?: readonly string[];
}

/** How long to wait before a reader that ended is started again, in ms. */
const pause = 1000;

/** Hears what the kernel logs from now on, until it is disposed of; unknown when the log cannot be opened. */
export function followKernelLog(options: FollowLogOptions): Observed<Disposable> {
  const last = lastSequence(join(options.devRoot, "kmsg"));
  if (isUnknown(last)) return last;
  const follower = new Follower(options, last);
  return { [Symbol.dispose]: () => follower.stop() };
}

class Follower {
  readonly #options: FollowLogOptions;
  /** The number of the newest record that was heard: a reader that is started begins at the oldest. */
  #last: number;
  #stop: () => void = () => {};

  constructor(options: FollowLogOptions, last: number) {
    this.#options = options;
    this.#last = last;
    this.#start();
  }

  stop(): void {
    this.#stop();
  }

  #start(): void {
    const [program = "cat", ...args] = this.#options.argv ?? ["cat", join(this.#options.devRoot, "kmsg")];
    const child = spawn(program, args, {
      stdio: ["ignore", "pipe", "ignore"],
      env: { ...process.env, LC_ALL: "C" },
    });
    const lines = createInterface({ input: child.stdout });
    lines.on("line", (line) => this.#take(line));
    const again = (): void => {
      lines.close();
      const timer = setTimeout(() => this.#start(), pause);
      this.#stop = () => clearTimeout(timer);
    };
    child.once("error", again);
    child.once("close", again);
    this.#stop = () => {
      child.off("close", again);
      child.off("error", again);
      child.on("error", () => {});
      lines.close();
      child.kill();
      // One that is frozen does not keep this process.
      child.unref();
      child.stdout.destroy();
    };
  }

  /**
   * Lines that begin with a blank tell more of the record before, and what stands between number and text may
   * grow.
   */
  #take(line: string): void {
    const found = recordOf(line);
    if (found === null || found.sequence <= this.#last) return;
    if (found.sequence > this.#last + 1) this.#options.lost();
    this.#last = found.sequence;
    this.#options.hear(found.text);
  }
}

/** One record of the kernel log; null for a line that is none. */
export function recordOf(line: string): { sequence: number; text: string } | null {
  const match = /^\d+,(\d+),\d+,[^;]*;(.*)$/s.exec(line);
  // Line feeds within a record, and other bytes that are no text, come escaped.
  return match === null
    ? null
    : { sequence: Number(match[1]), text: (match[2] ?? "").replaceAll("\\x0a", " ") };
}

/** The number of the newest record; -1 when there is none. */
function lastSequence(path: string): Observed<number> {
  let file: number;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    return unknown(`the kernel log cannot be read: ${reasonOf(error)}`);
  }
  try {
    const buffer = Buffer.alloc(8192);
    for (let last = -1; ; ) {
      const length = readRecord(file, buffer);
      if (length === 0) return last;
      const [line = ""] = buffer.toString("utf8", 0, length).split("\n");
      last = recordOf(line)?.sequence ?? last;
    }
  } finally {
    closeSync(file);
  }
}

/** How many bytes the next record has; 0 at the end, where the kernel answers EAGAIN. */
function readRecord(file: number, buffer: Buffer): number {
  for (;;) {
    try {
      return readSync(file, buffer);
    } catch (error) {
      // Records that were overwritten before they could be read are skipped.
      if (errnoName(error) !== "EPIPE") return 0;
    }
  }
}
