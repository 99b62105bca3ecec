import { type Command, CommanderError } from "commander";
import { exitCodes, finish } from "./exit.ts";
import { buildProgram } from "./program.ts";
import { version } from "./version.ts";

/** Errors whose message says everything that an operator needs; any other is a defect and shows its stack. */
const expected = new Set([
  "UsageError",
  "SpecError",
  "SavedHostError",
  "LockedError",
  "ActionError",
  "NetlinkError",
  "DeploymentError",
  "FleetError",
]);

/** All commands; what is wrong with how one was given is thrown. */
export function commandLine(): Command {
  const program = buildProgram(version);
  for (const command of [program, ...program.commands, ...program.commands.flatMap((child) => child.commands)]) command.exitOverride();
  return program;
}

/** Runs the command that this process was started with, and sets its exit code. */
export async function main(program: Command): Promise<void> {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      // The reader has gone (`vflag apply | head`), or the terminal: what was begun is brought to its end, and the exit code stays true.
      if (error.code !== "EPIPE" && error.code !== "EIO") throw error;
    });
  }
  try {
    await program.parseAsync();
  } catch (error) {
    if (error instanceof CommanderError) finish(error.exitCode === 0 ? exitCodes.fine : exitCodes.failed);
    else {
      const { printable } = await import("../report/escape.ts");
      process.stderr.write(`vflag: ${printable(describe(error))}\n`);
      finish(exitCodes.failed);
    }
  }
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const system = "code" in error && typeof error.code === "string" && error.code.startsWith("E");
  const denied = "code" in error && (error.code === "EACCES" || error.code === "EPERM");
  if (expected.has(error.name) || system) return denied ? `${error.message}\nvflag needs root for this.` : error.message;
  return `this is a defect of vflag, please report it:\n${error.stack ?? error.message}`;
}
