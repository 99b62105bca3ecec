import { readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { wholeNumber } from "../test/support/count.ts";
import { readArguments } from "./arguments.ts";
import { build } from "./build.ts";
import { type StartOptions, startGuest, stopGuest } from "./guest.ts";
import { defaultSeries, type Series } from "./kernel.ts";
import type { Report } from "./operate.ts";
import { Passed } from "./passed.ts";
import { runFolder } from "./paths.ts";
import { type Guest, isOn, runNames } from "./running.ts";
import { isSuite, suites } from "./suites.ts";
import type { Task } from "./task.ts";

/**
 * `npm run lab:test` and `npm run lab:deploy`: builds the image, runs a suite's tasks in guests of their own,
 * some at a time, and ends with the line `N passed, N failed`. With --write-docs the transcripts go to
 * docs/lab/. What passed before, and nothing that it depends on has changed since, is told and not run again;
 * with --all it is, as also with --write-docs and a LAB_SEED.
 */
const { values, guests, left } = readArguments(() => {
  const { values: given } = parseArgs({
    options: {
      "write-docs": { type: "boolean", default: false },
      suite: { type: "string", default: "kernel" },
      only: { type: "string", multiple: true, default: [""] },
      except: { type: "string", multiple: true, default: [] },
      guests: { type: "string" },
      all: { type: "boolean", default: false },
    },
  });
  // With one more than there are processors, these have something to do while a guest waits.
  const atOnce =
    given.guests === undefined ? availableParallelism() + 1 : wholeNumber("--guests", given.guests);
  return {
    values: given,
    guests: atOnce,
    left: chosen(given.suite, given["write-docs"], given.only, given.except),
  };
});

/** Titles that begin alike get different guests. */
let begun = 0;
const tally = { passed: 0, failed: 0, before: 0 };
const started = performance.now();
const kernelOf = (task: Task): Series => task.guest.kernel ?? defaultSeries;
const passed = new Map<Series, Passed>();
for (const kernel of new Set(left.map(kernelOf)))
  passed.set(kernel, await Passed.with(await build({ kernel })));
const again = values.all || values["write-docs"] || process.env["LAB_SEED"] !== undefined;
await Promise.all(Array.from({ length: guests }, worker));
if (tally.before > 0)
  process.stdout.write(`${tally.before} of them passed in an earlier run (--all runs them again)\n`);
process.stdout.write(`${tally.passed} passed, ${tally.failed} failed\n`);
process.exitCode = tally.failed === 0 && tally.passed > 0 ? 0 : 1;

/** The suite's tasks whose title has one of the words `only`, and none of the words `except`. */
function chosen(
  suite: string,
  writeDocs: boolean,
  only: readonly string[],
  except: readonly string[],
): Task[] {
  if (!isSuite(suite)) throw new Error(`--suite: ${Object.keys(suites).join(" or ")}, not "${suite}"`);
  const tasks: readonly Task[] = suites[suite](writeDocs);
  const has = (title: string, word: string): boolean => title.toLowerCase().includes(word.toLowerCase());
  for (const word of [...only, ...except]) {
    if (tasks.some(({ title }) => has(title, word))) continue;
    throw new Error(
      `no task of suite ${suite} has "${word}" in its title: ${tasks.map(({ title }) => title).join(", ")}`,
    );
  }
  const named = (title: string, words: readonly string[]): boolean => words.some((word) => has(title, word));
  return tasks.filter(({ title }) => named(title, only) && !named(title, except));
}

async function worker(): Promise<void> {
  for (let task = left.shift(); task !== undefined; task = left.shift()) {
    const known = again ? null : await passed.get(kernelOf(task))?.find(task.title);
    if (known != null) {
      tally.passed += known.checks;
      tally.before += known.checks;
      process.stdout.write(
        `known  ${task.title}: ${known.checks} checks passed on ${known.at}; nothing they depend on has changed since\n`,
      );
      continue;
    }
    const from = performance.now();
    await perform(task);
    process.stdout.write(
      `       ${task.title}: ${seconds(performance.now() - from)}, ${seconds(performance.now() - started)} in all\n`,
    );
  }
}

async function perform(task: Task): Promise<void> {
  const { title, guest: options, run } = task;
  const seen = { passed: 0, failed: 0 };
  const report: Report = (ok, what, details = "") => {
    const result = ok ? "passed" : "failed";
    seen[result]++;
    tally[result]++;
    process.stdout.write(
      `${ok ? "ok    " : "FAILED"} ${what.startsWith(title) ? what : `${title}: ${what}`}\n${ok ? "" : `${details}\n`}`,
    );
  };
  const word = title
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .slice(0, 12);
  // One processor each: under emulation a second one gains nothing beside another guest, and now and then its
  // interrupts are lost.
  const named = {
    cpus: 1,
    attended: true,
    ...options,
    name: `test-${word}-${begun++}-${process.pid}`,
  };
  const lost = await attempt(named, run, report);
  if (lost === null) {
    if (seen.passed > 0 && seen.failed === 0) await passed.get(kernelOf(task))?.keep(title, seen.passed);
    return;
  }
  process.stdout.write(`the guest of "${title}" is gone, and the task is begun anew: ${lost}\n`);
  const lostAgain = await attempt(named, run, report);
  if (lostAgain !== null) report(false, "it went to its end", lostAgain);
}

/**
 * Returns why there is nothing to be said of a task, if its emulator ended by itself: that is no finding
 * about vflag.
 */
async function attempt(
  named: StartOptions & { name: string },
  run: Task["run"],
  report: Report,
): Promise<string | null> {
  try {
    await run(await start(named), report);
  } catch (error) {
    const reason = (error instanceof Error ? error.stack : undefined) ?? String(error);
    if (!isOn(named) || (await processorDied(named.name))) return reason;
    report(false, "it went to its end", reason);
  } finally {
    await stopGuest(named.name);
  }
  return null;
}

/**
 * QEMU's emulation may lose the timer of a processor, or its interrupts, which then stands still: the kernel
 * of one of the guests says so.
 */
async function processorDied(name: string): Promise<boolean> {
  const own = (await runNames()).filter((one) => one.startsWith(name));
  const consoles = await Promise.all(
    own.map((one) => readFile(join(runFolder(one), "console.log"), "latin1").catch(() => "")),
  );
  return consoles.some((console) => /Possible timer handling issue|soft lockup - CPU/.test(console));
}

async function start(options: StartOptions): Promise<Guest> {
  try {
    return await startGuest(options);
  } catch (error) {
    process.stdout.write(`the guest did not start, and is started once more: ${String(error)}\n`);
    return startGuest(options);
  }
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(0)} s`;
}
