import * as z from "zod";
import { type Finding, finding } from "./creation.ts";
import { inSwitchdev, type PortMode } from "./port-mode.ts";

/** Ports of Neutron for VFs, as the openstack client makes and shows them. */

/** What is asked for. */
export interface PortRequest extends PortMode {
  readonly name: string;
  /** Name or id. */
  readonly network: string;
  /** Whether the binding profile gets the capability switchdev. */
  readonly capabilities: boolean;
  /** Further arguments of the client. */
  readonly further: readonly string[];
}

/** The client's arguments that make it. Source: `openstack port create --help`. */
export function portArguments({ name, network, capabilities, further }: PortRequest): string[] {
  const profile = capabilities ? ["--binding-profile", '{"capabilities": ["switchdev"]}'] : [];
  return [
    "port",
    "create",
    "--network",
    network,
    "--vnic-type",
    "direct",
    ...profile,
    ...further,
    "-f",
    "json",
    name,
  ];
}

const text = z
  .string()
  .nullish()
  .transform((value) => value ?? null);
/** A mapping; `null` where this user does not get to see it. */
const mapping = z
  .record(z.string(), z.unknown())
  .nullish()
  .catch(null)
  .transform((value) => value ?? null);

/**
 * `openstack port show -f json`. What only administrators see is `null` for others; the client shows mappings
 * that Neutron kept back as empty ones, and Neutron's policy is the same for all of the binding but the vnic
 * type.
 */
export const Port = z
  .object({
    id: z.string().min(1),
    name: text,
    network_id: text,
    project_id: text,
    status: text,
    mac_address: text,
    device_id: text,
    device_owner: text,
    binding_host_id: text,
    binding_profile: mapping,
    binding_vif_details: mapping,
    binding_vif_type: text,
    binding_vnic_type: text,
  })
  .transform((port) =>
    port.binding_vif_type === null ? { ...port, binding_profile: null, binding_vif_details: null } : port,
  );
export type Port = z.infer<typeof Port>;

/** `openstack port list -f json`. */
export const PortList = z.array(z.object({ ID: z.string().min(1), Name: text }));
export type PortList = z.infer<typeof PortList>;

/** `openstack network show -f json`. */
export const Network = z.object({
  id: z.string().min(1),
  name: text,
  "provider:network_type": text,
  "provider:physical_network": text,
});
export type Network = z.infer<typeof Network>;

/**
 * Whether a port asks for switchdev; `null` where the profile is not to be seen. Neutron asks whether
 * "switchdev" is in the value, which may be a string (`--binding-profile capabilities=switchdev`). Source:
 * neutron, plugins/ml2/drivers/openvswitch/mech_driver/mech_openvswitch.py.
 */
export function asksForSwitchdev(port: Port): boolean | null {
  if (port.binding_profile === null) return null;
  const capabilities = port.binding_profile["capabilities"];
  return (
    (Array.isArray(capabilities) || typeof capabilities === "string") && capabilities.includes("switchdev")
  );
}

/**
 * What stands against a network before anything is made: no host could give a VF of these NICs for it.
 * Source: neutron, mech_sriov/mech_driver/mech_driver.py, get_allowed_network_types; nova, pci/request.py
 * (physical_network of a request).
 */
export function networkProblems(request: PortRequest, network: Network): Finding[] {
  const type = network["provider:network_type"];
  const physnet = network["provider:physical_network"];
  if (type === null) return [];
  if (request.mode === "sriov" && type !== "flat" && type !== "vlan")
    return [
      finding(
        "wrong",
        `network ${request.network} is of type ${type}, and in mode sriov only flat and VLAN networks can ` +
          `be bound`,
        ["take a flat or VLAN network, or a NIC in mode switchdev or vf-lag"],
      ),
    ];
  if (request.physnets.length === 0 || request.physnets.includes(physnet)) return [];
  const there = physnet ?? `no physical network (type ${type})`;
  return [
    finding(
      "wrong",
      `network ${request.network} is on ${there}, and the NIC's physnet is ` +
        `${request.physnets.map(named).join(" or ")}: no VF is offered for it`,
      ["take a network of that physnet (openstack network list --long), or another NIC with --nic"],
    ),
  ];
}

