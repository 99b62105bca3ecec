import { Command } from "commander";
import type { Spec } from "../../spec/schema.ts";
import { hostOption, type OutputOptions, outputOption, type SpecOptions, specOption } from "../options.ts";

export function inspectCommand(): Command {
  return new Command("inspect")
    .description("show what the host is: ports, VFs, eSwitches, bonds")
    .addOption(hostOption())
    .addOption(outputOption())
    .option("--with-spec", "the spec too, as `vflag fleet` keeps it; with -o json", false)
    .addOption(specOption())
    .addHelpText(
      "after",
      "\nExamples:\n" +
        "  vflag inspect\n" +
        "  vflag inspect -o json > state.json     a state that can be rehearsed against anywhere\n",
    )
    .action(run);
}

type InspectOptions = SpecOptions & OutputOptions & { readonly withSpec: boolean };

async function run({ host: name, output, withSpec, spec: file }: InspectOptions): Promise<void> {
  const { openTarget, print, printJson, styleFor, UsageError } = await import("../target.ts");
  if (withSpec && output !== "json") throw new UsageError("--with-spec goes with -o json");
  const spec = withSpec ? await specText(file) : null;
  const target = await openTarget(
    name,
    false,
    "everything",
    spec === null ? undefined : await declared(spec),
  );
  try {
    const state = await target.host.observe();
    if (withSpec) return printJson({ schema: "vflag/host/1", spec, state });
    if (output === "json") return printJson(state);
    const { stateText } = await import("../../report/text/state-text.ts");
    print(stateText(state, styleFor(process.stdout)));
  } finally {
    target.close();
  }
}

interface SpecFile {
  readonly file: string;
  readonly text: string;
}

/** A host without a spec is a host, and its state is wanted. */
async function specText(file: string): Promise<SpecFile | null> {
  const { readBounded } = await import("../../host/linux/system/bounded-file.ts");
  const { specLimits } = await import("../../spec/limits.ts");
  try {
    return { file, text: readBounded(file, specLimits.bytes).toString() };
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw error;
  }
}

/**
 * What the spec says of where to look; one that is wrong is told as it is, and whoever judges the state says
 * what is wrong.
 */
async function declared({ file, text }: SpecFile): Promise<Partial<Spec>> {
  const { loadSpec, SpecError } = await import("../../spec/load.ts");
  try {
    return loadSpec(text, file);
  } catch (error) {
    if (error instanceof SpecError) return {};
    throw error;
  }
}
