import { spawn } from "node:child_process";

/** How a program is started. Programs get argument vectors, never a shell line. */
export interface ExecOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Milliseconds after which the program is killed; none by default. */
  readonly timeout?: number;
  /** `collect` (default) keeps stdout and stderr, `inherit` shows them. */
  readonly output?: "collect" | "inherit";
  readonly input?: string;
}

export interface ExecResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program and resolves with its exit code, whatever it is; a signal counts as 128. */
export function run(argv: readonly string[], options: ExecOptions = {}): Promise<ExecResult> {
  const [program, ...args] = argv;
  if (program === undefined) throw new Error("run: empty argument vector");
  const stdio = options.output === "inherit" ? "inherit" : "pipe";
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      stdio: [options.input === undefined ? "inherit" : "pipe", stdio, stdio],
    });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout?.on("data", (chunk: Buffer) => stdout.push(chunk));
    child.stderr?.on("data", (chunk: Buffer) => stderr.push(chunk));
    child.stdin?.end(options.input);
    const timer = options.timeout === undefined ? undefined : setTimeout(end, options.timeout);
    // Whoever it handed its output to, as ssh does with the keeper of its connection, may have it open for
    // ever.
    function end(): void {
      child.kill("SIGKILL");
      for (const stream of [child.stdout, child.stderr]) stream?.destroy();
      stderr.push(Buffer.from(`\nno end within ${(options.timeout ?? 0) / 1000} s, so it was killed\n`));
    }
    child.on("error", (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.on("close", (code) => {
      clearTimeout(timer);
      resolve({
        code: code ?? 128,
        stdout: Buffer.concat(stdout).toString(),
        stderr: Buffer.concat(stderr).toString(),
      });
    });
  });
}

/** Runs a program that must succeed; resolves with its stdout, or throws with all that it said. */
export async function mustRun(argv: readonly string[], options: ExecOptions = {}): Promise<string> {
  const result = await run(argv, options);
  if (result.code === 0) return result.stdout;
  const said = (result.stderr + result.stdout).trim().split("\n").slice(-30).join("\n");
  throw new Error(`${argv.join(" ")}: exit code ${result.code}\n${said}`);
}
