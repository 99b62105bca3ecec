import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { bundle } from "../scripts/bundle.ts";
import { makeProgram } from "../scripts/program.ts";
import { fleetBench } from "./fleet.ts";
import { kayobeBench } from "./kayobe.ts";
import { line, median, milliseconds, program, times } from "./measure.ts";
import { planBench } from "./plan.ts";
import { verifyBench } from "./verify.ts";

/**
 * `npm run bench`: every figure that vflag claims, each beside what it replaces, measured in one run on this
 * machine.
 */
const vflag = join(import.meta.dirname, "../bin/vflag");
const say = (text: string) => process.stdout.write(`${text}\n`);

say(`${cpus().length} x ${cpus()[0]?.model ?? "CPU"}, Node ${process.version}\n`);
const folder = mkdtempSync(join(tmpdir(), "vflag-bench-"));
try {
  const shipped = makeProgram(await bundle(), folder);
  say(await inspectBench(shipped));
  for (const row of await planBench()) say(row);
  for (const row of await verifyBench({ "from the sources": vflag, "as it is shipped": shipped })) say(row);
  for (const row of kayobeBench(shipped, folder)) say(row);
  for (const row of await fleetBench(shipped)) say(row);
  const node = await times(7, () => program(process.execPath, ["-e", "0"]));
  const help = await times(7, () => program(vflag, ["--help"]));
  say(line("start of Node alone", milliseconds(median(node))));
  say(line("start of vflag (--help), from the sources", milliseconds(median(help))));
  const start = await times(15, () => program(shipped, ["--help"]));
  say(line("start of vflag (--help), as it is shipped", milliseconds(median(start)), "(asked: under 60 ms)"));
  say(line("size of the executable", `${(statSync(shipped).size / 1024 / 1024).toFixed(0)} MiB`));
} finally {
  rmSync(folder, { recursive: true });
}

/** 127 veth pairs in a network namespace of our own: nothing of this machine's network is touched. */
async function inspectBench(shipped: string): Promise<string> {
  if (process.getuid?.() !== 0)
    return "inspect: not measured: it needs root, to make a network namespace of its own\n";
  for (const tool of ["ip", "ethtool", "devlink"]) {
    if (spawnSync(tool, ["--version"], { stdio: "ignore" }).error !== undefined) {
      return `inspect: not measured: ${tool} is not installed (apt-get install iproute2 ethtool)\n`;
    }
  }
  const namespace = `vflag-bench-${process.pid}`;
  program("ip", ["netns", "add", namespace]);
  try {
    for (let pair = 0; pair < 127; pair++) {
      program("ip", [
        "-n",
        namespace,
        "link",
        "add",
        `va${pair}`,
        "type",
        "veth",
        "peer",
        "name",
        `vb${pair}`,
      ]);
    }
    const inner = ["--disable-warning=ExperimentalWarning", join(import.meta.dirname, "inspect.ts"), shipped];
    return program("ip", ["netns", "exec", namespace, process.execPath, ...inner]);
  } finally {
    program("ip", ["netns", "del", namespace]);
  }
}
