import { Command } from "commander";
import { gathered, type OutputOptions, outputOption, whole } from "../options.ts";
import { exitCodes, finish } from "../process/exit.ts";
import {
  type DatabaseOptions,
  databaseOption,
  onDatabase,
  open,
  openReader,
  spoolOf,
} from "./fleet-database.ts";

/** `vflag fleet collect`: asks all hosts. */
export function collectCommand(): Command {
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
    inventories: options.inventory,
    pattern,
    forks: options.forks,
    become: options.become,
    program: options.program,
    connectSeconds: options.timeout,
    taskSeconds: options.taskTimeout,
    spool: spoolOf(options),
  });
  if (options.output === "json") printJson({ schema: "vflag/fleet-collect/1", ...result });
  else print(collectText(result, styleFor(process.stdout)));
  finish(result.failures.length === 0 ? exitCodes.fine : exitCodes.pending);
}
