import { type Command, InvalidArgumentError, Option } from "commander";
import type { Creation } from "../../openstack/guests/creation.ts";
import { type OutputOptions, outputOption } from "../options.ts";
import { exitCodes, finish } from "../process/exit.ts";

/** What `vflag port create` and `vflag server create` have in common. */

export interface CreationOptions extends OutputOptions {
  readonly osCloud?: string;
  readonly client: string;
  readonly timeout: number;
  readonly dryRun: boolean;
}

export function withCreationOptions(command: Command): Command {
  return command
    .option(
      "--os-cloud <name>",
      "the cloud in clouds.yaml; without it, the client's environment decides (OS_CLOUD, ...)",
    )
    .option("--client <program>", "the openstack client", "openstack")
    .addOption(
      new Option("--timeout <seconds>", "how long one call of the client may take")
        .argParser(secondsOf(1))
        .default(120),
    )
    .option("--dry-run", "print the command, and start nothing", false)
    .addOption(outputOption());
}

/** Reads a time in whole seconds. */
export function secondsOf(least: number): (value: string) => number {
  return (value) => {
    const seconds = Number(value);
    if (!/^\d{1,5}$/.test(value) || seconds < least)
      throw new InvalidArgumentError(`whole seconds, ${least} or more.`);
    return seconds;
  };
}

/** Prints the command, does it unless it is a dry run, and prints what became of it. */
export async function create<Thing>(
  kind: "port" | "server",
  options: CreationOptions,
  { name, command }: { readonly name: string; readonly command: readonly string[] },
  run: () => Promise<Creation<Thing>>,
  text: (creation: Creation<Thing>) => Promise<string>,
): Promise<void> {
  const { print, printJson, say } = await import("../target.ts");
  const { commandLineText } = await import("../../report/configuration/creation-text.ts");
  const { succeeded } = await import("../../openstack/guests/creation.ts");
  const json = options.output === "json";
  const line = commandLineText(command);
  // The JSON has the command in it; whoever waits sees it on the error output.
  if (json) say(line);
  else print(line);
  const creation: Creation<Thing> = options.dryRun
    ? { name, command, outcome: "planned", thing: null, findings: [] }
    : await run();
  if (json) {
    const { thing, ...rest } = creation;
    printJson({ schema: `vflag/${kind}-create/1`, ...rest, [kind]: thing });
  } else if (!options.dryRun) print(await text(creation));
  finish(succeeded(creation) ? exitCodes.fine : exitCodes.failed);
}

/** The openstack client as the options name it. */
export async function clientOf({ client: program, osCloud: cloud, timeout }: CreationOptions) {
  const { runProgram } = await import("../../host/linux/system/program.ts");
  const { UsageError } = await import("../target.ts");
  const { givenNameProblem } = await import("../../openstack/guests/creation.ts");
  const problems = [
    givenNameProblem("--client", program),
    cloud === undefined ? null : givenNameProblem("--os-cloud", cloud),
  ];
  const first = problems.find((problem) => problem !== null);
  if (first !== undefined && first !== null) throw new UsageError(first);
  return { program, cloud, timeout, run: runProgram };
}

/** Throws what is wrong with the command as it was given, all at once. */
export async function refuse(problems: readonly (string | null)[]): Promise<void> {
  const { UsageError } = await import("../target.ts");
  const all = problems.filter((problem) => problem !== null);
  if (all.length > 0) throw new UsageError(all.join("\n"));
}
