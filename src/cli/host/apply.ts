import { Command, InvalidArgumentError, Option } from "commander";
import type { Action } from "../../host/actions/action.ts";
import type { Stage } from "../../requirements/requirement.ts";
import type { Verdict } from "../../verdict/verdict.ts";
import {
  hostOption,
  type OutputOptions,
  outputOption,
  type RestartOvsOptions,
  restartOvsOption,
  type SpecOptions,
  specOption,
} from "../options.ts";
import { actFirst, exitCodes, finish } from "../process/exit.ts";

export function applyCommand(): Command {
  return new Command("apply")
    .description("bring the host to its spec, as `plan` shows it")
    .addOption(specOption())
    .addOption(hostOption())
    .addOption(outputOption())
    .addOption(restartOvsOption())
    .addHelpText(
      "after",
      "\nExit code: 0 all holds, 2 something is left that a person, networking or a reboot must do, 1 " +
        "error.\n" +
        "It is safe to interrupt and to run again.\n\n" +
        "Examples:\n" +
        "  vflag plan; vflag apply\n",
    )
    .action((options: SpecOptions & OutputOptions & RestartOvsOptions) => run("apply", "all", options));
}

/** The two commands that systemd's units run at boot. */
export function bootCommand(): Command {
  const stage = (name: Stage, description: string, stages: readonly Stage[]) =>
    new Command(name)
      .description(description)
      .addOption(specOption())
      .addOption(hostOption())
      .addOption(outputOption())
      .addOption(waitOption())
      .addOption(holdUdevOption())
      .action((options: SpecOptions & OutputOptions & BootOptions) =>
        beforeOthers(options.host, () => run(`boot ${name}`, stages, options)),
      );
  return (
    new Command("boot")
      .description("one stage of the boot sequence, as vflag-early.service and vflag-late.service run it")
      .addCommand(stage("early", "before networking: VFs, eSwitch, offload, channels", ["early"]))
      // The early requirements are gates of the late ones: where they do not hold, no VF is bound.
      .addCommand(stage("late", "after networking: LAG active, then VFs bound", ["early", "late"]))
  );
}

/** On a host that is at work guests come first; at boot they wait for this. */
async function beforeOthers(host: string, act: () => Promise<void>): Promise<void> {
  if (host !== "local") return act();
  const { takePrecedence } = await import("../../host/linux/system/priority.ts");
  const stepBack = takePrecedence();
  try {
    await act();
  } finally {
    stepBack();
  }
}

interface BootOptions {
  readonly wait?: number;
  readonly holdUdev?: true;
}

function holdUdevOption(): Option {
  return new Option(
    "--hold-udev",
    "let udev wait meanwhile, for some 30 s (mlx5, kernel 6.1 and later); only for a unit whose " +
      "ExecStopPost tells it to go on",
  );
}

function waitOption(): Option {
  return new Option(
    "--wait <seconds>",
    "how long to wait for the declared ports, and in the late stage as long again for their bonds",
  )
    .default(30)
    .argParser((text) => {
      if (!/^\d{1,4}$/.test(text)) throw new InvalidArgumentError("a whole number of seconds, 9999 at most.");
      return Number(text);
    });
}

/**
 * A unit that failed at each boot for what no boot can mend would only hide the day on which it fails for
 * something else.
 */
function onlyLasts({ deviations }: Verdict): boolean {
  return deviations.every(({ severity, lasting }) => severity === "warning" || lasting === true);
}

