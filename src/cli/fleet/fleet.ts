import { Command, InvalidArgumentError, Option } from "commander";
import { momentOf, secondsOf } from "../../fleet/answers/times.ts";
import { gathered, type OutputOptions, outputOption, restartOvsOption, whole } from "../options.ts";
import { exitCodes, finish } from "../process/exit.ts";
import { version } from "../version.ts";
import { type DatabaseOptions, databaseOption, onDatabase, open, spoolOf } from "./fleet-database.ts";

const staleOption = () =>
  new Option("--stale <age>", "how old a state may be: 90m, 24h, 7d")
    .argParser(seconds)
    .default(86_400, "24h");
const hostsOption = () => new Option("--hosts", "name every host").default(false);

/** The fleet: states of all hosts over time, and what there is to know of them. */
export function fleetCommand(): Command {
  return new Command("fleet")
    .description("the states of all hosts over time: collect, status, diff, plan, report")
    .addCommand(collectCommand())
    .addCommand(importCommand())
    .addCommand(statusCommand())
    .addCommand(diffCommand())
    .addCommand(planCommand())
    .addCommand(reportCommand())
    .addCommand(pruneCommand());
}

function collectCommand(): Command {
  return new Command("collect")
    .description("ask every host of an Ansible inventory for its state and spec, and keep the answers")
    .argument("[pattern]", "Ansible's pattern: a group, hosts", "all")
    .requiredOption("-i, --inventory <path>", "Ansible's inventory; several times for several", gathered, [])
    .option("-f, --forks <number>", "how many hosts at a time", whole, 50)
    .option("--timeout <seconds>", "for a connection", whole, 10)
    .option("--task-timeout <seconds>", "for `vflag inspect` on a host", whole, 120)
    .option("-b, --become", "become root there", false)
    .option(
      "--program <path>",
      "vflag on the hosts; the inventory's variable vflag_program counts before it",
      "vflag",
    )
    .addOption(databaseOption())
    .addOption(outputOption())
    .addHelpText(
      "after",
      "\nThe spec is the inventory's variable `vflag`, or /etc/vflag/vflag.yaml of the host. Hosts that " +
        "do not answer are recorded as that.\n" +
        "Exit code: 0 every host answered, 2 one did not, 1 error.\n\n" +
        "Examples:\n" +
        "  vflag fleet collect -i inventory --become\n" +
        "  vflag fleet collect compute -i inventory -f 100\n",
    )
    .action(onDatabase((_pattern: string, options: CollectCommandOptions) => options, runCollect));
}

interface CollectCommandOptions extends DatabaseOptions, OutputOptions {
  readonly inventory: readonly string[];
  readonly forks: number;
  readonly timeout: number;
  readonly taskTimeout: number;
  readonly become: boolean;
  readonly program: string;
}

async function runCollect(pattern: string, options: CollectCommandOptions): Promise<void> {
  const { print, printJson, styleFor, UsageError } = await import("../target.ts");
  const { collect } = await import("../../fleet/collect/ansible.ts");
  const { collectText } = await import("../../report/text/fleet/fleet-collect-text.ts");
  if (options.inventory.length === 0) throw new UsageError("name the inventory: -i PATH");
  using history = await open(options, true);
  using reader = await openReader();
  const result = await collect(history, reader, {
    ...{
      inventories: options.inventory,
      pattern,
      forks: options.forks,
      become: options.become,
      program: options.program,
    },
    ...{ connectSeconds: options.timeout, taskSeconds: options.taskTimeout, spool: spoolOf(options) },
  });
  if (options.output === "json") printJson({ schema: "vflag/fleet-collect/1", ...result });
  else print(collectText(result, styleFor(process.stdout)));
  finish(result.failures.length === 0 ? exitCodes.fine : exitCodes.pending);
}

function importCommand(): Command {
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

type StatusOptions = DatabaseOptions &
  OutputOptions & { readonly stale: number; readonly hosts: boolean; readonly judge: boolean };

function statusCommand(): Command {
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

type DiffOptions = DatabaseOptions &
  OutputOptions & { readonly since: number; readonly hosts: boolean; readonly guests: boolean };

function diffCommand(): Command {
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

type PlanOptions = DatabaseOptions &
  OutputOptions & { readonly hosts: boolean; readonly restartOvs: boolean };

function planCommand(): Command {
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

type ReportOptions = DatabaseOptions & {
  readonly output: "html" | "csv" | "json";
  readonly write: string;
  readonly stale: number;
};

function reportCommand(): Command {
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

type PruneOptions = DatabaseOptions & {
  readonly olderThan?: number;
  readonly forget?: readonly string[];
  readonly check: boolean;
};

function pruneCommand(): Command {
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

async function openReader() {
  const { Reader } = await import("../../fleet/reading/reader.ts");
  return new Reader();
}

function seconds(value: string): number {
  const found = secondsOf(value);
  if (found === null) throw new InvalidArgumentError("Such as 90m, 24h, 7d or 2w.");
  return found;
}

function moment(value: string): number {
  const found = momentOf(value, Date.now());
  if (found === null) throw new InvalidArgumentError("Such as 2026-01-31, 2026-01-31T08:00Z, 12h or 7d.");
  return found;
}
