import assert from "node:assert/strict";
import { exitCodes, startOver } from "../../src/cli/process/exit.ts";
import { takeOutput } from "../../src/cli/process/output.ts";
import { commandLine, runCommand } from "../../src/cli/run.ts";

interface Ended {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Only one at a time: the folder and the environment are the process's. */
let last: Promise<unknown> = Promise.resolve();

/**
 * Runs `vflag WORDS` in this process, in a folder, to its end: the command line, its files and its exit code
 * are the real ones, in a few milliseconds. Where the process itself is tested (signals, streams, system
 * calls), the program is in `vflag.ts`.
 * @param env what the environment has besides, or lacks, meanwhile
 */
export function runVflag(
  folder: string,
  words: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<Ended> {
  const ended = last.then(() => run(folder, words, env));
  last = ended.catch(() => {});
  return ended;
}

/**
 * Runs it as `runVflag` does, and holds its exit code, and what it prints on either stream, against what is
 * expected.
 */
export async function expectVflag(
  folder: string,
  status: number,
  words: readonly string[],
  shows?: RegExp,
): Promise<Ended> {
  const ended = await runVflag(folder, words);
  const said = `${ended.stdout}${ended.stderr}`;
  assert.equal(ended.status, status, `vflag ${words.join(" ")} ended with ${ended.status}:\n${said}`);
  assert.ok(!said.includes("defect of vflag"), said);
  if (shows !== undefined) assert.match(said, shows);
  return ended;
}

async function run(folder: string, words: readonly string[], env: NodeJS.ProcessEnv): Promise<Ended> {
  const output = { stdout: "", stderr: "" };
  const before = {
    folder: process.cwd(),
    env: Object.keys(env).map((name) => [name, process.env[name]] as const),
  };
  using _output = takeOutput((stream, text) => {
    output[stream] += text;
  });
  try {
    process.chdir(folder);
    setVariables(Object.entries(env));
    startOver();
    await runCommand(commandLine(), words);
    return { status: Number(process.exitCode ?? exitCodes.fine), ...output };
  } finally {
    startOver();
    setVariables(before.env);
    process.chdir(before.folder);
  }
}

function setVariables(variables: readonly (readonly [string, string | undefined])[]): void {
  for (const [name, value] of variables) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
}
