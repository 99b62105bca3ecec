import { Command } from "commander";
import { type OutputOptions, outputOption } from "../options.ts";
import { exitCodes, finish } from "../process/exit.ts";
import { type DatabaseOptions, databaseOption, onDatabase, open, openReader } from "./fleet-database.ts";
import { hostsOption, moment } from "./fleet-options.ts";

type DiffOptions = DatabaseOptions &
  OutputOptions & { readonly since: number; readonly hosts: boolean; readonly guests: boolean };

/** `vflag fleet diff`: what changed since a time. */
export function diffCommand(): Command {
  return new Command("diff")
    .description("what changed on which hosts: verdicts, specs, states by path")
    .requiredOption(
      "--since <when>",
      "a date, a date and a time, or how long ago: 2026-01-31, 2026-01-31T08:00Z, 7d",
      moment,
    )
    .option("--guests", "what comes and goes with guests too", false)
    .addOption(hostsOption())
    .addOption(databaseOption())
    .addOption(outputOption())
    .addHelpText(
      "after",
      "\nWhat was known of each host then is held against what is known now; counters of flows, lines of " +
        "logs and guests are left out.\n" +
        "Exit code: 0 nothing changed, 2 something did, 1 error.\n\n" +
        "Examples:\n" +
        "  vflag fleet diff --since 2026-01-31\n" +
        "  vflag fleet diff --since 12h -o json\n",
    )
    .action(
      onDatabase(
        (options: DiffOptions) => options,
        async (options: DiffOptions) => {
          const { print, printJson, styleFor } = await import("../target.ts");
          const { diffSince } = await import("../../fleet/answers/diff.ts");
          const { fleetDiffText } = await import("../../report/text/fleet/fleet-diff-text.ts");
          using history = await open(options);
          using reader = await openReader();
          const diff = await diffSince(history, reader, options.since, options.guests);
          if (options.output === "json") printJson({ schema: "vflag/fleet-diff/1", ...diff });
          else print(fleetDiffText(diff, styleFor(process.stdout), { full: options.hosts }));
          finish(diff.hosts.length === 0 ? exitCodes.fine : exitCodes.pending);
        },
      ),
    );
}
