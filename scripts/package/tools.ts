import { spawn, spawnSync } from "node:child_process";

/** Programs of the system that packages are made with, and where they come from. */
export interface Tool {
  readonly program: string;
  readonly what: string;
  readonly debian: string;
  readonly redHat: string;
}

/** @throws Error with the remedy, when one is missing */
export function requireTools(tools: readonly Tool[]): void {
  const missing = tools.filter(({ program }) => !isInstalled(program));
  if (missing.length === 0) return;
  const lines = missing.map(
    ({ program, what, debian, redHat }) =>
      `${program}, which ${what}, is not installed: apt-get install ${debian} (Debian, Ubuntu), dnf install ${redHat} (RHEL, Fedora)`,
  );
  throw new Error(lines.join("\n"));
}

export function isInstalled(program: string): boolean {
  return spawnSync(program, ["--version"], { stdio: "ignore" }).error === undefined;
}

/** Runs a program to its end. @throws Error with all that it said, when it fails */
export async function run(
  program: string,
  argv: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<void> {
  const child = spawn(program, argv, {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, LC_ALL: "C.UTF-8", ...env },
  });
  let said = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => (said += text));
  const status = await new Promise<number | null>((resolve, reject) =>
    child.on("error", reject).on("close", resolve),
  );
  if (status !== 0) throw new Error(`${program} ${argv.join(" ")}: exit code ${status}\n${said}`);
}
