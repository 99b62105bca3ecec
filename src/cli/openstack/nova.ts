import { Command } from "commander";
import { type ConfOptions, confCommand, diffConf, printConf, writeConf } from "./openstack-file.ts";

export function novaCommand(): Command {
  const examples =
    "\nOnly nova-compute's [pci] rules and the scheduler's filter are written; what is in the file stays. " +
    "docs/openstack.md has what and why by\n" +
    "release. Exit code: 0 done, or nothing to do; 2 (diff) changes pending; 1 a conflict, or an error.\n\n" +
    "Examples:\n" +
    "  vflag nova print --release 2024.1\n" +
    "  vflag nova diff /etc/nova/nova.conf --release zed\n" +
    "  vflag nova write etc/kayobe/kolla/config/nova.conf --release 2024.1 --kolla --host state.json " +
    "--spec vflag.yaml\n";
  return new Command("nova")
    .description(
      "nova.conf for the declared NICs: PCI rules and the scheduler's filter, merged into what is there",
    )
    .addCommand(
      confCommand("print", "print it, as it would be on its own").action(async (options: ConfOptions) => {
        const { novaConf } = await import("../../openstack/nova/nova-conf.ts");
        await printConf("nova.conf", novaConf, options);
      }),
    )
    .addCommand(
      confCommand("diff", "show what would change in a file")
        .argument("<file>", "nova.conf")
        .action(async (file: string, options: ConfOptions) => {
          const { novaConf } = await import("../../openstack/nova/nova-conf.ts");
          await diffConf(file, novaConf, options);
        }),
    )
    .addCommand(
      confCommand("write", "write it into a file; a conflict is shown, and nothing written")
        .argument("<file>", "nova.conf")
        .action(async (file: string, options: ConfOptions) => {
          const { novaConf } = await import("../../openstack/nova/nova-conf.ts");
          await writeConf(file, novaConf, options);
        }),
    )
    .addHelpText("after", examples);
}
