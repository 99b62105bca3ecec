import { setFlagsFromString, startupSnapshot } from "node:v8";
import { loadSpec } from "../spec/load.ts";
import { releaseSnapshot } from "./openstack/release-snapshot.ts";
import { allowThreads } from "./process/threads.ts";
import { commandLine, main } from "./run.ts";

/**
 * Where the shipped program begins. `npm run build` bundles this with all that it imports, and with what
 * frequent commands import when they run (scripts/bundle.ts), runs it once, and keeps the heap as it is then
 * (a startup snapshot): the program starts with everything loaded, which is what takes time, its commands
 * declared, and the schema of a spec made ready, which zod does when the first one is read.
 */
const program = commandLine();
// Not for --help and --version, which end at once.
program.hook("preAction", releaseSnapshot);
loadSpec(
  "{version: 1, nics: [{name: any, mode: vf-lag, ports: [port, {address: '*:*:*.*'}], vfs: 1, bond: bond, " +
    "channels: {pf: 1}}]}",
  "",
);

startupSnapshot.setDeserializeMainFunction(() => {
  ignoreNodeVariables();
  // It runs for seconds and mostly waits: compiling takes more of the processors than it gives back, while
  // udev needs them.
  setFlagsFromString("--max-opt=0");
  dropExperimentalWarnings();
  allowThreads();
  // Nothing is left to do or to write then; Node would first take its heap apart, page by page.
  process.once("beforeExit", () => process.exit());
  return main(program);
});

/**
 * Node writes files, loads modules and prints by variables that are none of vflag's (NODE_V8_COVERAGE,
 * NODE_REDIRECT_WARNINGS, ...); some it has read before this runs, and acts on at the end. Where there is
 * one, the program begins again without, in the same process.
 */
function ignoreNodeVariables(): void {
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith("NODE_"));
  if (kept.length === Object.keys(process.env).length) return;
  // The executable's own name stands twice where a script's would be.
  process.execve?.(process.execPath, ["vflag", ...process.argv.slice(2)], Object.fromEntries(kept));
}

/**
 * node:ffi is experimental, and an operator cannot do anything about it. A snapshot's program takes no
 * --disable-warning.
 */
function dropExperimentalWarnings(): void {
  process.removeAllListeners("warning");
  process.on("warning", (warning) => {
    if (warning.name !== "ExperimentalWarning")
      process.stderr.write(`vflag: ${warning.name}: ${warning.message}\n`);
  });
}
