import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { anyOf } from "../../any-of.ts";
import { systemErrorOf } from "./system-error.ts";

export interface ProgramResult {
  readonly stdout: string;
  readonly stderr: string;
  /** Null when a signal ended it. */
  readonly code: number | null;
  /** It printed more than was wanted, and was ended; `stdout` is the beginning. */
  readonly cut?: true;
}

export interface ProgramOptions {
  /** How long it may take, in ms; then it is killed. */
  readonly limit?: number;
  /** So many characters of what it prints are wanted; more are no error. */
  readonly most?: number;
  /** Variables of its environment, beside this process's own. */
  readonly env?: Readonly<Record<string, string>>;
  /**
   * It gets a session of its own: what a terminal sends (Ctrl-C, its end) does not reach it, but this
   * process, which decides. For programs that look at or change the host; one that may ask a person for a
   * password must not have it. Its environment has no variable that makes it run something else.
   */
  readonly ownSession?: boolean;
}

/** Starts a program and waits for its end. */
export type RunProgram = (argv: readonly string[], options?: ProgramOptions) => Promise<ProgramResult>;

/**
 * It could not be started, was killed at its time limit, or (by `mustRun`) failed; the message has its own
 * words.
 */
export class ProgramError extends Error {
  override readonly name = "ProgramError";
  readonly code: string | null;

  constructor(code: string | null, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** A program that was started and has not ended. */
export interface RunningProgram {
  readonly pid: number;
  readonly name: string;
  /** Sends a signal to it, and in a session of its own to all that it has started. */
  readonly signal: (name: NodeJS.Signals) => void;
  /** Until it has ended, or has been given up. */
  readonly ended: Promise<void>;
}

const running = new Set<RunningProgram>();

/** The programs that run now. */
export function runningPrograms(): readonly RunningProgram[] {
  return [...running];
}

const defaultLimit = 30_000;
const outputLimit = 16 * 1024 * 1024;

/** How long a killed program may take to be gone, in ms. */
const killLimit = 2000;

/** How long what a program left behind may keep its output open after its own end, in ms. */
const tailLimit = 2000;

/**
 * Starts a program by its argument vector, never through a shell, in the C locale, without input.
 * Its exit code is the caller's business. Throws ProgramError: ENOENT, or ETIMEDOUT at the time limit, which
 * holds also for a program that not even SIGKILL ends: the message then names the process, and what it hangs
 * in.
 */
export const runProgram: RunProgram = (argv, options = {}) => {
  const { limit = defaultLimit, most, env, ownSession = false } = options;
  const [program = "", ...args] = argv;
  return new Promise((resolve, reject) => {
    let child: ChildProcess;
    try {
      child = spawn(program, args, {
        stdio: ["ignore", "pipe", "pipe"],
        env: { ...environment(ownSession), LC_ALL: "C", ...env },
        detached: ownSession,
      });
    } catch (error) {
      // Such as an argument that is longer than the kernel takes.
      return reject(notStarted(argv, error));
    }
    const { promise: ended, resolve: end } = Promise.withResolvers<void>();
    const kill = (signal: NodeJS.Signals) => sendTo(child, ownSession, signal);
    const entry: RunningProgram = { pid: child.pid ?? 0, name: basename(program), signal: kill, ended };
    if (child.pid !== undefined) running.add(entry);
    const output = new Output(child, most ?? outputLimit, () => kill("SIGKILL"));
    let timer = setTimeout(() => {
      kill("SIGKILL");
      timer = setTimeout(() => settle(() => reject(overdue(argv, child, limit))), killLimit);
    }, limit);
    let isOver = false;
    const settle = (how: () => void) => {
      if (isOver) return;
      isOver = true;
      clearTimeout(timer);
      running.delete(entry);
      // Whatever is still there keeps neither this process nor its memory busy.
      child.unref();
      child.stdout?.destroy();
      child.stderr?.destroy();
      how();
      end();
    };
    const began = performance.now();
    const finished = (code: number | null) => {
      const { stdout, stderr, isFull } = output;
      if (isFull && most !== undefined) return resolve({ stdout, stderr, code: null, cut: true });
      if (isFull)
        return reject(
          new ProgramError(
            "EMSGSIZE",
            `${spoken(argv)}: printed more than ${outputLimit} characters, so it was killed`,
          ),
        );
      if (code === null && performance.now() - began >= limit)
        return reject(
          new ProgramError("ETIMEDOUT", `${spoken(argv)}: no end after ${limit / 1000} s, so it was killed`),
        );
      resolve({ stdout, stderr, code });
    };
    child.once("error", (error) => settle(() => reject(notStarted(argv, error))));
    child.once("close", (code) => settle(() => finished(code)));
    child.once("exit", (code) => {
      clearTimeout(timer);
      timer = setTimeout(() => settle(() => finished(code)), tailLimit);
    });
  });
};

/** The same for programs that look at or change the host. */
export const inOwnSession: RunProgram = (argv, options) => runProgram(argv, { ...options, ownSession: true });

/** Variables by which a loader, a shell, an interpreter or a library runs or loads what somebody names. */
const loading = anyOf(
  /^(?:LD_|OPENSSL_|NODE_|PYTHON|PERL|RUBY|BASH_FUNC_)/,
  /^(?:GLIBC_TUNABLES|GCONV_PATH|BASH_ENV|ENV|SHELLOPTS|BASHOPTS|IFS)$/,
);

/** The environment of a program: of one that acts on the host, nothing that makes it run something else. */
function environment(isOnHost: boolean): NodeJS.ProcessEnv {
  if (!isOnHost) return process.env;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !loading.test(name)));
}

