import { Argument, Command } from "commander";
import { hostOption, type SpecOptions, specOption } from "./options.ts";

type What = "vflag-early.service" | "vflag-late.service" | "grub";

export function renderCommand(): Command {
  return new Command("render")
    .description("print a file that a host needs at boot")
    .addArgument(new Argument("<file>", "which one").choices(["vflag-early.service", "vflag-late.service", "grub"]))
    .addOption(specOption())
    .addOption(hostOption())
    .option("--program <path>", "where the vflag program is", "/usr/bin/vflag")
    .addHelpText(
      "after",
      "\nExamples:\n  vflag render vflag-early.service > /etc/systemd/system/vflag-early.service\n  systemctl daemon-reload && systemctl enable vflag-early.service vflag-late.service\n  vflag render grub > /etc/default/grub.d/vflag.cfg && update-grub\n",
    )
    .action(run);
}

async function run(what: What, { program, spec, host }: SpecOptions & { program: string }): Promise<void> {
  if (what === "grub") return renderGrub(spec, host);
  const { print, UsageError } = await import("./target.ts");
  const { earlyUnit, lateUnit } = await import("../boot/units.ts");
  // systemd splits the line at white space and expands % and $.
  if (!/^\/[\w@+=:,./-]+$/.test(program)) throw new UsageError(`--program "${program}": an absolute path of plain characters`);
  print((what === "vflag-early.service" ? earlyUnit : lateUnit)({ program }).text);
}

/** Whose IOMMU it is depends on the host's processor, unless the spec says it. */
async function renderGrub(file: string, name: string): Promise<void> {
  const { openTarget, print, readSpec, UsageError } = await import("./target.ts");
  const { grubDropIn } = await import("../boot/grub.ts");
  const { wantedArguments } = await import("../boot/kernel-arguments.ts");
  const { isUnknown } = await import("../host/observed.ts");
  const { kernel } = readSpec(file);
  if (kernel === undefined) throw new UsageError(`${file} has no section kernel, which says what the kernel's arguments shall be`);
  const target = await openTarget(name, false);
  try {
    const { platform } = await target.host.observe();
    const cpu = isUnknown(platform) ? platform : platform.cpu;
    if (isUnknown(cpu)) throw new UsageError(`the host's processor is not known: ${cpu.unknown}`);
    print(grubDropIn(wantedArguments(kernel, cpu)));
  } finally {
    target.close();
  }
}