async function run(
  command: string,
  asked: readonly Stage[] | "all",
  {
    spec: file,
    host: name,
    output,
    wait = 0,
    holdUdev,
    restartOvs = false,
  }: SpecOptions & OutputOptions & BootOptions & RestartOvsOptions,
): Promise<void> {
  const { openTarget, print, printJson, readSpec, styleFor } = await import("../target.ts");
  const { apply } = await import("../../operations/host/apply.ts");
  const { awaitBonds } = await import("../../operations/host/await-bonds.ts");
  const { Watched } = await import("../../reconcile/watched.ts");
  const { awaitPorts } = await import("../../operations/host/await-ports.ts");
  const { acquireLock } = await import("../../host/linux/system/lock.ts");
  const { inOwnSession } = await import("../../host/linux/system/program.ts");
  const { resolvePorts } = await import("../../spec/selectors.ts");
  const { stages: all } = await import("../../requirements/stages.ts");
  const { Interruption } = await import("../process/interruption.ts");
  const { progressOf } = await import("../process/progress.ts");
  const { recordKeeper } = await import("../process/records.ts");
  const stages = asked === "all" ? all : asked;
  const spec = readSpec(file);
  const target = await openTarget(name, true, asked === "all" ? "everything" : "nics", spec);
  try {
    const lock = acquireLock(target.lockFile, command);
    // A signal from now on ends the run when nothing is under way any more, and before the lock is let go of.
    using interruption = new Interruption();
    try {
      actFirst();
      // On a simulated host nothing appears by itself.
      const seconds = name === "local" ? wait : 0;
      const withPorts = await interruption.unless(awaitPorts(target.host, spec, seconds));
      const seen = stages.includes("late")
        ? await interruption.unless(awaitBonds(target.host, spec, seconds, withPorts))
        : withPorts;
      const progress = await progressOf(
        output === "json",
        spec.nics.map((nic) => nic.name),
      );
      const keeper = recordKeeper(name);
      const performed = new Set<Action>();
      const act = (acted: () => void) =>
        apply(new Watched(target.host, seen), spec, {
          command,
          stages,
          journal: { file: target.journalFile, keeper },
          progress: {
            ...progress.observer,
            actionEnds: (step, action, failure) => {
              if (failure === null) performed.add(action);
              progress.observer.actionEnds?.(step, action, failure);
            },
          },
          allowed: { restartOvs },
          acted,
          signal: interruption.signal,
        });
      const { holdingUdev, mayHoldUdev } = await import("../../host/linux/links/udev-queue.ts");
      // systemd says by this variable that it started the command; nobody else tells udev to go on when it is
      // killed.
      const isUnit = name === "local" && process.env["INVOCATION_ID"] !== undefined;
      const ports = spec.nics.map((nic) => resolvePorts(nic, seen));
      const holds = holdUdev === true && isUnit && mayHoldUdev(seen.kernel, ports);
      const applied = await (holds ? holdingUdev(inOwnSession, act, keeper) : act(() => {})).finally(
        progress.finish,
      );
      const { leftBy } = await import("../../operations/host/attempts.ts");
      const early = command === "boot early" && (isUnit || name !== "local");
      await target.host.keepAttempt?.({ early, left: leftBy(applied.outcomes) });
      interruption.check();
      // The boot stages have no time for a rehearsal.
      const { afterReboot } = await import("../../reconcile/plan.ts");
      const reboot = asked === "all" ? await afterReboot(spec, applied.after) : null;
      if (output === "json") {
        const { outcomesJson, phasesJson } = await import("../../report/data/plan-json.ts");
        const { verdicts, seconds } = applied;
        const outcomes = outcomesJson(applied.outcomes, performed);
        const then = reboot === null ? null : { because: reboot.because, phases: phasesJson(reboot.phases) };
        printJson({ schema: "vflag/applied/1", outcomes, verdicts, reboot: then, seconds });
      } else {
        const { appliedText, rebootText } = await import("../../report/text/apply-text.ts");
        const painted = styleFor(process.stdout);
        print(appliedText(applied, painted));
        if (reboot !== null) print(rebootText(reboot, painted));
      }
      const works = applied.verdicts.every(
        (verdict) => verdict.answer === "works" || (asked !== "all" && onlyLasts(verdict)),
      );
      finish(reboot === null && works ? exitCodes.fine : exitCodes.pending);
    } catch (error) {
      // Whatever it was that failed when the run came to rest, it was told to stop.
      interruption.check();
      throw error;
    } finally {
      lock.release();
    }
  } finally {
    target.close();
  }
}
