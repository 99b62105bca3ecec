import { spawn } from "node:child_process";
import { join } from "node:path";

/**
 * `npm run check`: types, lint, import rules and dead code, beside each other. What they have to say is
 * printed one after the other.
 */

const modules = join(import.meta.dirname, "../node_modules");

/**
 * TypeScript 7 checks in a quarter of the time; dependency-cruiser reads sources with TypeScript 6, whose
 * `tsc` may be the one in .bin.
 */
const checks: readonly (readonly string[])[] = [
  [
    "typescript7/bin/tsc",
    "--noEmit",
    "--incremental",
    "--tsBuildInfoFile",
    join(modules, ".cache/check.tsbuildinfo"),
  ],
  [".bin/biome", "check", "--error-on-warnings", "."],
  [".bin/depcruise", "--config", ".dependency-cruiser.cjs", "src", "lab", "test", "bench", "scripts"],
  [".bin/knip", "--no-config-hints"],
];

interface Answer {
  readonly status: number | null;
  readonly said: string;
}

function run([script = "", ...words]: readonly string[]): Promise<Answer> {
  const child = spawn(process.execPath, [join(modules, script), ...words], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => (said += text));
  return new Promise((resolve, reject) =>
    child.on("error", reject).on("close", (status) => resolve({ status, said })),
  );
}

const answers = await Promise.all(checks.map(run));
for (const { said } of answers) process.stdout.write(said);
if (answers.some(({ status }) => status !== 0)) process.exitCode = 1;
