import { Command } from "commander";
import { exitCodes, finish } from "./exit.ts";
import { hostOption, type OutputOptions, outputOption, type SpecOptions, specOption } from "./options.ts";

export function verifyCommand(): Command {
  return new Command("verify")
    .description("one verdict per NIC, with the reason named")
    .addOption(specOption())
    .addOption(hostOption())
    .addOption(outputOption())
    .addHelpText(
      "after",
      "\nExit code: 0 every NIC works, 2 one does not (or it cannot be told), 1 error.\n\nExamples:\n  vflag verify\n  vflag verify -o json | jq '.verdicts[].answer'\n",
    )
    .action(run);
}

async function run({ spec: file, host: name, output }: SpecOptions & OutputOptions): Promise<void> {
  const { openTarget, print, printJson, readSpec, styleFor } = await import("./target.ts");
  const { verdicts } = await import("../reconcile/verdict.ts");
  const spec = readSpec(file);
  const target = await openTarget(name, false, "everything", spec);
  try {
    const state = await target.host.observe();
    const answers = verdicts(spec, state);
    if (output === "json") {
      const { hostname, kernel, observedAt } = state;
      printJson({ schema: "vflag/verdict/1", hostname, kernel, observedAt, verdicts: answers });
    } else {
      const { verdictText } = await import("../report/verdict-text.ts");
      print(verdictText(spec, state, answers, styleFor(process.stdout)));
    }
    finish(answers.every((verdict) => verdict.answer === "works") ? exitCodes.fine : exitCodes.pending);
  } finally {
    target.close();
  }
}
