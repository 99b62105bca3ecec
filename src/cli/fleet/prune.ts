import { Command } from "commander";
import { exitCodes, finish } from "../process/exit.ts";
import { type DatabaseOptions, databaseOption, onDatabase, open } from "./fleet-database.ts";
import { moment } from "./fleet-options.ts";

type PruneOptions = DatabaseOptions & {
  readonly olderThan?: number;
  readonly forget?: readonly string[];
  readonly check: boolean;
};

/** `vflag fleet prune`: forgets, and checks the database. */
export function pruneCommand(): Command {
  return new Command("prune")
    .description("forget old states; the last one of each host stays, and the one that was true at that time")
    .option("--older-than <when>", "a date, a date and a time, or how long ago: 90d", moment)
    .option("--forget <hosts...>", "hosts that are no more, with all that is known of them")
    .option("--check", "read everything back, and say whether it is whole", false)
    .addOption(databaseOption())
    .addHelpText(
      "after",
      "\nExamples:\n  vflag fleet prune --older-than 90d\n  vflag fleet prune --forget hv17\n",
    )
    .action(
      onDatabase(
        (options: PruneOptions) => options,
        async (options: PruneOptions) => {
          const { print, UsageError } = await import("../target.ts");
          const { count } = await import("../../report/terminal/style.ts");
          const { olderThan, forget, check } = options;
          if (olderThan === undefined && forget === undefined && !check)
            throw new UsageError("say what to do: --older-than, --forget or --check");
          using history = await open(options);
          if (forget !== undefined) {
            history.forget(forget);
            print(`${count(forget.length, "host")} forgotten.\n`);
          }
          if (olderThan !== undefined)
            print(`${count(history.prune(olderThan), "observation")} forgotten.\n`);
          if (!check) return;
          const problems = history.problems();
          print(problems.length === 0 ? "The database is whole.\n" : `${problems.join("\n")}\n`);
          if (problems.length > 0) finish(exitCodes.failed);
        },
      ),
    );
}