/** The output of a program that must succeed. Throws ProgramError with what it said. */
export async function mustRun(
  run: RunProgram,
  argv: readonly string[],
  options?: ProgramOptions,
): Promise<string> {
  const { stdout, stderr, code } = await run(argv, options);
  if (code === 0) return stdout;
  const said = (stderr.trim() === "" ? stdout : stderr).trim().split("\n").slice(-5).join("; ");
  throw new ProgramError(null, `${spoken(argv)}: exit code ${code ?? "none"}: ${said}`);
}

/** What a program prints, up to a limit. */
class Output {
  stdout = "";
  stderr = "";
  isFull = false;

  constructor(child: ChildProcess, most: number, full: () => void) {
    for (const name of ["stdout", "stderr"] as const) {
      child[name]?.setEncoding("utf8").on("data", (text: string) => {
        if (this.isFull) return;
        this[name] += text;
        if (this[name].length <= most) return;
        this[name] = this[name].slice(0, most);
        this.isFull = true;
        full();
      });
      // What it printed until then is there.
      child[name]?.on("error", () => {});
    }
  }
}

function sendTo(child: ChildProcess, isGroup: boolean, signal: NodeJS.Signals): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  try {
    process.kill(isGroup ? -child.pid : child.pid, signal);
  } catch {
    // It has ended meanwhile.
  }
}

function notStarted(argv: readonly string[], error: unknown): ProgramError {
  const code =
    systemErrorOf(error)?.code ??
    (error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : null);
  return new ProgramError(
    code,
    `${spoken(argv)}: ${error instanceof Error ? error.message : String(error)}`,
    { cause: error },
  );
}

/**
 * It was killed, and is still there: stopped by the freezer of its cgroup, or asleep in the kernel (proc(5):
 * state D).
 */
function overdue(argv: readonly string[], { pid }: ChildProcess, limit: number): ProgramError {
  const state = /^State:\t(.*)$/m.exec(readProc(pid, "status"))?.[1] ?? "state unknown";
  const where = readProc(pid, "wchan").trim();
  const place = where === "" || where === "0" ? "" : ` in ${where}`;
  return new ProgramError(
    "ETIMEDOUT",
    `${spoken(argv)}: no end after ${limit / 1000} s, and SIGKILL does not end it: process ` +
      `${pid} is ${state}${place} (cat /proc/${pid}/stack, /proc/${pid}/cgroup)`,
  );
}

function readProc(pid: number | undefined, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, "utf8");
  } catch {
    return "";
  }
}

/** A command as messages name it: whole, or its beginning. */
function spoken(argv: readonly string[]): string {
  const line = argv.join(" ");
  return line.length <= 90 ? line : `${line.slice(0, 80)}...`;
}
