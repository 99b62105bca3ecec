import { setTimeout } from "node:timers/promises";
import { type Creation, type Finding, finding } from "../../openstack/guests/creation.ts";
import { faultReason, isAboutBinding } from "../../openstack/guests/faults.ts";
import { Port, PortList } from "../../openstack/guests/ports.ts";
import {
  compareServer,
  NewServer,
  namePattern,
  Server,
  ServerList,
  type ServerPorts,
  type ServerRequest,
  serverArguments,
} from "../../openstack/guests/servers.ts";
import { portFindings, reasons, refused, switchdevOf } from "./create-port.ts";
import { ask, commandOf, type OpenstackClient, OpenstackError } from "./openstack-client.ts";

export interface Waiting {
  /** How long a server may take to become ACTIVE, in seconds; 0: it is not waited for. */
  readonly wait: number;
  /** Between two looks, in seconds. */
  readonly interval: number;
}

/** A server, and the ports of the request that it has. */
export interface ServerWithPorts {
  readonly server: Server;
  readonly ports: readonly Port[];
}

/**
 * Makes a server with ports for VFs, unless it is there, and waits until it runs; it and its ports are
 * checked.
 */
export async function createServer(
  client: OpenstackClient,
  request: ServerRequest,
  waiting: Waiting,
): Promise<Creation<ServerWithPorts>> {
  const { name } = request;
  const args = serverArguments(request);
  const made = { name, command: commandOf(client, args) };
  try {
    const [listed, ports] = await Promise.all([
      ask(
        client,
        ["server", "list", "--no-name-lookup", "--name", namePattern(name), "-f", "json"],
        ServerList,
      ),
      givenPorts(client, request),
    ]);
    const same = listed.filter((server) => server.Name === name);
    if (same.length > 1)
      return { ...made, outcome: "ambiguous", thing: null, findings: [severalServers(name, same)] };
    const [first] = same;
    if (first === undefined) {
      const problems = [...ports].flatMap(([given, port]) => portProblems(given, port));
      if (problems.length > 0) return { ...made, outcome: "conflict", thing: null, findings: problems };
      const { id } = await ask(client, args, NewServer);
      return { ...made, outcome: "created", ...(await followed(client, request, id, waiting)) };
    }
    const server = await ask(client, ["server", "show", "-f", "json", first.ID], Server);
    const differences = compareServer(request, server, await portsOf(client, request, server, ports));
    if (differences.some(({ kind }) => kind === "wrong")) {
      const next = `openstack server delete ${server.id}   # if nobody needs it; or take another name`;
      return {
        ...made,
        outcome: "conflict",
        thing: { server, ports: [...ports.values()] },
        findings: [...differences, finding("note", "nothing was changed", [next])],
      };
    }
    const { thing, findings } = await followed(client, request, server.id, waiting);
    return { ...made, outcome: "kept", thing, findings: [...differences, ...findings] };
  } catch (error) {
    return { ...made, outcome: "refused", thing: null, findings: [refused(error)] };
  }
}

/** The ports that the request names, as they are. */
async function givenPorts(client: OpenstackClient, { nics }: ServerRequest): Promise<Map<string, Port>> {
  const names = [...new Set(nics.flatMap(({ kind, of }) => (kind === "port-id" ? [of] : [])))];
  const ports = await Promise.all(names.map((of) => ask(client, ["port", "show", "-f", "json", of], Port)));
  return new Map(names.flatMap((of, index) => (ports[index] === undefined ? [] : [[of, ports[index]]])));
}

/** What stands against giving a port to a new server. */
function portProblems(given: string, port: Port): Finding[] {
  if (port.device_id !== null && port.device_id !== "")
    return [
      finding(
        "wrong",
        `port ${given} is in use: ${port.device_owner || "its owner"} ${port.device_id} has it`,
        [`openstack server show ${port.device_id}; or make another port: vflag port create`],
      ),
    ];
  return [];
}

