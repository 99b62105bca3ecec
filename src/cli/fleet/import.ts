import { Command } from "commander";
import { exitCodes, finish } from "../process/exit.ts";
import { type DatabaseOptions, databaseOption, onDatabase, open, openReader } from "./fleet-database.ts";

/** `vflag fleet import`: takes saved states in. */
export function importCommand(): Command {
  return new Command("import")
    .description("take in states that were saved: HOST.json, and HOST.yaml beside it as its spec")
    .argument("<paths...>", "files, or directories of them")
    .addOption(databaseOption())
    .addHelpText(
      "after",
      "\nThe file's name is the host's. Exit code: 0 all taken in, 2 some were not understood, 1 " +
        "error.\n\n" +
        "Examples:\n" +
        "  ssh hv1 vflag inspect -o json --with-spec > states/hv1.json\n" +
        "  vflag fleet import states\n",
    )
    .action(
      onDatabase(
        (_paths: readonly string[], options: DatabaseOptions) => options,
        async (paths: readonly string[], options: DatabaseOptions) => {
          const { print, styleFor } = await import("../target.ts");
          const { importFiles } = await import("../../fleet/history/import.ts");
          const { importText } = await import("../../report/text/fleet/fleet-collect-text.ts");
          using history = await open(options, true);
          using reader = await openReader();
          const result = await importFiles(history, reader, paths);
          print(importText(result, styleFor(process.stdout)));
          finish(result.failed.length === 0 ? exitCodes.fine : exitCodes.pending);
        },
      ),
    );
}
