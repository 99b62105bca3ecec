import { Argument, Command } from "commander";

type What = "vflag-early.service" | "vflag-late.service";

export function renderCommand(): Command {
  return new Command("render")
    .description("print a file that a host needs at boot")
    .addArgument(new Argument("<file>", "which one").choices(["vflag-early.service", "vflag-late.service"]))
    .option("--program <path>", "where the vflag program is", "/usr/bin/vflag")
    .addHelpText(
      "after",
      "\nExamples:\n  vflag render vflag-early.service > /etc/systemd/system/vflag-early.service\n  systemctl daemon-reload && systemctl enable vflag-early.service vflag-late.service\n",
    )
    .action(run);
}

async function run(what: What, { program }: { program: string }): Promise<void> {
  const { print, UsageError } = await import("./target.ts");
  const { earlyUnit, lateUnit } = await import("../boot/units.ts");
  // systemd splits the line at white space and expands % and $.
  if (!/^\/[\w@+=:,./-]+$/.test(program)) throw new UsageError(`--program "${program}": an absolute path of plain characters`);
  print((what === "vflag-early.service" ? earlyUnit : lateUnit)({ program }).text);
}
