import { Command, Option } from "commander";
import { type Release, releases } from "../../openstack/releases.ts";
import type { TreeRequest } from "../../operations/tree/tree-plan.ts";
import { type OutputOptions, outputOption } from "../options.ts";
import { exitCodes, finish } from "../process/exit.ts";

/** What `vflag kayobe` and `vflag kolla` have in common: the diff of a configuration tree, and writing it. */

export interface TreeOptions extends OutputOptions {
  readonly config: string;
  readonly release: Release;
  readonly states?: string;
  readonly environment?: string;
  readonly inventory?: string;
  readonly vaultPasswordFile?: string;
  readonly hosts?: string;
  readonly shared?: boolean;
}

/** A subcommand with the options that all of these have. */
export function treeCommand(name: "diff" | "write", kind: TreeRequest["kind"]): Command {
  const description =
    name === "diff"
      ? "show every change that would be made"
      : "make the changes, all or none; conflicts are shown, and nothing written";
  const command = new Command(name)
    .description(description)
    .requiredOption(
      "--config <dir>",
      kind === "kayobe"
        ? "Kayobe's configuration (etc/kayobe)"
        : "Kolla-Ansible's configuration (/etc/kolla)",
    )
    .addOption(
      new Option("--release <release>", "OpenStack's release").choices(releases).makeOptionMandatory(),
    );
  if (kind === "kayobe")
    command
      .option("--environment <name>", "Kayobe's environment: only its files are written")
      .option("--shared", "leave to make a hook that all environments run, before 2024.1", false);
  else command.requiredOption("--inventory <path>", "Kolla-Ansible's inventory");
  return command
    .option(
      "--states <dir>",
      "saved states, HOST.json (`vflag inspect -o json`), for rules about exactly the VFs meant",
    )
    .option(
      "--hosts <group>",
      "only the hosts of this group, such as compute; what others inherit makes no difference",
    )
    .option("--vault-password-file <file>", "for ansible-inventory, where files are encrypted")
    .addOption(outputOption())
    .action((options: TreeOptions) => run(name, kind, options));
}

async function run(
  command: "diff" | "write",
  kind: TreeRequest["kind"],
  options: TreeOptions,
): Promise<void> {
  const { print, printJson, styleFor } = await import("../target.ts");
  const { planTree } = await import("../../operations/tree/plan-tree.ts");
  const { writeTree } = await import("../../operations/tree/write-tree.ts");
  const { runProgram } = await import("../../host/linux/system/program.ts");
  const { treeRemarks, treeText } = await import("../../report/configuration/tree-text.ts");
  const { count, plain } = await import("../../report/terminal/style.ts");
  const plan = await planTree(
    {
      kind,
      config: options.config,
      release: options.release,
      environment: options.environment ?? null,
      inventory: options.inventory ?? null,
      states: options.states ?? null,
      vaultPasswordFile: options.vaultPasswordFile ?? null,
      hosts: options.hosts ?? null,
      shared: options.shared === true,
    },
    runProgram,
  );
  const { conflicts, problems, notes } = plan;
  const refused = conflicts.length > 0 || problems.length > 0;
  // What would be written of half the truth is not worth showing.
  const changes = refused ? [] : plan.changes;
  const done = command === "write" && !refused;
  if (done) await writeTree(changes);
  if (options.output === "json") {
    const hosts = Object.fromEntries(
      [...plan.hosts].map(([host, { rules, mappings }]) => [host, { rules, mappings }]),
    );
    // Not the whole files: there may be passwords in them that are nobody's business here.
    const shown = changes.map((change) => ({
      file: change.name,
      kind: change.kind,
      diff: treeText([change], plain),
    }));
    const against = conflicts.map(({ name, line, there, wanted, why }) => ({
      file: name,
      line,
      there,
      wanted,
      why,
    }));
    printJson({
      schema: "vflag/tree/1",
      release: options.release,
      written: done,
      changes: shown,
      conflicts: against,
      problems,
      notes,
      hosts,
    });
  } else {
    const style = styleFor(process.stdout);
    print(treeText(changes, style));
    print(treeRemarks(conflicts, problems, notes, style));
    if (refused) print(`Nothing was written in ${options.config}.\n`);
    else {
      const [files, declared] = [count(changes.length, "file"), count(plan.hosts.size, "host")];
      print(
        changes.length === 0
          ? `Nothing is to be changed in ${options.config}: ${declared} as declared.\n`
          : `${files} ${done ? "written" : "would change"}, for ${declared}.\n`,
      );
    }
  }
  finish(refused ? exitCodes.failed : changes.length > 0 && !done ? exitCodes.pending : exitCodes.fine);
}
