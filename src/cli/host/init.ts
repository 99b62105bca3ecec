import { existsSync } from "node:fs";
import { Command } from "commander";
import { hostOption, type SpecOptions, specOption } from "../options.ts";

export function initCommand(): Command {
  return new Command("init")
    .description("propose a spec for this host, to go through and edit")
    .addOption(specOption())
    .addOption(hostOption())
    .option("--write", "write it to --spec, unless that file is there already", false)
    .addHelpText("after", "\nExamples:\n  vflag init\n  vflag init --write\n")
    .action(run);
}

async function run({ spec: file, host: name, write }: SpecOptions & { write: boolean }): Promise<void> {
  const { openTarget, print, UsageError } = await import("../target.ts");
  const { proposeSpec } = await import("../../spec/propose.ts");
  const target = await openTarget(name, false, "everything", {});
  try {
    const text = proposeSpec(await target.host.observe());
    if (text === null) {
      throw new UsageError(
        "this host has no port on which vflag can make VFs: enable SR-IOV in the BIOS and the NIC's " +
          "firmware, or see `vflag inspect`",
      );
    }
    if (!write) return print(text);
    const { writeWhole } = await import("../../host/linux/system/files.ts");
    if (existsSync(file))
      throw new UsageError(
        `${file} is there already, and was left as it is. \`vflag init\` prints the proposal.`,
      );
    await writeWhole(file, text, { create: 0o755 });
    print(`${file} is written: go through it, then \`vflag plan\`.\n`);
  } finally {
    target.close();
  }
}
