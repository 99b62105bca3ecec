import { Command, Option } from "commander";
import { version } from "../version.ts";
import { type DatabaseOptions, databaseOption, onDatabase, open, openReader } from "./fleet-database.ts";
import { staleOption } from "./fleet-options.ts";

type ReportOptions = DatabaseOptions & {
  readonly output: "html" | "csv" | "json";
  readonly write: string;
  readonly stale: number;
};

/** `vflag fleet report`: the whole fleet in one file. */
export function reportCommand(): Command {
  return new Command("report")
    .description("the whole fleet in one file: html with filter and a map of every host, csv, json")
    .addOption(
      new Option("-o, --output <format>", "what to write").choices(["html", "csv", "json"]).default("html"),
    )
    .requiredOption("--write <file>", "where to, whole or not at all")
    .addOption(staleOption())
    .addOption(databaseOption())
    .addHelpText(
      "after",
      "\nThe HTML file needs nothing else and asks no network.\n\n" +
        "Examples:\n" +
        "  vflag fleet report --write fleet.html\n" +
        "  vflag fleet report -o csv --write fleet.csv\n",
    )
    .action(
      onDatabase(
        (options: ReportOptions) => options,
        async ({ output, write, stale, ...options }: ReportOptions) => {
          const { judgedAll } = await import("../../fleet/answers/judge.ts");
          const { statusOf } = await import("../../fleet/answers/status.ts");
          const { jsonText } = await import("../../report/terminal/escape.ts");
          const { writeReport } = await import("../host/write-report.ts");
          using history = await open(options);
          using reader = await openReader();
          const known = await judgedAll(history, reader, history.known());
          const status = statusOf(known, Date.now(), stale);
          if (output === "json")
            await writeReport(write, `${jsonText({ schema: "vflag/fleet-status/1", ...status })}\n`);
          else if (output === "csv") {
            const { fleetCsv } = await import("../../report/data/fleet-csv.ts");
            await writeReport(write, fleetCsv(status));
          } else {
            const { packedMaps } = await import("../../fleet/answers/maps.ts");
            const { fleetHtml } = await import("../../report/html/fleet-html.ts");
            await writeReport(write, fleetHtml(status, await packedMaps(history, reader, known), version));
          }
        },
      ),
    );
}
