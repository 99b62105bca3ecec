import { Argument, Command } from "commander";
import type { Artefact } from "../../boot/artefact.ts";
import { metricsFile } from "../../boot/metrics-file.ts";
import { hostOption, type SpecOptions, specOption } from "../options.ts";

interface RenderOptions extends SpecOptions {
  readonly program: string;
  readonly metrics: string;
}

export function renderCommand(): Command {
  return new Command("render")
    .description("print a file that a host needs at boot; without a name, list which there are")
    .addArgument(new Argument("[file]", "which one"))
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
  what: string | undefined,
  { program, metrics, spec: file, host: name }: RenderOptions,
): Promise<void> {
  const { print, printDocument, UsageError } = await import("../target.ts");
  const { rendered } = await import("../../boot/rendered.ts");
  const { isUnitPath } = await import("../../boot/units.ts");
  for (const [option, path] of Object.entries({ program, metrics }))
    if (!isUnitPath(path))
      throw new UsageError(`--${option} "${path}": an absolute path of plain characters`);
  if (what === undefined) {
    const width = Math.max(...rendered.map(({ path }) => path.length));
    return print(`${rendered.map(({ path, summary }) => `${path.padEnd(width)}  ${summary}`).join("\n")}\n`);
  }
  const from = rendered.find((each) => each.name === what)?.from;
  switch (from?.kind) {
    case "options":
      return printDocument(from.text({ program, metrics }));
    case "host":
      return renderForHost(from.artefact, program, file, name);
    case "kernel":
      return renderGrub(file, name);
    default:
      throw new UsageError(`there is no file ${what}: ${rendered.map((each) => each.name).join(", ")}`);
  }
}

async function renderForHost(artefact: Artefact, program: string, file: string, name: string): Promise<void> {
  const { openTarget, printDocument, readSpec, UsageError } = await import("../target.ts");
  const { complain } = await import("../process/output.ts");
  const { exitCodes, finish } = await import("../process/exit.ts");
  const { nicsFound } = await import("../../requirements/evaluate.ts");
  const spec = readSpec(file);
  const target = await openTarget(name, false);
  try {
    const state = await target.host.observe();
    const nics = nicsFound(spec, state);
    if (artefact.needsPorts && nics.length < spec.nics.length) {
      const missing = spec.nics
        .filter((nic) => !nics.some((found) => found.nic === nic))
        .map((nic) => nic.name);
      throw new UsageError(
        `${artefact.name} needs the addresses of all declared ports; not found: those of ` +
          `${missing.join(", ")} (see \`vflag verify\`)`,
      );
    }
    const text = artefact.text({ spec, state, program, nics });
    if (text !== null) return printDocument(text);
    complain(`this host needs no ${artefact.name} (${artefact.summary})`);
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
