import { Command } from "commander";
import { treeCommand } from "./deployment-tree.ts";

export function kollaCommand(): Command {
  return new Command("kolla")
    .description("a Kolla-Ansible configuration for the NICs that its inventory declares")
    .addCommand(treeCommand("diff", "kolla"))
    .addCommand(treeCommand("write", "kolla"))
    .addHelpText(
      "after",
      "\nAs vflag kayobe, without Kayobe: the hosts' values stand in group_vars and host_vars beside the " +
        "inventory.\n" +
        "Exit code: 0 done, or nothing to do; 2 (diff) changes pending; 1 a conflict, or an error.\n\n" +
        "Examples:\n" +
        "  vflag kolla diff --config /etc/kolla --inventory multinode --release 2024.1\n",
    );
}
