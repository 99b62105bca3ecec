import { Command } from "commander";
import { treeCommand } from "./deployment-tree.ts";

export function kayobeCommand(): Command {
  return new Command("kayobe")
    .description("a Kayobe configuration for the NICs that its inventory declares")
    .addCommand(treeCommand("diff", "kayobe"))
    .addCommand(treeCommand("write", "kayobe"))
    .addHelpText(
      "after",
      "\nThe inventory is read by ansible-inventory: on each host, the variable vflag (a spec) or " +
        "sriov_physnet_mappings (device: physnet), at\n" +
        "global, group or host level. docs/openstack.md has what is written. Exit code: 0 done, or nothing " +
        "to do; 2 (diff) changes pending;\n" +
        "1 a conflict, or an error.\n\n" +
        "Examples:\n" +
        "  vflag kayobe diff --config etc/kayobe --release 2024.1\n" +
        "  vflag kayobe write --config etc/kayobe --release 2024.1 --states states --environment " +
        "production\n",
    );
}
