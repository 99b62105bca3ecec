import { Command, Option } from "commander";
import type { CreateOptions } from "./simulate-run.ts";

export function simulateCommand(): Command {
  return new Command("simulate")
    .description("make and change simulated hosts: a file that every other command takes as --host")
    .addCommand(newCommand())
    .addCommand(happen("network", "networking makes the host's bonds, as at boot"))
    .addCommand(
      happen("reboot", "the host reboots; run `boot early`, `simulate network` and `boot late` after it"),
    )
    .addCommand(happen("guests", "a guest starts on the first free VF of each port, and talks"))
    .addCommand(
      new Command("fault")
        .description("put faults or drifts into a simulated host; without a name, list them")
        .argument("[file]", "the simulated host")
        .argument("[names...]", "names of faults")
        .action(fault),
    )
    .addHelpText(
      "after",
      "\nExamples:\n" +
        "  vflag simulate new host.json --nic ConnectX-5 --bond bond0\n" +
        "  vflag apply --host host.json --spec vflag.yaml\n" +
        "  vflag simulate network host.json\n" +
        "  vflag simulate fault host.json third-slave\n",
    );
}

function newCommand(): Command {
  return new Command("new")
    .description("make a simulated host as it is after power-on")
    .argument("<file>", "where to write it")
    .addOption(new Option("--nic <model...>", "NICs, such as ConnectX-5 or X710").default(["ConnectX-5"]))
    .addOption(new Option("--ports <number>", "ports of each NIC").default("2").choices(["1", "2", "4"]))
    .addOption(new Option("--bond <name>", "the bond that networking makes of the first NIC's two ports"))
    .addOption(
      new Option("--bond-mode <mode>", "its mode")
        .default("802.3ad")
        .choices(["802.3ad", "active-backup", "balance-xor", "balance-rr"]),
    )
    .addOption(new Option("--fault <name...>", "faults that it has from the beginning").default([]))
    .addOption(new Option("--from <state>", "a state saved by `inspect -o json`, instead of new NICs"))
    .option("--force", "replace the file if it is there", false)
    .action(create);
}

function happen(name: "network" | "reboot" | "guests", description: string): Command {
  return new Command(name)
    .description(description)
    .argument("<file>", "the simulated host")
    .action(async (file: string) => {
      const { happenTo } = await import("./simulate-run.ts");
      await happenTo(file, name);
    });
}

async function create(file: string, options: CreateOptions): Promise<void> {
  const { createHost } = await import("./simulate-run.ts");
  await createHost(file, options);
}

async function fault(file: string | undefined, names: readonly string[]): Promise<void> {
  const { injectFaults, listFaults } = await import("./simulate-run.ts");
  if (file === undefined) listFaults();
  else await injectFaults(file, names);
}
