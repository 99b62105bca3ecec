import { Command, Option } from "commander";
import type { ServerNic } from "../../openstack/guests/servers.ts";
import {
  type CreationOptions,
  clientOf,
  create,
  refuse,
  secondsOf,
  withCreationOptions,
} from "./creation.ts";

interface ServerOptions extends CreationOptions {
  readonly image: string;
  readonly flavor: string;
  readonly keyName?: string;
  readonly nic: readonly string[];
  readonly wait: number;
}

/** Seconds between two looks at a server: each is a call of the client, which takes one or two. */
const interval = 3;

export function serverCommand(): Command {
  const command = new Command("create")
    .description(
      "make a server with ports for VFs, unless it is there, and wait until it runs; the command is " +
        "printed first",
    )
    .argument("<name>", "the server's name")
    .argument("[further...]", "after --: further arguments of `openstack server create`")
    .requiredOption("--image <image>", "its image, by name or id")
    .requiredOption("--flavor <flavor>", "its flavor, by name or id")
    .option("--key-name <key>", "its key")
    .addOption(
      new Option(
        "--nic <nic>",
        "net-id=NETWORK (Nova makes a port there) or port-id=PORT (of `vflag port create`); once for " +
          "each, in the guest's order",
      )
        .argParser((value: string, before: readonly string[] | undefined) => [...(before ?? []), value])
        .makeOptionMandatory(),
    )
    .addOption(
      new Option("--wait <seconds>", "how long it may take to become ACTIVE; 0: not waited for")
        .argParser(secondsOf(0))
        .default(300),
    );
  withCreationOptions(command)
    .addHelpText(
      "after",
      "\nA server of that name that is as wanted is kept, and waited for; one that differs is a " +
        "conflict. Where it ends in ERROR, or a port is not\n" +
        "bound, the reason is named as well as it can be known. docs/ports.md has how and why.\n" +
        "Exit code: 0 it runs; 1 a conflict, a refusal, ERROR, or the time is over.\n\n" +
        "Examples:\n" +
        "  vflag server create guest1 --os-cloud lab --image debian-12 --flavor m1.large --key-name ops " +
        "--nic net-id=tenant --nic port-id=guest1-vflag\n" +
        "  vflag server create guest1 --os-cloud lab --image debian-12 --flavor m1.large --nic " +
        "port-id=guest1-vflag -- --availability-zone nova:hv1\n",
    )
    .action(run);
  return new Command("server")
    .description("Nova's servers with VFs, through the openstack client")
    .addCommand(command);
}

async function run(name: string, further: readonly string[], options: ServerOptions): Promise<void> {
  const { furtherProblems, givenNameProblem, newNameProblem } = await import(
    "../../openstack/guests/creation.ts"
  );
  const { readNic, serverArguments } = await import("../../openstack/guests/servers.ts");
  const { commandOf } = await import("../../operations/cloud/openstack-client.ts");
  const client = await clientOf(options);
  const { image, flavor, keyName } = options;
  const nics = options.nic.map(readNic);
  const twice = nics.filter(
    (nic, index) =>
      nic?.kind === "port-id" &&
      nics.findIndex((other) => other?.kind === "port-id" && other.of === nic.of) < index,
  );
  await refuse([
    newNameProblem(name),
    givenNameProblem("--image", image),
    givenNameProblem("--flavor", flavor),
    keyName === undefined ? null : givenNameProblem("--key-name", keyName),
    ...nics.map((nic, index) =>
      nic === null
        ? `--nic "${options.nic[index]}": net-id=NETWORK or port-id=PORT, without further = and commas`
        : givenNameProblem("--nic", nic.of),
    ),
    ...twice.map((nic) => `--nic port-id=${nic?.of}: it is given twice`),
    ...furtherProblems("server", further),
  ]);
  const request = {
    name,
    image,
    flavor,
    keyName,
    nics: nics.filter((nic): nic is ServerNic => nic !== null),
    further,
  };
  await create(
    "server",
    options,
    { name, command: commandOf(client, serverArguments(request)) },
    async () => {
      const { createServer } = await import("../../operations/cloud/create-server.ts");
      return createServer(client, request, { wait: options.wait, interval });
    },
    async (creation) => {
      const { serverText } = await import("../../report/configuration/creation-text.ts");
      const { styleFor } = await import("../target.ts");
      return serverText(creation, styleFor(process.stdout));
    },
  );
}
