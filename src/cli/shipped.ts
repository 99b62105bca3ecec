import { setFlagsFromString, startupSnapshot } from "node:v8";
import { loadSpec } from "../spec/load.ts";
import { releaseSnapshot } from "./release-snapshot.ts";
import { commandLine, main } from "./run.ts";
import { allowThreads } from "./threads.ts";
// What commands import when they run. Here it is imported before, so that the snapshot holds it: loading it is what takes time.
import "../fleet/ansible.ts";
import "../fleet/diff.ts";
import "../fleet/history.ts";
import "../fleet/import.ts";
import "../fleet/judge.ts";
import "../fleet/maps.ts";
import "../fleet/plan.ts";
import "../fleet/reader.ts";
import "../fleet/status.ts";
import "../host/linux/host.ts";
import "../host/linux/lock.ts";
import "../host/linux/watch.ts";
import "../host/linux/priority.ts";
import "../host/linux/udev-queue.ts";
import "../reconcile/apply.ts";
import "../reconcile/await-bonds.ts";
import "../reconcile/await-ports.ts";
import "../reconcile/plan.ts";
import "../reconcile/verdict.ts";
import "../reconcile/watch.ts";
import "../report/apply-text.ts";
import "../report/fleet-csv.ts";
import "../report/fleet-html.ts";
import "../report/fleet-text.ts";
import "../map/map.ts";
import "../report/map-svg.ts";
import "../report/map-text.ts";
import "../report/html.ts";
import "../report/junit.ts";
import "../report/change-text.ts";
import "../report/plan-text.ts";
import "../report/progress.ts";
import "../report/prometheus.ts";
import "../report/state-text.ts";
import "../report/verdict-text.ts";
import "./target.ts";
import "./write-report.ts";

/**
 * Where the shipped program begins. `npm run build` bundles this with all that it imports, runs it once, and keeps the heap as
 * it is then (a startup snapshot): the program starts with everything loaded, its commands declared, and the schema of a spec
 * made ready, which zod does when the first one is read.
 */
const program = commandLine();
// Not for --help and --version, which end at once.
program.hook("preAction", releaseSnapshot);
loadSpec("{version: 1, nics: [{name: any, mode: vf-lag, ports: [port, {address: '*:*:*.*'}], vfs: 1, bond: bond, channels: {pf: 1}}]}", "");

startupSnapshot.setDeserializeMainFunction(() => {
  ignoreNodeVariables();
  // It runs for seconds and mostly waits: compiling takes more of the processors than it gives back, while udev needs them.
  setFlagsFromString("--max-opt=0");
  dropExperimentalWarnings();
  allowThreads();
  // Nothing is left to do or to write then; Node would first take its heap apart, page by page.
  process.once("beforeExit", () => process.exit());
  return main(program);
});

/**
 * Node writes files, loads modules and prints by variables that are none of vflag's (NODE_V8_COVERAGE, NODE_REDIRECT_WARNINGS, ...); some
 * it has read before this runs, and acts on at the end. Where there is one, the program begins again without, in the same process.
 */
function ignoreNodeVariables(): void {
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith("NODE_"));
  if (kept.length === Object.keys(process.env).length) return;
  // The executable's own name stands twice where a script's would be.
  process.execve?.(process.execPath, ["vflag", ...process.argv.slice(2)], Object.fromEntries(kept));
}

/** node:ffi is experimental, and an operator cannot do anything about it. A snapshot's program takes no --disable-warning. */
function dropExperimentalWarnings(): void {
  process.removeAllListeners("warning");
  process.on("warning", (warning) => {
    if (warning.name !== "ExperimentalWarning") process.stderr.write(`vflag: ${warning.name}: ${warning.message}\n`);
  });
}
