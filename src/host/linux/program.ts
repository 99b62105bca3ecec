import { execFile } from "node:child_process";

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
}

/** Starts a program and waits for its end. */
export type RunProgram = (argv: readonly string[], options?: ProgramOptions) => Promise<ProgramResult>;

/** It could not be started, was killed at its time limit, or (by `mustRun`) failed; the message has its own words. */
export class ProgramError extends Error {
  override readonly name = "ProgramError";
  readonly code: string | null;

  constructor(code: string | null, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

const defaultLimit = 30_000;
const outputLimit = 16 * 1024 * 1024;

/**
 * Starts a program by its argument vector, never through a shell, in the C locale, with its input closed.
 * Its exit code is the caller's business. Throws ProgramError: ENOENT, or ETIMEDOUT at the time limit.
 */
export const runProgram: RunProgram = (argv, { limit = defaultLimit, most, env } = {}) => {
  const [program = "", ...args] = argv;
  return new Promise((resolve, reject) => {
    const maxBuffer = most ?? outputLimit;
    const options = { timeout: limit, killSignal: "SIGKILL", maxBuffer, env: { ...process.env, LC_ALL: "C", ...env } } as const;
    const child = execFile(program, args, options, (error, stdout, stderr) => {
      if (error === null) return resolve({ stdout, stderr, code: 0 });
      if (error.code === "ERR_CHILD_PROCESS_STDIO_MAXBUFFER" && most !== undefined)
        return resolve({ stdout, stderr, code: null, cut: true });
      if (error.killed === true)
        return reject(new ProgramError("ETIMEDOUT", `${spoken(argv)}: no end after ${limit / 1000} s, so it was killed`));
      if (typeof error.code === "string")
        return reject(new ProgramError(error.code, `${spoken(argv)}: ${error.message}`, { cause: error }));
      resolve({ stdout, stderr, code: error.code ?? null });
    });
    child.stdin?.end();
  });
};

/** The output of a program that must succeed. Throws ProgramError with what it said. */
export async function mustRun(run: RunProgram, argv: readonly string[], options?: ProgramOptions): Promise<string> {
  const { stdout, stderr, code } = await run(argv, options);
  if (code === 0) return stdout;
  const said = (stderr.trim() === "" ? stdout : stderr).trim().split("\n").slice(-5).join("; ");
  throw new ProgramError(null, `${spoken(argv)}: exit code ${code ?? "none"}: ${said}`);
}

/** A command as messages name it: whole, or its beginning. */
function spoken(argv: readonly string[]): string {
  const line = argv.join(" ");
  return line.length <= 90 ? line : `${line.slice(0, 80)}...`;
}
