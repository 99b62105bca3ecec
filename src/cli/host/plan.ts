import { Command } from "commander";
import {
  hostOption,
  type OutputOptions,
  outputOption,
  type RestartOvsOptions,
  restartOvsOption,
  type SpecOptions,
  specOption,
} from "../options.ts";
import { exitCodes, finish } from "../process/exit.ts";

export function planCommand(): Command {
  return new Command("plan")
    .description("rehearse `apply` on a simulated twin of the host, and show every action in order")
    .addOption(specOption())
    .addOption(hostOption())
    .addOption(outputOption())
    .addOption(restartOvsOption())
    .option("--full", "show every command, however many", false)
    .addHelpText(
      "after",
      "\nExit code: 0 nothing to do, 2 changes pending, 1 error.\n\n" +
        "Examples:\n" +
        "  vflag plan\n" +
        "  vflag plan --host state.json --spec new.yaml     rehearse on a saved state, on any machine\n",
    )
    .action(run);
}

type PlanOptions = SpecOptions & OutputOptions & RestartOvsOptions & { readonly full: boolean };

async function run({ spec: file, host: name, output, full, restartOvs = false }: PlanOptions): Promise<void> {
  const { openTarget, print, printJson, readSpec, styleFor } = await import("../target.ts");
  const { isEmpty, rehearse } = await import("../../reconcile/plan.ts");
  const spec = readSpec(file);
  const target = await openTarget(name, false, "everything", spec);
  try {
    const plan = await rehearse(spec, await target.host.observe(), { restartOvs });
    if (output === "json") {
      const { planJson } = await import("../../report/data/plan-json.ts");
      printJson(planJson(plan));
    } else {
      const { planText } = await import("../../report/text/plan-text.ts");
      print(planText(plan, styleFor(process.stdout), { full }));
    }
    const complete = plan.outcomes.every((outcome) =>
      outcome.left.every((deviation) => deviation.severity === "warning"),
    );
    finish(isEmpty(plan) && complete ? exitCodes.fine : exitCodes.pending);
  } finally {
    target.close();
  }
}
