import { readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { ansible } from "./ansible.ts";
import { boots } from "./boots.ts";
import { build } from "./build.ts";
import { faults } from "./faults.ts";
import { type Guest, runningGuest, type StartOptions, startGuest, stopGuest } from "./guest.ts";
import { held } from "./held.ts";
import { kills } from "./kills.ts";
import { oneFile } from "./one-file.ts";
import { type Report, say } from "./operate.ts";
import { ovs } from "./ovs.ts";
import { packaged } from "./packaged.ts";
import { Passed } from "./passed.ts";
import { runFolder } from "./paths.ts";
import { power } from "./power.ts";
import { stories } from "./stories.ts";
import type { Task } from "./task.ts";
import { publish, tell } from "./transcript.ts";
import { watches } from "./watch.ts";

/**
 * `npm run lab:test`: builds the image, runs everything below in guests of its own, some at a time, and ends with the line
 * `N passed, N failed`. With --write-docs the transcripts go to docs/lab/. What passed before, and nothing that it depends on has changed
 * since, is told and not run again; with --all it is, as also with --write-docs and a LAB_SEED.
 */
const { values } = parseArgs({
  options: {
    "write-docs": { type: "boolean", default: false },
    only: { type: "string" },
    guests: { type: "string" },
    all: { type: "boolean", default: false },
  },
});

/** With one more than there are processors, these have something to do while a guest waits. */
const guests = Number(values.guests ?? availableParallelism() + 1);
if (!(Number.isInteger(guests) && guests >= 1)) throw new Error(`--guests: a number from 1 on, not "${values.guests}"`);

const conformanceOf = (nic: Guest["nic"]): Task => ({ title: `conformance ${nic}`, guest: { nic }, run: conformance });

/** The longest come first, so that none is left alone at the end; and a guest with igb beside them, whose snapshot is another. */
const tasks: readonly Task[] = [
  ...power,
  conformanceOf("igb"),
  ...ansible,
  ...packaged,
  ...ovs,
  ...boots,
  ...kills,
  ...faults,
  conformanceOf("mlx5"),
  ...watches,
  ...held,
  ...stories.map((story): Task => {
    const run: Task["run"] = async (guest, report) => {
      const lines = await tell(guest, story, report);
      if (values["write-docs"]) publish(story, lines);
    };
    return { title: story.title, guest: { nic: story.nic }, run };
  }),
  { title: "netlink", guest: { nic: "igb" }, run: netlink },
];

const tally = { passed: 0, failed: 0, before: 0 };
const started = performance.now();
const passed = await Passed.with(await build({}));
const again = values.all || values["write-docs"] || process.env["LAB_SEED"] !== undefined;
const left = tasks.filter(({ title }) => values.only === undefined || title.toLowerCase().includes(values.only.toLowerCase()));
await Promise.all(Array.from({ length: guests }, worker));
if (tally.before > 0) process.stdout.write(`${tally.before} of them passed in an earlier run (--all runs them again)\n`);
process.stdout.write(`${tally.passed} passed, ${tally.failed} failed\n`);
process.exitCode = tally.failed === 0 && tally.passed > 0 ? 0 : 1;

async function worker(): Promise<void> {
  for (let task = left.shift(); task !== undefined; task = left.shift()) {
    const known = again ? null : await passed.find(task.title);
    if (known !== null) {
      tally.passed += known.checks;
      tally.before += known.checks;
      process.stdout.write(
        `known  ${task.title}: ${known.checks} checks passed on ${known.at}; nothing they depend on has changed since\n`,
      );
      continue;
    }
    const begun = performance.now();
    await perform(task);
    process.stdout.write(`       ${task.title}: ${seconds(performance.now() - begun)}, ${seconds(performance.now() - started)} in all\n`);
  }
}

async function perform({ title, guest: options, run }: Task): Promise<void> {
  const seen = { passed: 0, failed: 0 };
  const report: Report = (ok, what, details = "") => {
    const result = ok ? "passed" : "failed";
    seen[result]++;
    tally[result]++;
    process.stdout.write(`${ok ? "ok    " : "FAILED"} ${what.startsWith(title) ? what : `${title}: ${what}`}\n${ok ? "" : `${details}\n`}`);
  };
  const word = title
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .slice(0, 12);
  // One processor each: under emulation a second one gains nothing beside another guest, and now and then its interrupts are lost.
  const named = { cpus: 1, ...options, name: `test-${word}-${tasks.findIndex((task) => task.title === title)}-${process.pid}` };
  const lost = await attempt(named, run, report);
  if (lost === null) {
    if (seen.passed > 0 && seen.failed === 0) await passed.keep(title, seen.passed);
    return;
  }
  process.stdout.write(`the guest of "${title}" is gone, and the task is begun anew: ${lost}\n`);
  const lostAgain = await attempt(named, run, report);
  if (lostAgain !== null) report(false, "it went to its end", lostAgain);
}

/** Returns why there is nothing to be said of a task, if its emulator ended by itself: that is no finding about vflag. */
async function attempt(named: StartOptions & { name: string }, run: Task["run"], report: Report): Promise<string | null> {
  try {
    await run(await start(named), report);
  } catch (error) {
    const reason = (error instanceof Error ? error.stack : undefined) ?? String(error);
    if (runningGuest(named.name) === undefined || (await processorDied(named.name))) return reason;
    report(false, "it went to its end", reason);
  } finally {
    await stopGuest(named.name);
  }
  return null;
}

/** QEMU's emulation may lose the timer of a processor, or its interrupts, which then stands still: the kernel says so. */
async function processorDied(name: string): Promise<boolean> {
  const console = await readFile(join(runFolder(name), "console.log"), "latin1").catch(() => "");
  return /Possible timer handling issue|soft lockup - CPU/.test(console);
}

async function start(options: StartOptions): Promise<Guest> {
  try {
    return await startGuest(options);
  } catch (error) {
    process.stdout.write(`the guest did not start, and is started once more: ${String(error)}\n`);
    return startGuest(options);
  }
}

/** The conformance suite, run by the guest's own Node. */
async function conformance(guest: Guest, report: Report): Promise<void> {
  const { code, output } = await say(
    guest,
    `VFLAG_NIC=${guest.nic} node --disable-warning=ExperimentalWarning --test --test-reporter=tap ${await oneFile(guest, "test/conformance/guest.ts")}`,
    900_000,
  );
  const results = [...output.matchAll(/^ {4}(not )?ok \d+ - (.*)$/gm)];
  for (const [, not, title] of results) report(not === undefined, title ?? "");
  report(code === 0 && results.length > 10, "the suite ended well", output);
}

/** devlink spoken to upstream code (netdevsim), and links of bonds: what the machine that runs `npm test` may not have. */
async function netlink(guest: Guest, report: Report): Promise<void> {
  const files = "test/netlink/netdevsim.test.ts test/netlink/rtnetlink.test.ts";
  const { code, output } = await say(
    guest,
    `modprobe netdevsim; modprobe bonding max_bonds=0; cd /vflag && node --disable-warning=ExperimentalWarning --test --test-reporter=tap ${files}`,
  );
  const skipped = /# SKIP/.test(output);
  report(code === 0 && !skipped, "devlink on netdevsim, bonds", output);
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(0)} s`;
}
