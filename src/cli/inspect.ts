import { Command } from "commander";
import { hostOption, type OutputOptions, outputOption, type TargetOptions } from "./options.ts";

export function inspectCommand(): Command {
  return new Command("inspect")
    .description("show what the host is: ports, VFs, eSwitches, bonds")
    .addOption(hostOption())
    .addOption(outputOption())
    .addHelpText(
      "after",
      "\nExamples:\n  vflag inspect\n  vflag inspect -o json > state.json     a state that can be rehearsed against anywhere\n",
    )
    .action(run);
}

async function run({ host: name, output }: TargetOptions & OutputOptions): Promise<void> {
  const { openTarget, print, printJson, styleFor } = await import("./target.ts");
  const target = await openTarget(name, false);
  try {
    const state = await target.host.observe();
    if (output === "json") return printJson(state);
    const { stateText } = await import("../report/state-text.ts");
    print(stateText(state, styleFor(process.stdout)));
  } finally {
    target.close();
  }
}
