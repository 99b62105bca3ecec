import { existsSync } from "node:fs";
import { Command, Option } from "commander";
import { hostOption, type SpecOptions, specOption } from "../options.ts";

export function mapCommand(): Command {
  return new Command("map")
    .description("who is who: NIC, port, VF, representor, bridge port, guest, and their flows")
    .addOption(specOption())
    .addOption(hostOption())
    .addOption(
      new Option("-o, --output <format>", "how to print").choices(["text", "json", "svg"]).default("text"),
    )
    .option("--nic <name>", "only this NIC")
    .addHelpText(
      "after",
      "\nWithout a spec, every card that has SR-IOV is shown, under its address.\n\n" +
        "Examples:\n" +
        "  vflag map\n" +
        "  vflag map --nic data -o svg > data.svg\n" +
        "  vflag map --host state.json -o json\n",
    )
    .action(run);
}

interface MapOptions extends SpecOptions {
  readonly output: "text" | "json" | "svg";
  readonly nic?: string;
}

async function run({ spec: file, host: name, output, nic }: MapOptions, command: Command): Promise<void> {
  const { openTarget, print, printDocument, printJson, readSpec, styleFor, UsageError } = await import(
    "../target.ts"
  );
  const { mapOf, onlyNic } = await import("../../map/map.ts");
  const declared =
    command.getOptionValueSource("spec") !== "default" || existsSync(file) ? readSpec(file) : null;
  const target = await openTarget(name, false, "everything", declared ?? {});
  try {
    const whole = mapOf(declared, await target.host.observe());
    const map = nic === undefined ? whole : onlyNic(whole, nic);
    if (map === null)
      throw new UsageError(
        `no NIC is called "${nic}"; there are ${whole.nics.map((each) => each.name).join(", ")}`,
      );
    if (output === "json") return printJson(map);
    if (output === "text") {
      const { mapText } = await import("../../report/text/map-text.ts");
      return print(mapText(map, styleFor(process.stdout)));
    }
    const { mapSvg } = await import("../../report/map/map-svg.ts");
    printDocument(mapSvg(map));
  } finally {
    target.close();
  }
}
