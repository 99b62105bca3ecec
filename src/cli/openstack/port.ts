import { Command, Option } from "commander";
import type { PortMode } from "../../openstack/guests/port-mode.ts";
import { type Release, releases } from "../../openstack/releases.ts";
import type { NicSpec } from "../../spec/schema.ts";
import { specOption } from "../options.ts";
import { type CreationOptions, clientOf, create, refuse, withCreationOptions } from "./creation.ts";

interface PortOptions extends CreationOptions {
  readonly network: string;
  readonly mode?: NicSpec["mode"];
  readonly nic?: string;
  readonly spec: string;
  readonly release?: Release;
  readonly capabilities: "auto" | "with" | "without";
}

export function portCommand(): Command {
  const command = new Command("create")
    .description("make a port for a VF, unless it is there; the command is printed first")
    .argument("<name>", "the port's name")
    .argument("[further...]", "after --: further arguments of `openstack port create`")
    .requiredOption("--network <network>", "its network, by name or id")
    .addOption(
      new Option("--mode <mode>", "the NICs' mode, where there is no spec").choices([
        "sriov",
        "switchdev",
        "vf-lag",
      ]),
    )
    .option("--nic <name>", "which NIC of the spec it is for, where their modes differ")
    .addOption(specOption())
    .addOption(new Option("--release <release>", "OpenStack's release").choices(releases))
    .addOption(
      new Option(
        "--capabilities <choice>",
        'whether the binding profile gets {"capabilities": ["switchdev"]}: auto goes by mode and release',
      )
        .choices(["auto", "with", "without"])
        .default("auto"),
    );
  withCreationOptions(command)
    .addHelpText(
      "after",
      "\nvflag starts the openstack client, which gets into the cloud by clouds.yaml. A port of that " +
        "name that is as wanted is kept; one that\n" +
        "differs is a conflict. docs/ports.md has how and why.\n" +
        "Exit code: 0 made, or there as wanted; 1 a conflict, a refusal, or a binding that failed.\n\n" +
        "Examples:\n" +
        "  vflag port create guest1-vflag --os-cloud lab --network tenant --release zed\n" +
        "  vflag port create guest1-vflag --os-cloud lab --network tenant --mode vf-lag --release 2024.1 " +
        "--dry-run\n" +
        "  vflag port create guest1-vflag --os-cloud lab --network tenant --mode sriov -- " +
        "--disable-port-security --tag rdma\n",
    )
    .action(run);
  return new Command("port")
    .description("Neutron's ports for VFs, through the openstack client")
    .addCommand(command);
}

async function run(name: string, further: readonly string[], options: PortOptions): Promise<void> {
  const { decideCapabilities } = await import("../../openstack/guests/port-mode.ts");
  const { furtherProblems, givenNameProblem, newNameProblem } = await import(
    "../../openstack/guests/creation.ts"
  );
  const { portArguments } = await import("../../openstack/guests/ports.ts");
  const { commandOf } = await import("../../operations/cloud/openstack-client.ts");
  const client = await clientOf(options);
  await refuse([
    newNameProblem(name),
    givenNameProblem("--network", options.network),
    ...furtherProblems("port", further),
  ]);
  const mode = await modeOf(options);
  const capabilities = decideCapabilities(mode.mode, options.release, options.capabilities);
  if (options.capabilities === "with" && !capabilities.given)
    await refuse([`--capabilities with: ${capabilities.why}`]);
  const request = { ...mode, name, network: options.network, capabilities: capabilities.given, further };
  const note = {
    kind: "note" as const,
    text: capabilities.given
      ? `with the capability switchdev: ${capabilities.why}`
      : `without the capability switchdev: ${capabilities.why}`,
    next: [],
  };
  await create(
    "port",
    options,
    { name, command: commandOf(client, portArguments(request)) },
    async () => {
      const { createPort } = await import("../../operations/cloud/create-port.ts");
      const creation = await createPort(client, request);
      return { ...creation, findings: [...creation.findings, note] };
    },
    async (creation) => {
      const { portText } = await import("../../report/configuration/creation-text.ts");
      const { styleFor } = await import("../target.ts");
      return portText(creation, styleFor(process.stdout));
    },
  );
}

async function modeOf({ mode, nic, spec: file }: PortOptions): Promise<PortMode> {
  const { readSpec, UsageError } = await import("../target.ts");
  const { modeFromSpec } = await import("../../openstack/guests/port-mode.ts");
  if (mode !== undefined && nic !== undefined)
    throw new UsageError(
      "--mode is for where there is no spec, and --nic names one of the spec's NICs: give one of them",
    );
  if (mode !== undefined) return { mode, physnets: [] };
  const found = modeFromSpec(readSpec(file), nic, file);
  if ("unclear" in found) throw new UsageError(found.unclear);
  return found;
}
