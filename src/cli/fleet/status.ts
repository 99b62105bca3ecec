import { Command } from "commander";
import { type OutputOptions, outputOption } from "../options.ts";
import { exitCodes, finish } from "../process/exit.ts";
import { type DatabaseOptions, databaseOption, onDatabase, open, openReader } from "./fleet-database.ts";
import { hostsOption, staleOption } from "./fleet-options.ts";

type StatusOptions = DatabaseOptions &
  OutputOptions & { readonly stale: number; readonly hosts: boolean; readonly judge: boolean };

/** `vflag fleet status`: the verdict on every host. */
export function statusCommand(): Command {
  return new Command("status")
    .description("the verdict on every host and NIC, by root cause, and how old each state is")
    .addOption(staleOption())
    .addOption(hostsOption())
    .option("--judge", "judge every last state anew", false)
    .addOption(databaseOption())
    .addOption(outputOption())
    .addHelpText(
      "after",
      "\nExit code: 0 every NIC of every host works, by a fresh state; 2 one does not, or it is not " +
        "known; 1 error.\n\n" +
        "Examples:\n" +
        "  vflag fleet status\n" +
        "  vflag fleet status --hosts --stale 6h\n",
    )
    .action(
      onDatabase(
        (options: StatusOptions) => options,
        async (options: StatusOptions) => {
          const { print, printJson, styleFor } = await import("../target.ts");
          const { judgedAll } = await import("../../fleet/answers/judge.ts");
          const { allWork, statusOf } = await import("../../fleet/answers/status.ts");
          const { fleetStatusText } = await import("../../report/text/fleet/fleet-status-text.ts");
          using history = await open(options);
          using reader = await openReader();
          const status = statusOf(
            await judgedAll(history, reader, history.known(), options.judge),
            Date.now(),
            options.stale,
          );
          if (options.output === "json") printJson({ schema: "vflag/fleet-status/1", ...status });
          else print(fleetStatusText(status, styleFor(process.stdout), { full: options.hosts }));
          finish(allWork(status) ? exitCodes.fine : exitCodes.pending);
        },
      ),
    );
}
