import { Command } from "commander";
import type { Configuration } from "../../openstack/check-finding.ts";
import { type OutputOptions, outputOption } from "../options.ts";
import { exitCodes, finish } from "../process/exit.ts";
import { type ConfOptions, confCommand, readConf, requestOf } from "./openstack-file.ts";

type CheckOptions = ConfOptions & OutputOptions & { readonly [kind in keyof Configuration]?: string };

export function openstackCommand(): Command {
  return new Command("openstack")
    .description("OpenStack's configuration and the host, held against each other")
    .addCommand(
      confCommand("check", "say which mappings and PCI rules do not fit the host's VFs, or the release")
        .option("--nova <file>", "nova.conf")
        .option("--sriov-agent <file>", "sriov_agent.ini")
        .option("--ml2 <file>", "ml2_conf.ini")
        .addOption(outputOption())
        .addHelpText(
          "after",
          "\nFiles that are not given are not judged. Exit code: 0 nothing is off, 2 something is, or " +
            "cannot be told, 1 error.\n\n" +
            "Examples:\n" +
            "  vflag openstack check --release zed --nova /etc/nova/nova.conf --sriov-agent " +
            "/etc/neutron/plugins/ml2/sriov_agent.ini\n",
        )
        .action(run),
    );
}

async function run(options: CheckOptions): Promise<void> {
  const { print, printJson, styleFor, UsageError } = await import("../target.ts");
  const { checkConfiguration } = await import("../../openstack/check.ts");
  const { findingsText } = await import("../../report/configuration/configuration-text.ts");
  const names = { nova: options.nova, sriovAgent: options.sriovAgent, ml2: options.ml2 };
  if (Object.values(names).every((name) => name === undefined))
    throw new UsageError("name a file: --nova, --sriov-agent or --ml2");
  const text = async (file: string | undefined) => {
    if (file === undefined) return {};
    const found = await readConf(file);
    if (found === null) throw new UsageError(`${file}: no such file`);
    return { found };
  };
  const [nova, sriovAgent, ml2] = [
    await text(names.nova),
    await text(names.sriovAgent),
    await text(names.ml2),
  ];
  const files: Configuration = {
    ...("found" in nova ? { nova: nova.found } : {}),
    ...("found" in sriovAgent ? { sriovAgent: sriovAgent.found } : {}),
    ...("found" in ml2 ? { ml2: ml2.found } : {}),
  };
  const findings = checkConfiguration(files, await requestOf(options)).map((finding) => ({
    ...finding,
    file: names[finding.file] ?? finding.file,
  }));
  if (options.output === "json")
    printJson({ schema: "vflag/openstack-check/1", release: options.release, findings });
  else print(findingsText(findings, styleFor(process.stdout)));
  finish(findings.length === 0 ? exitCodes.fine : exitCodes.pending);
}
