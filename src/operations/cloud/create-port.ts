import {
  Agent,
  AgentList,
  type AgentList as Agents,
  agentsFor,
  bindingReasons,
} from "../../openstack/guests/binding.ts";
import { type Creation, type Finding, finding } from "../../openstack/guests/creation.ts";
import { inSwitchdev } from "../../openstack/guests/port-mode.ts";
import {
  asksForSwitchdev,
  comparePort,
  judgePort,
  Network,
  networkProblems,
  Port,
  PortList,
  type PortRequest,
  portArguments,
} from "../../openstack/guests/ports.ts";
import { ask, commandOf, type OpenstackClient, OpenstackError } from "./openstack-client.ts";

/** Makes a port for a VF, unless it is there; what came back, or was there, is checked. */
export async function createPort(client: OpenstackClient, request: PortRequest): Promise<Creation<Port>> {
  const { name } = request;
  const args = portArguments(request);
  const made = { name, command: commandOf(client, args) };
  try {
    const [network, same] = await Promise.all([
      ask(client, ["network", "show", "-f", "json", request.network], Network),
      ask(client, ["port", "list", "--name", name, "-f", "json"], PortList),
    ]);
    if (same.length > 1)
      return { ...made, outcome: "ambiguous", thing: null, findings: [severalPorts(name, same)] };
    const problems = networkProblems(request, network);
    if (problems.length > 0) return { ...made, outcome: "conflict", thing: null, findings: problems };
    const [first] = same;
    if (first === undefined) {
      const port = await ask(client, args, Port);
      return {
        ...made,
        outcome: "created",
        thing: port,
        findings: await portFindings(client, port, network, inSwitchdev(request.mode)),
      };
    }
    const port = await ask(client, ["port", "show", "-f", "json", first.ID], Port);
    const differences = comparePort(request, network, port);
    if (differences.some(({ kind }) => kind === "wrong")) {
      const next = `openstack port delete ${port.id}   # if nobody needs it; or take another name`;
      return {
        ...made,
        outcome: "conflict",
        thing: port,
        findings: [...differences, finding("note", "nothing was changed", [next])],
      };
    }
    const findings = await portFindings(client, port, network, inSwitchdev(request.mode));
    return { ...made, outcome: "kept", thing: port, findings: [...differences, ...findings] };
  } catch (error) {
    return { ...made, outcome: "refused", thing: null, findings: [refused(error)] };
  }
}

/**
 * What a port's binding tells, with the reasons where it failed.
 * @param network `null`: not known yet, and looked at only if it is needed
 * @param switchdev how it shall be bound; `null`: not known
 */
export async function portFindings(
  client: OpenstackClient,
  port: Port,
  network: Network | null,
  switchdev: boolean | null,
): Promise<Finding[]> {
  const findings = judgePort(port, switchdev);
  return port.binding_vif_type === "binding_failed"
    ? [...findings, ...(await reasons(client, port, network))]
    : findings;
}

/** Why a port is not bound, as far as this user gets to see it. */
export async function reasons(
  client: OpenstackClient,
  port: Port,
  network: Network | null,
): Promise<Finding[]> {
  const seen =
    network ??
    (await orNull(() => ask(client, ["network", "show", "-f", "json", port.network_id ?? ""], Network)));
  const list: Agents | null = await orNull(() =>
    ask(client, ["network", "agent", "list", "-f", "json"], AgentList),
  );
  // Neutron answers with an empty list to somebody who may not see agents; an administrator's own cloud has
  // some.
  if (list === null || list.length === 0) return bindingReasons({ port, network: seen, agents: null });
  const all = agentsFor(port, list);
  const few = all.slice(0, lookedAt);
  const agents = await Promise.all(
    few.map(({ ID }) => orNull(() => ask(client, ["network", "agent", "show", "-f", "json", ID], Agent))),
  );
  return bindingReasons({
    port,
    network: seen,
    agents: agents.filter((agent) => agent !== null),
    more: all.length - few.length,
  });
}

/** Agents whose configuration is asked for: each is a call of the client. */
const lookedAt = 4;

/** What cannot be seen is no reason to fail: the port is there. */
async function orNull<T>(look: () => Promise<T>): Promise<T | null> {
  try {
    return await look();
  } catch (error) {
    if (error instanceof OpenstackError) return null;
    throw error;
  }
}

/** A refusal as a finding; any other error is a defect, and thrown on. */
export function refused(error: unknown): Finding {
  if (error instanceof OpenstackError) return finding("wrong", error.message, error.next);
  throw error;
}

function severalPorts(name: string, same: PortList): Finding {
  return finding(
    "wrong",
    `${same.length} ports are called ${name}, so none of them is meant for sure: ` +
      `${same.map(({ ID }) => ID).join(", ")}`,
    [
      "openstack port show ID   # project_id and device_id tell them apart: an administrator sees those " +
        "of all projects",
      "openstack port delete ID   # what nobody needs; or take another name",
    ],
  );
}

/**
 * Whether a port shall be bound by openvswitch or ovn, as its own profile says; `null`: it is no direct port,
 * or not to be seen.
 */
export function switchdevOf(port: Port): boolean | null {
  return port.binding_vnic_type === "direct" ? asksForSwitchdev(port) : null;
}
