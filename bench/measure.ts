import { spawnSync } from "node:child_process";
import { join } from "node:path";
import type { Taken } from "./peak.ts";

/** The median of several runs, in milliseconds: of an even number, the mean of the middle two. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (index: number) => sorted[index] ?? Number.NaN;
  const half = sorted.length / 2;
  return (at(Math.ceil(half) - 1) + at(Math.floor(half))) / 2;
}

/** How long each of several runs takes, in milliseconds. One run goes before and is not counted. */
export async function times(runs: number, run: () => Promise<unknown> | unknown): Promise<number[]> {
  await run();
  const taken: number[] = [];
  for (let n = 0; n < runs; n++) {
    const began = performance.now();
    await run();
    taken.push(performance.now() - began);
  }
  return taken;
}

/** Runs a program to its end. @throws when it cannot be started or fails */
export function program(
  file: string,
  args: readonly string[],
  options: { readonly cwd?: string } = {},
): string {
  const { status, stdout, stderr, error } = spawnSync(file, args, {
    ...options,
    encoding: "utf8",
    timeout: 120_000,
    maxBuffer: 64 * 1024 * 1024,
  });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${file} ${args.join(" ")}: exit ${status}: ${stderr}`);
  return stdout;
}

/**
 * Runs a command to its end, and what it took of the machine. @param codes the exit codes that are no failure
 */
export function taken(command: string, words: readonly string[], codes: readonly number[] = [0]): Taken {
  const peak = ["--disable-warning=ExperimentalWarning", join(import.meta.dirname, "peak.ts")];
  const taken: Taken = JSON.parse(program(process.execPath, [...peak, command, ...words]));
  if (!codes.includes(taken.status ?? -1))
    throw new Error(`${command} ${words.join(" ")}: exit ${taken.status}`);
  return taken;
}

/** One line of the report. */
export function line(what: string, value: string, note = ""): string {
  return `${what.padEnd(66)} ${value.padStart(12)}  ${note}`.trimEnd();
}

export function milliseconds(value: number): string {
  return `${value < 10 ? value.toFixed(2) : value.toFixed(0)} ms`;
}

export function megabytes(mebibytes: number): string {
  return `${((mebibytes * 1024 * 1024) / 1e6).toFixed(0)} MB`;
}
