import { Command } from "commander";
import { type OutputOptions, outputOption, restartOvsOption } from "../options.ts";
import { exitCodes, finish } from "../process/exit.ts";
import { type DatabaseOptions, databaseOption, onDatabase, open, openReader } from "./fleet-database.ts";
import { hostsOption } from "./fleet-options.ts";

type PlanOptions = DatabaseOptions &
  OutputOptions & { readonly hosts: boolean; readonly restartOvs: boolean };

/** `vflag fleet plan`: what `apply` would do on each host. */
export function planCommand(): Command {
  return new Command("plan")
    .description("rehearse `apply` for every host from its last state, offline: what, how long, which reboot")
    .argument("[hosts...]", "only these hosts")
    .addOption(restartOvsOption())
    .addOption(hostsOption())
    .addOption(databaseOption())
    .addOption(outputOption())
    .addHelpText(
      "after",
      "\nExit code: 0 nothing to do anywhere, 2 changes pending, 1 error.\n\n" +
        "Examples:\n" +
        "  vflag fleet plan\n" +
        "  vflag fleet plan hv1 hv2 -o json\n",
    )
    .action(
      onDatabase(
        (_names: readonly string[], options: PlanOptions) => options,
        async (names: readonly string[], options: PlanOptions) => {
          const { print, printJson, styleFor, UsageError } = await import("../target.ts");
          const { planFleet } = await import("../../fleet/answers/plan.ts");
          const { fleetPlanText } = await import("../../report/text/fleet/fleet-plan-text.ts");
          using history = await open(options);
          using reader = await openReader();
          const known = new Set(history.known().map(({ host }) => host));
          const strange = names.filter((name) => !known.has(name));
          if (strange.length > 0)
            throw new UsageError(
              `nothing is known of ${strange.join(", ")}: \`vflag fleet status --hosts\` lists the hosts`,
            );
          const plan = await planFleet(history, reader, names.length === 0 ? null : new Set(names), {
            restartOvs: options.restartOvs,
          });
          if (options.output === "json") printJson({ schema: "vflag/fleet-plan/1", ...plan });
          else print(fleetPlanText(plan, styleFor(process.stdout), { full: options.hosts }));
          finish(plan.hosts.length === 0 && plan.unknown.length === 0 ? exitCodes.fine : exitCodes.pending);
        },
      ),
    );
}
