import { Command } from "commander";
import type { Evidence } from "../../bios/evidence.ts";
import type { Feature } from "../../bios/features.ts";
import type { HostState } from "../../host/state/state.ts";
import type { BiosDeed, HostBios } from "../../redfish/hosts.ts";
import { gathered, type OutputOptions, outputOption, whole } from "../options.ts";
import { exitCodes, finish } from "../process/exit.ts";

/** The BIOS of hosts, asked and set through their BMCs. */
export function biosCommand(): Command {
  return new Command("bios")
    .description("the BIOS settings that VFs need, through each host's BMC (Redfish): check, plan, set")
    .addCommand(
      subcommand(
        "check",
        "what is on and off, what is pending, and whether the host itself shows the same",
      ).addHelpText(
        "after",
        `${access}Exit code: 0 all is on, 2 something is off, pending or not known, or a BMC did not ` +
          "answer; 1 error.\n\n" +
          "Examples:\n" +
          "  vflag bios check -i inventory\n" +
          "  vflag bios check compute -i inventory --db fleet.db\n",
      ),
    )
    .addCommand(
      subcommand("plan", "what `set` would ask of each BMC; nothing is changed").addHelpText(
        "after",
        `${access}Exit code: 0 nothing to set, 2 something, or a BMC did not answer; 1 error.\n\n` +
          "Examples:\n" +
          "  vflag bios plan hv1 -i inventory\n",
      ),
    )
    .addCommand(
      subcommand(
        "set",
        "set what is off; it takes effect with the host's next reboot, which is not vflag's doing",
      ).addHelpText(
        "after",
        `${access}Exit code: 0 all that is off is pending now, 2 something is left, or a BMC did not ` +
          "answer; 1 error.\n\n" +
          "Examples:\n" +
          "  vflag bios set hv1 -i inventory\n",
      ),
    );
}

const access =
  "\nThe inventory's variables say how a BMC is reached: vflag_bmc_address, vflag_bmc_username, " +
  "vflag_bmc_password_file or vflag_bmc_password,\n" +
  "and vflag_bmc_ca_file or vflag_bmc_fingerprint for its certificate. ";

type Words = "check" | "plan" | "set";

interface BiosCommandOptions extends OutputOptions {
  readonly inventory: readonly string[];
  readonly vaultPasswordFile?: string;
  readonly states?: string;
  readonly db?: string;
  readonly forks: number;
  readonly timeout: number;
}

function subcommand(name: Words, description: string): Command {
  return new Command(name)
    .description(description)
    .argument("[hosts...]", "hosts or groups of the inventory; without: all that have a BMC's address")
    .requiredOption("-i, --inventory <path>", "Ansible's inventory; several times for several", gathered, [])
    .option("--vault-password-file <file>", "for ansible-inventory, where files are encrypted")
    .option("--states <dir>", "saved states, HOST.json (`vflag inspect -o json`), to hold the BIOS against")
    .option("--db <file>", "the fleet's database, for the last state of each host instead")
    .option("-f, --forks <number>", "how many BMCs at a time", whole, 20)
    .option("--timeout <seconds>", "for one answer of a BMC", whole, 60)
    .addOption(outputOption())
    .action((hosts: readonly string[], options: BiosCommandOptions) => run(name, hosts, options));
}

async function run(name: Words, names: readonly string[], options: BiosCommandOptions): Promise<void> {
  const { print, printJson, styleFor, UsageError } = await import("../target.ts");
  if (options.inventory.length === 0) throw new UsageError("name the inventory: -i PATH");
  const { readInventory } = await import("../../operations/inventory/ansible-inventory.ts");
  const { accessOf } = await import("../../operations/inventory/bmc-access.ts");
  const { runProgram } = await import("../../host/linux/system/program.ts");
  const { askBioses } = await import("../../redfish/hosts.ts");
  const { usualLimits } = await import("../../redfish/connection.ts");
  const { Interruption } = await import("../process/interruption.ts");
  const request = {
    sources: options.inventory,
    configuration: null,
    vaultPasswordFile: options.vaultPasswordFile ?? null,
  };
  const { hosts, without } = accessOf(await readInventory(request, runProgram), names);
  const evidence = await evidenceFor(new Set(hosts.map(({ host }) => host)), options);
  const deed: BiosDeed = name === "set" ? "set" : "look";
  using interruption = new Interruption();
  const answers = await askBioses(
    hosts.map(({ host, access: known }) => ({
      host,
      access: known,
      evidence: evidence.get(host) ?? new Map(),
    })),
    {
      deed,
      forks: options.forks,
      limits: { ...usualLimits, requestMs: options.timeout * 1000 },
      signal: interruption.signal,
    },
  );
  if (options.output === "json")
    printJson({ schema: "vflag/bios/1", command: name, hosts: answers, without });
  else if (name === "check") {
    const { biosCheckText } = await import("../../report/text/bios-text.ts");
    print(biosCheckText(answers, without, styleFor(process.stdout)));
  } else {
    const { biosPlanText } = await import("../../report/text/bios-plan-text.ts");
    print(biosPlanText(answers, without, name === "set", styleFor(process.stdout)));
  }
  interruption.check();
  const { isThere } = await import("../../bios/assess.ts");
  const isLeft = ({ plan, report }: HostBios) =>
    plan === null || plan.left.length > 0 || report?.vendor === null;
  const isDone = {
    check: ({ report }: HostBios) => report?.features.every(isThere) === true,
    plan: (host: HostBios) => !isLeft(host) && host.plan?.changes.length === 0,
    set: (host: HostBios) => !isLeft(host) && (host.outcome?.unseen.length ?? 0) === 0,
  }[name];
  finish(
    answers.every((answer) => answer.problem === null && isDone(answer)) ? exitCodes.fine : exitCodes.pending,
  );
}

/** What the hosts show of their BIOSes, where somebody has looked. */
async function evidenceFor(hosts: ReadonlySet<string>, { states, db }: BiosCommandOptions) {
  const { evidenceOf } = await import("../../bios/evidence.ts");
  const { UsageError } = await import("../target.ts");
  const { complain } = await import("../process/output.ts");
  if (states !== undefined && db !== undefined) throw new UsageError("--states or --db, not both");
  const found = new Map<string, Map<Feature, Evidence>>();
  const take = (host: string, state: HostState | { readonly problem: string } | null) => {
    if (state === null) return;
    if ("problem" in state) complain(`${host}: its state is left aside: ${state.problem}`);
    else found.set(host, evidenceOf(state));
  };
  if (states !== undefined) {
    const { savedState } = await import("../../operations/inventory/host-states.ts");
    for (const host of hosts) take(host, await savedState(states, host));
  } else if (db !== undefined) {
    const { open } = await import("../fleet/fleet-database.ts");
    const { lastStates } = await import("../../fleet/answers/last-state.ts");
    using history = await open({ db });
    for (const [host, state] of lastStates(history, hosts)) take(host, state);
  }
  return found;
}