/** Where a port that is there is not what was asked for: a line each. And what could not be compared. */
export function comparePort(request: PortRequest, network: Network, port: Port): Finding[] {
  const found: Finding[] = [];
  const differs = (what: string, there: string, wanted: string) =>
    found.push(finding("wrong", `${what} is ${there}, and shall be ${wanted}`));
  if (port.network_id !== network.id)
    differs("network", port.network_id ?? "unknown", `${request.network} (${network.id})`);
  if (port.binding_vnic_type === null) found.push(unseen("the vnic type"));
  else if (port.binding_vnic_type !== "direct") differs("vnic type", port.binding_vnic_type, "direct");
  const asks = asksForSwitchdev(port);
  if (asks === null) found.push(unseen("the binding profile"));
  else if (asks && !inSwitchdev(request.mode))
    differs("binding profile", JSON.stringify(port.binding_profile), "without the capability switchdev");
  else if (!asks && request.capabilities)
    differs("binding profile", JSON.stringify(port.binding_profile), 'with {"capabilities": ["switchdev"]}');
  if (request.further.length > 0) found.push(finding("note", `not compared: ${request.further.join(" ")}`));
  return found;
}

function unseen(what: string): Finding {
  return finding("note", `${what} was not compared: this user does not get to see it`);
}

/**
 * How each kind of port is bound when all is well. Source: neutron, mech_sriov and mech_openvswitch; ovn
 * binds as openvswitch does.
 */
const bound = {
  switchdev: { vifType: "ovs", by: "openvswitch or ovn" },
  legacy: { vifType: "hw_veb", by: "sriovnicswitch" },
} as const;

/**
 * What a port's binding tells. The reasons of binding_failed are elsewhere (binding.ts).
 * @param switchdev how it shall be bound; `null` where that is not known
 */
export function judgePort(port: Port, switchdev: boolean | null): Finding[] {
  const name = port.name === null || port.name === "" ? port.id : port.name;
  const used = port.device_id !== null && port.device_id !== "";
  const type = port.binding_vif_type;
  if (type === null)
    return [
      finding(
        "note",
        `port ${name}: how it is bound was not checked: this user does not get to see vif_type`,
      ),
    ];
  if (type === "binding_failed")
    return [
      finding(
        "wrong",
        `port ${name}: vif_type is binding_failed: no mechanism driver of Neutron could bind it`,
      ),
    ];
  if (type === "unbound") {
    if (!used) return [];
    return [
      finding(
        "doubtful",
        `port ${name}: a server has it, and vif_type is unbound: nova-compute has not asked for its ` +
          `binding yet, or gave it back`,
        [`openstack server show ${port.device_id}   # its status and fault`],
      ),
    ];
  }
  const wanted = switchdev === null ? null : switchdev ? bound.switchdev : bound.legacy;
  if (wanted !== null && type !== wanted.vifType) {
    const astray = type === bound.legacy.vifType || type === bound.switchdev.vifType;
    return [
      finding(
        astray ? "wrong" : "doubtful",
        `port ${name}: vif_type is ${type}, and ${wanted.by} would have bound it as ${wanted.vifType}`,
        [
          switchdev === true
            ? "the NIC is in switchdev mode: the capability switchdev has to be in the binding profile " +
              "when the port is bound (vflag port create --capabilities with)"
            : "the NIC is in legacy mode: the port must not have the capability switchdev",
        ],
      ),
    ];
  }
  return [...judgeDetails(port, name), ...judgeStatus(port, name, used)];
}

function judgeDetails(port: Port, name: string): Finding[] {
  const details = port.binding_vif_details ?? {};
  if (details["datapath_type"] === "netdev")
    return [
      finding(
        "wrong",
        `port ${name}: Open vSwitch on ${hostOf(port)} has the datapath netdev (DPDK), which offloads ` +
          `nothing to this VF's representor`,
        ["[ovs] datapath_type = system in openvswitch_agent.ini of that host"],
      ),
    ];
  if (port.binding_vif_type === bound.legacy.vifType && details["vlan"] === undefined)
    return [
      finding(
        "doubtful",
        `port ${name}: vif_details has no VLAN, which sriovnicswitch always puts there: ` +
          `${JSON.stringify(details)}`,
      ),
    ];
  return [];
}

function judgeStatus(port: Port, name: string, used: boolean): Finding[] {
  if (!used || port.status === "ACTIVE" || port.status === null) return [];
  const agent =
    port.binding_vif_type === bound.legacy.vifType
      ? "neutron-sriov-nic-agent"
      : "neutron-openvswitch-agent (or ovn-controller)";
  return [
    finding(
      "doubtful",
      `port ${name}: it is bound on ${hostOf(port)}, and its status is ${port.status}: ${agent} there has ` +
        `not wired it`,
      [`the log of ${agent} on ${hostOf(port)}`],
    ),
  ];
}

function hostOf(port: Port): string {
  return port.binding_host_id === null || port.binding_host_id === "" ? "its host" : port.binding_host_id;
}

function named(physnet: string | null): string {
  return physnet ?? "null (overlay networks)";
}
