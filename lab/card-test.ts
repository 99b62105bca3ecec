import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { wholeNumber } from "../test/support/count.ts";
import { PrivateApt } from "./apt.ts";
import { readArguments } from "./arguments.ts";
import { buildCard } from "./card.ts";
import { fuzz, qemuOf, sanitizers } from "./card-fuzz.ts";
import { allSeries, defaultSeries, type Kernel, prepareKernel, type Series } from "./kernel.ts";
import { buildRoot } from "./rootfs.ts";
import { buildSmallGuest } from "./small-guest.ts";
import { prepareTools, type Tools } from "./tools.ts";

const folder = join(import.meta.dirname, "connectx/test");
const scenarios = (await readdir(folder))
  .filter((name) => name.endsWith(".sh") && !["run.sh", "lib.sh"].includes(name))
  .sort();

/**
 * `npm run lab:card`: the emulated card's own scenarios (`connectx/test/`), each in a small guest of its own,
 * driven by Debian's own mlx5_core; then a million hostile commands (`--fuzz N`, 0 for none). Ends with the
 * line `N passed, N failed`.
 */
const { only, commands, seed, series } = readArguments(() => {
  const { values } = parseArgs({
    options: {
      kernel: { type: "string", default: defaultSeries },
      only: { type: "string", multiple: true, default: [""] },
      fuzz: { type: "string", default: "1000000" },
      seed: { type: "string", default: "1" },
    },
  });
  const wanted = allSeries.find((name) => name === values.kernel);
  if (wanted === undefined) throw new Error(`--kernel: ${allSeries.join(", ")}, not "${values.kernel}"`);
  for (const word of values.only)
    if (!scenarios.some((name) => name.includes(word)))
      throw new Error(`--only: no scenario has "${word}" in its name: ${scenarios.join(", ")}`);
  return {
    only: values.only,
    commands: wholeNumber("--fuzz", values.fuzz, 0),
    seed: wholeNumber("--seed", values.seed, 0),
    series: wanted,
  };
});

/** What the first left in the card's settings is what the second looks at. */
const follows: Readonly<Record<string, string>> = { "firmware-next-start.sh": "firmware.sh" };

interface Bed {
  readonly kernel: Kernel;
  readonly initrd: string;
  readonly tools: Tools;
  readonly card: string;
}

const tally = { passed: 0, failed: 0 };
const bed = await prepare(series);
const first = scenarios.filter(
  (name) => follows[name] === undefined && only.some((word) => name.includes(word)),
);
await Promise.all(Array.from({ length: availableParallelism() }, worker));
const whole = only.includes("");
if (whole) await script("damaged-settings", [], {});
if (commands > 0 && whole) await hostile(commands, seed);
process.stdout.write(`${tally.passed} passed, ${tally.failed} failed\n`);
process.exitCode = tally.failed === 0 && tally.passed > 0 ? 0 : 1;

async function prepare(wanted: Series): Promise<Bed> {
  const apt = new PrivateApt();
  await apt.prepare(false);
  const tools = await prepareTools(apt);
  const [kernel, root, card] = await Promise.all([
    prepareKernel(apt, tools, wanted, false),
    buildRoot(apt, tools),
    buildCard(apt, tools),
  ]);
  return { kernel, tools, card: card.object, initrd: await buildSmallGuest(root, kernel, tools) };
}

async function worker(): Promise<void> {
  for (let name = first.shift(); name !== undefined; name = first.shift()) {
    const work = await mkdtemp(join(tmpdir(), "card-"));
    try {
      for (const one of [name, ...scenarios.filter((other) => follows[other] === name)])
        await scenario(one, work);
    } finally {
      await rm(work, { recursive: true });
    }
  }
}

/** Runs one in a guest. */
function scenario(name: string, work: string): Promise<void> {
  return script(
    "run.sh",
    [bed.kernel.vmlinuz, bed.initrd, join(folder, name)],
    { PORT0: `settings=${join(work, "settings")},` },
    name,
  );
}

/**
 * Runs a script, shows what it says, and counts its checks. One that does not come to its end fails as a
 * whole.
 */
async function script(
  file: string,
  args: readonly string[],
  settings: Readonly<Record<string, string>>,
  name = file,
): Promise<void> {
  const lines = [args.length === 0 ? name : `${name} on Linux ${bed.kernel.release}`];
  const { env } = bed.tools;
  const [qemu, ...found] = qemuOf(bed.tools);
  const child = spawn(join(folder, file), args, {
    stdio: ["ignore", "pipe", "inherit"],
    env: {
      ...process.env,
      PATH: env["PATH"],
      QEMU: qemu,
      QEMU_ARGS: found.join(" "),
      QEMU_LIBRARIES: env["LD_LIBRARY_PATH"],
      QEMU_MODULE_DIR: env["QEMU_MODULE_DIR"],
      CONNECTX: bed.card,
      ...settings,
    },
  });
  const ended = once(child, "close");
  const seen = { passed: 0, failed: 0 };
  for await (const line of createInterface({ input: child.stdout })) {
    if (line.startsWith("ok ")) seen.passed++;
    if (line.startsWith("FAIL ")) seen.failed++;
    if (!line.startsWith("@")) lines.push(`  ${line.replace(/^FAIL /, "FAILED ")}`);
  }
  const [code] = await ended;
  if (code !== 0 && seen.failed === 0) {
    lines.push(`  FAILED ${name} ended with ${code}`);
    seen.failed++;
  }
  process.stdout.write(`${lines.join("\n")}\n\n`);
  tally.passed += seen.passed;
  tally.failed += seen.failed;
}

/**
 * A scenario with the sanitizers' build, which records what the driver asks; then that among hostile
 * commands.
 */
async function hostile(commands: number, seed: number): Promise<void> {
  const apt = new PrivateApt();
  const { tools } = bed;
  const card = (await buildCard(apt, tools, "sanitize")).object;
  const work = await mkdtemp(join(tmpdir(), "card-"));
  const recording = join(work, "driver.bin");
  try {
    const settings = {
      CONNECTX: await sanitizers({ tools, card }),
      CONNECTX_RECORD: recording,
      ASAN_OPTIONS: "detect_leaks=0",
      SECONDS_MOST: "600",
    };
    const recorded = "packets-rewrite.sh";
    await script(
      "run.sh",
      [bed.kernel.vmlinuz, bed.initrd, join(folder, recorded)],
      settings,
      `${recorded}, with the sanitizers`,
    );
    const of = { tools, card, qemu: qemuOf(tools), recording };
    const well = await fuzz(of, commands, seed);
    count(well.code === 0, `${commands} hostile commands, seed ${seed}`, well.stderr);
    const bad = await fuzz(of, commands, seed, true);
    count(bad.code !== 0, "a mistake made on purpose is found", bad.stderr);
  } finally {
    await rm(work, { recursive: true });
  }
}

function count(ok: boolean, name: string, said: string): void {
  process.stdout.write(`  ${ok ? "ok" : "FAILED"} ${name}${ok ? "" : `\n${said.slice(-4000)}`}\n`);
  if (ok) tally.passed++;
  else tally.failed++;
}
