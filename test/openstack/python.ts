import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";

/** The system's own Python, which Debian's packages are for; another one may come first in the path. */
export const python = "/usr/bin/python3";

/** Why a Python module cannot be asked here, for the skip option of a test; `false` where it can. */
export function without(module: string, debianPackage: string): string | false {
  // To look for it takes a tenth of the time that importing it does.
  const script = `import importlib.util, sys; sys.exit(importlib.util.find_spec("${module}") is None)`;
  const found = spawnSync(python, ["-c", script], { encoding: "utf8" });
  return found.status === 0 ? false : `${python} has no ${module}: apt-get install --no-install-recommends ${debianPackage}`;
}

/** Runs a script of this folder in one process: each question a line of JSON, each answer too. */
export function ask(script: string, questions: readonly unknown[]): unknown[] {
  if (!readdirSync(import.meta.dirname).includes(script)) throw new Error(`no ${script} beside this file`);
  const { stdout, stderr, status } = spawnSync(python, [script], {
    cwd: import.meta.dirname,
    input: questions.map((question) => `${JSON.stringify(question)}\n`).join(""),
    encoding: "utf8",
    maxBuffer: 1 << 30,
    timeout: 600_000,
    env: { ...process.env, PYTHONUTF8: "1", PYTHONDONTWRITEBYTECODE: "1" },
  });
  const lines = stdout.split("\n").filter((line) => line.startsWith("{"));
  if (status !== 0 || lines.length !== questions.length) {
    throw new Error(`${script}: ${lines.length} answers to ${questions.length} questions, exit code ${status}\n${stderr.slice(-4000)}`);
  }
  return lines.map((line): unknown => JSON.parse(line));
}