/** Which ports a server has, for what was asked. */
async function portsOf(
  client: OpenstackClient,
  { nics }: ServerRequest,
  server: Server,
  given: ReadonlyMap<string, Port>,
): Promise<ServerPorts> {
  const networks = [...new Set(nics.flatMap(({ kind, of }) => (kind === "net-id" ? [of] : [])))];
  const inEach = await Promise.all(
    networks.map((network) =>
      ask(client, ["port", "list", "--server", server.id, "--network", network, "-f", "json"], PortList),
    ),
  );
  return {
    inNetwork: new Map(
      networks.map((network, index) => [network, (inEach[index] ?? []).map(({ ID }) => ID)]),
    ),
    deviceOf: new Map(
      [...given].map(([name, port]) => [name, { id: port.id, device: port.device_id ?? "" }]),
    ),
  };
}

/**
 * Looks at a server until it runs, has failed, or the time is over; then at its ports. The server is there,
 * whatever becomes of the looks.
 */
async function followed(
  client: OpenstackClient,
  request: ServerRequest,
  id: string,
  { wait, interval }: Waiting,
): Promise<{ thing: ServerWithPorts; findings: Finding[] }> {
  const begun = performance.now();
  const spent = () => (performance.now() - begun) / 1000;
  const findings: Finding[] = [];
  const blank: Server = {
    id,
    name: request.name,
    status: null,
    key_name: null,
    fault: null,
    "OS-EXT-SRV-ATTR:host": null,
  };
  let server = blank;
  try {
    server = await ask(client, ["server", "show", "-f", "json", id], Server);
    while (server.status === "BUILD" && spent() + interval <= wait) {
      await setTimeout(interval * 1000);
      server = await ask(client, ["server", "show", "-f", "json", id], Server);
    }
    const ports = [...(await givenPorts(client, request)).values()];
    findings.push(...judgeStatus(request.name, server, wait));
    for (const port of ports) {
      if (server.status === "ERROR") findings.push(...(await failedPort(client, port, server)));
      else if (server.status !== "BUILD")
        findings.push(...(await portFindings(client, port, null, switchdevOf(port))));
    }
    return { thing: { server, ports }, findings };
  } catch (error) {
    if (!(error instanceof OpenstackError)) throw error;
    const text = `server ${request.name} (${id}) is there, and could not be looked at: ${error.message}`;
    return { thing: { server, ports: [] }, findings: [...findings, finding("wrong", text, error.next)] };
  }
}

function judgeStatus(name: string, server: Server, wait: number): Finding[] {
  if (server.status === "ACTIVE") return [];
  if (server.status === "ERROR") {
    const fault = faultReason(name, server.fault?.message ?? null);
    return [
      {
        ...fault,
        next: [
          ...fault.next,
          `openstack server delete ${server.id}   # then, the reason gone, the same command again`,
        ],
      },
    ];
  }
  const look = `openstack server show ${server.id}; or run the same command again: it goes on waiting`;
  if (server.status === "BUILD" && wait === 0)
    return [finding("note", `server ${name} is being built, and was not waited for`, [look])];
  if (server.status === "BUILD")
    return [
      finding("wrong", `server ${name} is still being built after ${wait} s`, [
        look,
        "--wait SECONDS waits longer",
        "nova-compute's log on its host",
      ]),
    ];
  return [
    finding("doubtful", `server ${name} is ${server.status ?? "in no known status"}, not ACTIVE`, [look]),
  ];
}

/**
 * Nova takes the host from a port again when a server has failed, so the binding may not say any more that it
 * failed.
 */
async function failedPort(client: OpenstackClient, port: Port, server: Server): Promise<Finding[]> {
  if (port.binding_vif_type === "binding_failed") return portFindings(client, port, null, switchdevOf(port));
  const message = server.fault?.message ?? "";
  if (!isAboutBinding(message)) return [];
  const found = await reasons(client, port, null);
  // Nothing is off as far as can be seen: then the fault says more.
  return found
    .filter(({ kind }) => kind === "wrong")
    .map((one) => ({ ...one, text: `port ${port.name ?? port.id}: ${one.text}` }));
}

function severalServers(name: string, same: ServerList): Finding {
  return finding(
    "wrong",
    `${same.length} servers are called ${name}, so none of them is meant for sure: ` +
      `${same.map(({ ID }) => ID).join(", ")}`,
    ["openstack server delete ID   # what nobody needs; or take another name"],
  );
}
