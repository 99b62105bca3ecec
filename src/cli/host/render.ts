import { Argument, Command } from "commander";
import { metricsFile } from "../../boot/metrics-file.ts";
import { hostOption, type SpecOptions, specOption } from "../options.ts";

const names = [
  "vflag-early.service",
  "vflag-late.service",
  "vflag-verify.service",
  "vflag-verify.timer",
  "70-vflag.rules",
  "00-vflag.network",
  "vflag.conf",
  "grub",
] as const;

type What = (typeof names)[number];

interface RenderOptions extends SpecOptions {
  readonly program: string;
  readonly metrics: string;
}

export function renderCommand(): Command {
  return new Command("render")
    .description("print a file that a host needs at boot; without a name, list which there are")
    .addArgument(new Argument("[file]", "which one").choices(names))
    .addOption(specOption())
    .addOption(hostOption())
    .option("--program <path>", "where the vflag program is", "/usr/bin/vflag")
    .option("--metrics <file>", "where vflag-verify.service writes its metrics", metricsFile)
    .addHelpText(
      "after",
      "\nThe units need no spec and no host. The other files are made of the spec, and of the ports that " +
        "the host has.\n" +
        "Exit code: 0 printed, 2 this host needs no such file, 1 error.\n\n" +
        "Examples:\n" +
        "  vflag render\n" +
        "  vflag render vflag-early.service > /etc/systemd/system/vflag-early.service\n" +
        "  vflag render vflag-verify.service --metrics /var/lib/node_exporter/vflag.prom\n" +
        "  vflag render 70-vflag.rules --host state.json --spec new.yaml\n",
    )
    .action(run);
}

async function run(
  what: What | undefined,
  { program, metrics, spec: file, host: name }: RenderOptions,
): Promise<void> {
  if (what === "grub") return renderGrub(file, name);
  const { openTarget, print, printDocument, readSpec, UsageError } = await import("../target.ts");
  const { complain } = await import("../process/output.ts");
  const { exitCodes, finish } = await import("../process/exit.ts");
  const { artefacts } = await import("../../boot/artefacts.ts");
  const { earlyUnit, isUnitPath, lateUnit } = await import("../../boot/units.ts");
  const { verifyTimer, verifyUnit } = await import("../../boot/verify-units.ts");
  for (const [option, path] of Object.entries({ program, metrics }))
    if (!isUnitPath(path))
      throw new UsageError(`--${option} "${path}": an absolute path of plain characters`);
  if (what === "vflag-early.service") return printDocument(earlyUnit({ program }).text);
  if (what === "vflag-late.service") return printDocument(lateUnit({ program }).text);
  if (what === "vflag-verify.service") return printDocument(verifyUnit({ program, metrics }).text);
  if (what === "vflag-verify.timer") return printDocument(verifyTimer.text);
  if (what === undefined) {
    const { grubDropInPath } = await import("../../boot/grub.ts");
    const all = [
      ...artefacts,
      {
        path: `/etc/systemd/system/${verifyTimer.name}`,
        summary: "when the verdict is written for monitoring, if it is enabled",
      },
      {
        path: "/etc/systemd/system/vflag-verify.service",
        summary: "what writes it, for node_exporter's textfile collector",
      },
      { path: grubDropInPath, summary: "arguments of the kernel, for update-grub (render grub)" },
    ];
    const width = Math.max(...all.map((artefact) => artefact.path.length));
    return print(`${all.map(({ path, summary }) => `${path.padEnd(width)}  ${summary}`).join("\n")}\n`);
  }
  const { nicsFound } = await import("../../requirements/evaluate.ts");
  const spec = readSpec(file);
  const target = await openTarget(name, false);
  try {
    const state = await target.host.observe();
    const nics = nicsFound(spec, state);
    const artefact = artefacts.find((candidate) => candidate.name === what);
    if (artefact?.needsPorts === true && nics.length < spec.nics.length) {
      const missing = spec.nics
        .filter((nic) => !nics.some((found) => found.nic === nic))
        .map((nic) => nic.name);
      throw new UsageError(
        `${what} needs the addresses of all declared ports; not found: those of ${missing.join(", ")} ` +
          "(see `vflag verify`)",
      );
    }
    const text = artefact?.text({ spec, state, program, nics }) ?? null;
    if (text !== null) return printDocument(text);
    complain(`this host needs no ${what} (${artefact?.summary ?? ""})`);
    finish(exitCodes.pending);
  } finally {
    target.close();
  }
}

/** Whose IOMMU it is depends on the host's processor, unless the spec says it. */
async function renderGrub(file: string, name: string): Promise<void> {
  const { openTarget, printDocument, readSpec, UsageError } = await import("../target.ts");
  const { grubDropIn } = await import("../../boot/grub.ts");
  const { wantedArguments } = await import("../../boot/kernel-arguments.ts");
  const { isUnknown } = await import("../../host/state/observed.ts");
  const { kernel } = readSpec(file);
  if (kernel === undefined)
    throw new UsageError(`${file} has no section kernel, which says what the kernel's arguments shall be`);
  const target = await openTarget(name, false);
  try {
    const { platform } = await target.host.observe();
    const cpu = isUnknown(platform) ? platform : platform.cpu;
    if (isUnknown(cpu)) throw new UsageError(`the host's processor is not known: ${cpu.unknown}`);
    printDocument(grubDropIn(wantedArguments(kernel, cpu)));
  } finally {
    target.close();
  }
}
