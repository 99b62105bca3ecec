import { basename } from "node:path";
import { Argument, Command, Option } from "commander";
import type { ConfRequest } from "../../openstack/nova/nova-conf.ts";
import type { Outcome } from "../../openstack/outcome.ts";
import { type ConfOptions, confCommand, diffConf, printConf, writeConf } from "./openstack-file.ts";

const files = ["sriov_agent.ini", "ml2_conf.ini"] as const;
type Kind = (typeof files)[number];

interface FileOptions extends ConfOptions {
  readonly as?: Kind;
}

export function neutronCommand(): Command {
  const asOption = () =>
    new Option("--as <kind>", "which file it is, where its name does not say so").choices(files);
  return new Command("neutron")
    .description("sriov_agent.ini and ml2_conf.ini for the declared NICs, merged into what is there")
    .addCommand(
      confCommand("print", "print one, as it would be on its own")
        .addArgument(new Argument("<kind>", "which one").choices(files))
        .action(async (kind: Kind, options: ConfOptions) => printConf(kind, await makerOf(kind), options)),
    )
    .addCommand(
      confCommand("diff", "show what would change in a file")
        .argument("<file>", "sriov_agent.ini or ml2_conf.ini")
        .addOption(asOption())
        .action(async (file: string, options: FileOptions) =>
          diffConf(file, await makerOf(await kindOf(file, options)), options),
        ),
    )
    .addCommand(
      confCommand("write", "write it into a file; a conflict is shown, and nothing written")
        .argument("<file>", "sriov_agent.ini or ml2_conf.ini")
        .addOption(asOption())
        .action(async (file: string, options: FileOptions) =>
          writeConf(file, await makerOf(await kindOf(file, options)), options),
        ),
    )
    .addHelpText(
      "after",
      "\nWhat is written follows the mode: sriov has sriovnicswitch and its agent; in switchdev and " +
        "vf-lag, openvswitch (or ovn) binds.\n" +
        "Exit code: 0 done, or nothing to do; 2 (diff) changes pending; 1 a conflict, or an error.\n\n" +
        "Examples:\n" +
        "  vflag neutron print sriov_agent.ini --release 2024.1\n" +
        "  vflag neutron diff /etc/neutron/plugins/ml2/ml2_conf.ini --release zed\n" +
        "  vflag neutron write sriov_agent.ini --release 2024.1\n",
    );
}

async function kindOf(file: string, { as }: FileOptions): Promise<Kind> {
  const { UsageError } = await import("../target.ts");
  const kind = as ?? files.find((name) => basename(file).startsWith(name));
  if (kind === undefined)
    throw new UsageError(`${file}: is it sriov_agent.ini or ml2_conf.ini? Say so with --as`);
  return kind;
}

async function makerOf(kind: Kind): Promise<(text: string, request: ConfRequest) => Outcome> {
  const { sriovAgentConf } = await import("../../openstack/neutron/sriov-agent.ts");
  const { ml2Conf } = await import("../../openstack/neutron/ml2-conf.ts");
  return kind === "sriov_agent.ini" ? sriovAgentConf : ml2Conf;
}
