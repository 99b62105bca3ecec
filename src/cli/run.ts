import { type Command, CommanderError } from "commander";
import { systemErrorOf, systemErrorText } from "../host/linux/system/system-error.ts";
import { exitCodes, finish } from "./process/exit.ts";
import { complain, outputFails, print, say } from "./process/output.ts";
import { dieBy, hearSignals, Interrupted } from "./process/signals.ts";
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
  "FileError",
  "ProgramError",
]);

/** All commands; what is wrong with how one was given is thrown. */
export function commandLine(): Command {
  const program = buildProgram(version);
  for (const command of [
    program,
    ...program.commands,
    ...program.commands.flatMap((child) => child.commands),
  ]) {
    command.exitOverride();
    // What is wrong with an argument repeats it, whatever it holds.
    command.configureOutput({ writeOut: print, writeErr: say });
  }
  return program;
}

/** Runs the command that this process was started with, and sets its exit code. */
export async function main(program: Command): Promise<void> {
  hearSignals();
  for (const stream of [process.stdout, process.stderr]) {
    // What was begun is brought to its end, whether it can be printed or not.
    stream.on("error", (error: NodeJS.ErrnoException) => outputFails(stream, error));
  }
  await runCommand(program, process.argv.slice(2));
}

/** Runs the command that `words` ask for, and leaves its exit code behind. */
export async function runCommand(program: Command, words: readonly string[]): Promise<void> {
  try {
    await program.parseAsync(words, { from: "user" });
  } catch (error) {
    if (error instanceof Interrupted) return dieBy(error.signal);
    if (error instanceof CommanderError) finish(error.exitCode === 0 ? exitCodes.fine : exitCodes.failed);
    else {
      complain(describe(error));
      finish(exitCodes.failed);
    }
  }
}

/**
 * What the machine answered is said as that, what is wrong with the input in its own words, and anything else
 * is a defect.
 */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const system = systemErrorOf(error);
  const code = system?.code ?? codeOf(error) ?? codeOf(error.cause);
  const more = code === null ? "" : (advice[code] ?? "");
  if (expected.has(error.name)) return `${error.message}${more}`;
  if (system !== null) return `${systemErrorText(system)}${more}`;
  return `this is a defect of vflag, please report it:\n${error.stack ?? error.message}`;
}

function codeOf(error: unknown): string | null {
  if (!(error instanceof Error)) return null;
  return (
    systemErrorOf(error)?.code ?? ("code" in error && typeof error.code === "string" ? error.code : null)
  );
}

const advice: Readonly<Record<string, string>> = {
  EACCES: "\nvflag needs root for this.",
  EPERM: "\nvflag needs root for this.",
  ENOSPC: "\nThe file system is full: df -h, df -i.",
  EDQUOT: "\nThe user's quota is used up: quota, or a full file system.",
  EROFS: "\nThe file system is mounted read-only: findmnt, dmesg.",
  ENOLCK: "\nThe file system has no locks: on NFS, see that lockd runs.",
  EMFILE: "\nToo many files are open: ulimit -n.",
  ENFILE: "\nToo many files are open on this machine: sysctl fs.file-nr.",
  ENOMEM: "\nThe machine is out of memory.",
  EIO: "\nThe disk or its file system failed: dmesg.",
};
