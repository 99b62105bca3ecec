import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { createInterface } from "node:readline";
import { after } from "node:test";

/** The system's own Python, which Debian's packages are for; another one may come first in the path. */
export const python = "/usr/bin/python3";

/** Why a Python module cannot be asked here, for the skip option of a test; `false` where it can. */
export function without(module: string, debianPackage: string): string | false {
  // To look for it takes a tenth of the time that importing it does.
  const script = `import importlib.util, sys; sys.exit(importlib.util.find_spec("${module}") is None)`;
  const found = spawnSync(python, ["-c", script], { encoding: "utf8" });
  return found.status === 0
    ? false
    : `${python} has no ${module}: apt-get install --no-install-recommends ${debianPackage}`;
}

const running = new Map<string, Script>();
after(() => {
  for (const script of running.values()) script.end();
});

/**
 * Asks a script of this folder: each question a line of JSON, each answer too. It runs once for all tests of
 * a file, because what it imports takes seconds.
 */
export function ask(script: string, questions: readonly unknown[]): Promise<unknown[]> {
  const asked = running.get(script) ?? new Script(script);
  running.set(script, asked);
  return asked.ask(questions);
}

/** The same of a script that keeps what it has read of files: each time in a process of its own. */
export async function askAnew(script: string, questions: readonly unknown[]): Promise<unknown[]> {
  const asked = new Script(script);
  try {
    return await asked.ask(questions);
  } finally {
    asked.end();
  }
}

class Script {
  readonly #name: string;
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #answers: unknown[] = [];
  #errors = "";
  #heard: () => void = () => {};
  #last: Promise<unknown> = Promise.resolve();

  constructor(name: string) {
    if (!readdirSync(import.meta.dirname).includes(name)) throw new Error(`no ${name} beside this file`);
    this.#name = name;
    this.#process = spawn(python, ["-u", name], {
      cwd: import.meta.dirname,
      env: { ...process.env, PYTHONUTF8: "1", PYTHONDONTWRITEBYTECODE: "1" },
    });
    createInterface(this.#process.stdout).on("line", (line) => {
      if (line.startsWith("{")) this.#answers.push(JSON.parse(line));
      this.#heard();
    });
    this.#process.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.#errors = `${this.#errors}${text}`.slice(-4000);
    });
    this.#process.stdin.on("error", () => {});
    this.#process.on("close", () => this.#heard());
  }

  ask(questions: readonly unknown[]): Promise<unknown[]> {
    const answered = this.#last.then(() => this.#ask(questions));
    this.#last = answered.catch(() => {});
    return answered;
  }

  end(): void {
    this.#process.stdin.end();
  }

  async #ask(questions: readonly unknown[]): Promise<unknown[]> {
    this.#process.stdin.write(questions.map((question) => `${JSON.stringify(question)}\n`).join(""));
    while (this.#answers.length < questions.length) {
      if (this.#process.exitCode !== null || this.#process.signalCode !== null) {
        const ended = `exit code ${this.#process.exitCode ?? this.#process.signalCode}`;
        throw new Error(
          `${this.#name}: ${this.#answers.length} answers to ${questions.length} questions, ${ended}\n${this.#errors}`,
        );
      }
      await new Promise<void>((resolve) => {
        this.#heard = resolve;
      });
    }
    return this.#answers.splice(0);
  }
}
