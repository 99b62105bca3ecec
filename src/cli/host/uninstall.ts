import { Command } from "commander";
import { hostOption, type OutputOptions, outputOption, type TargetOptions } from "../options.ts";
import { actFirst, exitCodes, finish } from "../process/exit.ts";

interface UninstallOptions extends TargetOptions, OutputOptions {
  readonly dryRun: boolean;
}

export function uninstallCommand(): Command {
  return new Command("uninstall")
    .description(
      "take vflag out of the next boot: disable its units, remove the files that it made; NICs stay as " +
        "they are",
    )
    .addOption(hostOption())
    .addOption(outputOption())
    .option("--dry-run", "show what would be done", false)
    .addHelpText(
      "after",
      "\nExit code: 0 nothing is left to be removed, 2 something is (--dry-run), or the host refused an " +
        "action, 1 error.\n\n" +
        "Examples:\n" +
        "  vflag uninstall --dry-run && vflag uninstall\n",
    )
    .action(run);
}

async function run({ host: name, output, dryRun }: UninstallOptions): Promise<void> {
  const { openTarget, print, printJson, styleFor } = await import("../target.ts");
  const { planRemoval, remove } = await import("../../operations/host/uninstall.ts");
  const { acquireLock } = await import("../../host/linux/system/lock.ts");
  const { uninstallText } = await import("../../report/text/uninstall-text.ts");
  const { Interruption } = await import("../process/interruption.ts");
  const { recordKeeper } = await import("../process/records.ts");
  const target = await openTarget(name, !dryRun);
  try {
    const lock = dryRun ? null : acquireLock(target.lockFile, "uninstall");
    using interruption = new Interruption();
    try {
      const before = await interruption.unless(target.host.observe());
      const removal = planRemoval(before);
      const { actions } = removal;
      const journal = { file: target.journalFile, keeper: recordKeeper(name) };
      if (!dryRun) actFirst();
      const done =
        dryRun || actions.length === 0
          ? null
          : await remove(target.host, { actions, before, journal, signal: interruption.signal });
      interruption.check();
      const failures = done?.failures ?? null;
      if (output === "json") printJson({ schema: "vflag/uninstalled/1", ...removal, failures });
      else print(uninstallText(removal, failures, styleFor(process.stdout)));
      const left = done === null ? actions.length : done.failures.length;
      finish(left + removal.unknown.length === 0 ? exitCodes.fine : exitCodes.pending);
    } catch (error) {
      interruption.check();
      throw error;
    } finally {
      lock?.release();
    }
  } finally {
    target.close();
  }
}
