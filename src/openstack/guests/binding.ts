import * as z from "zod";
import { type Finding, finding } from "./creation.ts";
import { asksForSwitchdev, type Network, type Port } from "./ports.ts";

/**
 * Why Neutron could not bind a port: the same questions that its mechanism drivers ask, in their order. A
 * driver passes over what it cannot bind and says so in neutron-server's debug log only. Source: neutron,
 * plugins/ml2/drivers/mech_agent.py, bind_port and check_segment_for_agent;
 * mech_sriov/mech_driver/mech_driver.py.
 */

/** `openstack network agent list -f json`. */
export const AgentList = z.array(
  z.object({
    ID: z.string(),
    "Agent Type": z.string(),
    Host: z.string().nullish(),
    Alive: z.union([z.boolean(), z.string()]).nullish(),
  }),
);
export type AgentList = z.infer<typeof AgentList>;

/** `openstack network agent show -f json`; older clients say `configurations`. */
export const Agent = z.object({
  agent_type: z.string(),
  host: z.string(),
  alive: z.union([z.boolean(), z.string()]).nullish(),
  configuration: z.unknown().optional(),
  configurations: z.unknown().optional(),
});
export type Agent = z.infer<typeof Agent>;

const kinds = {
  switchdev: ["Open vSwitch agent", "OVN Controller agent", "OVN Controller Gateway agent"],
  legacy: ["NIC Switch agent"],
} as const;

/** What was to be seen for it. */
export interface BindingFacts {
  readonly port: Port;
  readonly network: Network | null;
  /** Agents of the kind that binds such a port, on the port's host if it has one; `null`: not to be seen. */
  readonly agents: readonly Agent[] | null;
  /** How many more of them there are, which were not looked at. */
  readonly more?: number;
}

/** The agents of a list that could bind the port, those that answer first. */
export function agentsFor(port: Port, list: AgentList): AgentList {
  const wanted: readonly string[] = kindsFor(port);
  const host = port.binding_host_id ?? "";
  const could = list.filter(
    (agent) => wanted.includes(agent["Agent Type"]) && (host === "" || agent.Host === host),
  );
  return could.toSorted((one, other) => Number(isTrue(other.Alive)) - Number(isTrue(one.Alive)));
}

/** The reasons, the surest first; never empty. */
export function bindingReasons({ port, network, agents, more = 0 }: BindingFacts): Finding[] {
  const switchdev = asksForSwitchdev(port) === true;
  const type = network?.["provider:network_type"] ?? null;
  const physnet = network?.["provider:physical_network"] ?? null;
  const host = port.binding_host_id ?? "";
  const kind = asksForSwitchdev(port) === null ? "agent for it" : kindName(switchdev);
  const where = host === "" ? "on any host" : `on ${host}`;
  if (!switchdev && type !== null && type !== "flat" && type !== "vlan")
    return [
      finding(
        "wrong",
        `the network is of type ${type}, and without the capability switchdev only flat and VLAN networks ` +
          `can be bound`,
        [
          "for a NIC in switchdev mode: vflag port create --capabilities with; otherwise take a flat or " +
            "VLAN network",
        ],
      ),
    ];
  if (agents === null)
    return [
      finding("doubtful", "the reason was not to be seen: only administrators see Neutron's agents", [
        `openstack network agent list${host === "" ? "" : ` --host ${host}`}   # is there a ` +
          `${kind}, and alive?`,
        "openstack network agent show ID   # does its configuration have the network's physnet?",
      ]),
    ];
  if (agents.length === 0)
    return [
      finding("wrong", `there is no ${kind} ${where}`, [
        switchdev
          ? `openstack network agent list${host === "" ? "" : ` --host ${host}`}; ` +
            "neutron-openvswitch-agent (or ovn-controller) has to run on the hosts with these NICs"
          : "deploy neutron-sriov-nic-agent on the hosts with these NICs (Kolla-Ansible: " +
            "enable_neutron_sriov; Kayobe: kolla_enable_neutron_sriov)",
        ...(switchdev
          ? []
          : [
              "for a NIC in switchdev mode the port needs the capability instead: vflag port create " +
                "--capabilities with",
            ]),
      ]),
    ];
  const alive = agents.filter((agent) => isTrue(agent.alive));
  if (alive.length === 0)
    return [
      finding(
        "wrong",
        `the ${agents[0]?.agent_type ?? kind} on ${agents.map((agent) => agent.host).join(", ")} does not ` +
          `answer (not alive)`,
        [
          `is it running, and does its log on ${agents[0]?.host ?? "the host"} say why it does not report ` +
            `to neutron-server?`,
        ],
      ),
    ];
  if (physnet !== null) {
    const known = alive.map((agent) => ({ host: agent.host, physnets: physnetsOf(agent) }));
    if (known.every(({ physnets }) => physnets !== null && !physnets.includes(physnet))) {
      const each = known.map((one) => `the agent on ${one.host} has ${listed(one.physnets)}`).join("; ");
      const unseen = more === 0 ? "" : `; ${more} more agents were not looked at`;
      return [
        finding(more === 0 ? "wrong" : "doubtful", `the network is on ${physnet}, and ${each}${unseen}`, [
          switchdev
            ? "[ovs] bridge_mappings of openvswitch_agent.ini (ovn: external_ids:ovn-bridge-mappings) " +
              `needs ${physnet}`
            : `[sriov_nic] physical_device_mappings of sriov_agent.ini needs ${physnet}: vflag neutron ` +
              `diff sriov_agent.ini`,
        ]),
      ];
    }
  }
  const driver = switchdev ? "openvswitch (or ovn)" : "sriovnicswitch";
  return [
    finding(
      "doubtful",
      `an agent is alive and has the network: what is left is neutron-server, whose mechanism_drivers ` +
        `may lack ${driver}`,
      [
        "vflag openstack check --ml2 ml2_conf.ini ...   # on a host with that file",
        `neutron-server's log, around "Failed to bind port ${port.id}" (debug = True shows what each ` +
          `driver says)`,
      ],
    ),
  ];
}

function kindName(switchdev: boolean): string {
  return switchdev ? "Open vSwitch agent or OVN controller" : "NIC Switch agent (neutron-sriov-nic-agent)";
}

function kindsFor(port: Port): readonly string[] {
  return asksForSwitchdev(port) === true ? kinds.switchdev : kinds.legacy;
}

/**
 * The physical networks of an agent: a mapping, or OVN's text "physnet:bridge,..."; `null`: it does not say.
 */
function physnetsOf(agent: Agent): string[] | null {
  const configuration = agent.configuration ?? agent.configurations;
  for (const key of ["device_mappings", "bridge_mappings", "bridge-mappings"]) {
    const mappings: unknown =
      typeof configuration === "object" && configuration !== null
        ? Reflect.get(configuration, key)
        : undefined;
    if (typeof mappings === "string")
      return mappings.split(",").map((pair) => pair.split(":", 1)[0]?.trim() ?? "");
    if (typeof mappings === "object" && mappings !== null) return Object.keys(mappings);
  }
  return null;
}

function listed(physnets: readonly string[] | null): string {
  return physnets === null || physnets.length === 0 ? "none" : physnets.join(", ");
}

/** The client prints `true`, and older ones `":-)"`. */
function isTrue(alive: unknown): boolean {
  return alive === true || alive === ":-)";
}
