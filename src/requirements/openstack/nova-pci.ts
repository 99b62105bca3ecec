import { isUnknown } from "../../host/state/observed.ts";
import type { NovaPci } from "../../host/state/openstack.ts";
import type { PhysicalFunction } from "../../host/state/state.ts";
import { valueText } from "../../host/value-text.ts";
import { plainValue } from "../../openstack/files/ini.ts";
import { novaView } from "../../openstack/nova/nova-host.ts";
import {
  type NovaDevice,
  type NovaHost,
  type PciRule,
  parseRules,
  ruleFor,
  sameNetwork,
} from "../../openstack/nova/pci-rule.ts";
import { NovaRefusal, UnreadRule } from "../../openstack/nova/rule-errors.ts";
import type { NicSpec } from "../../spec/schema.ts";
import type { HostFinding, HostRequirement, HostView } from "../requirement.ts";
import { aboutPf } from "../virtual-functions.ts";

/** Nova on this host hands out the VFs that exist, for the network that they are on. */
export const novaPci: HostRequirement = {
  id: "nova-pci",
  stage: "ovs",
  title: "Nova on this host hands out the NIC's VFs, for its physical network",
  why:
    "nova-compute offers only functions that [pci] device_spec matches, and a port of Neutron is put " +
    "only on one with its physical network.",
  observe: [
    "grep -E 'device_spec|passthrough_whitelist' /etc/kolla/nova-compute/nova.conf /etc/nova/nova.conf",
    "openstack resource provider list",
  ],
  byHand: [
    '[pci] device_spec = {"address": "PF", "physical_network": "PHYSNET"} for each port, then restart ' +
      "nova-compute",
  ],
  references: [
    "https://docs.openstack.org/nova/latest/configuration/config.html#pci.device_spec",
    "nova pci/devspec.py",
  ],
  follows: ["ports", "vf-count", "vf-links"],
  gate: false,
  check: (view) => {
    const { openStack } = view.state;
    const nova = isUnknown(openStack) ? null : openStack.nova;
    // Without nova.conf, or with one that says nothing of PCI, this is no host that hands out VFs.
    if (nova === null || isUnknown(nova) || nova.rules.length === 0) return [];
    return findings(view, nova);
  },
};

function findings({ spec, state, nics }: HostView, { file, rules: values }: NovaPci): HostFinding[] {
  const concerned = nics.filter(({ nic }) => nic.physnet !== undefined);
  if (concerned.length === 0) return [];
  const { host, devices } = novaView(spec, state);
  const plain = values.map(plainValue).filter((value) => value !== null);
  // What vflag cannot read may offer the VFs all the same.
  if (plain.length < values.length) return [];
  try {
    const rules = parseRules(plain, host);
    return concerned.flatMap(({ nic, pfs }) =>
      pfs.flatMap((pf) => portFindings(nic, pf, ofPort(pf, devices), rules, host, file)),
    );
  } catch (error) {
    if (error instanceof UnreadRule) return [];
    if (!(error instanceof NovaRefusal)) throw error;
    const remedy = { kind: "person", text: `correct ${file}, then restart nova-compute` } as const;
    const found = {
      expected: "rules that Nova reads",
      actual: `nova-compute refuses them: ${error.message}`,
      remedy,
    };
    return [
      {
        subject: `[pci] in ${file}`,
        ...found,
        severity: "warning",
        nics: concerned.map(({ nic }) => nic.name),
      },
    ];
  }
}

/** The VFs that are there. */
function ofPort(pf: PhysicalFunction, devices: readonly NovaDevice[]): NovaDevice[] {
  return devices.filter(
    ({ parent, address }) => parent === pf.address && pf.vfs.some((vf) => vf.address === address),
  );
}

function portFindings(
  nic: NicSpec,
  pf: PhysicalFunction,
  vfs: readonly NovaDevice[],
  rules: readonly PciRule[],
  host: NovaHost,
  file: string,
): HostFinding[] {
  const wrong = vfs.flatMap((vf) => {
    const rule = ruleFor(rules, vf, host);
    if (rule === undefined) return ["not matched"];
    const network = rule.tags["physical_network"];
    if (sameNetwork(network, nic.physnet)) return [];
    return [
      network === undefined
        ? "without physical_network"
        : `on ${network === null ? "tunnels (null)" : valueText(network)}`,
    ];
  });
  if (wrong.length === 0) return [];
  const wanted = JSON.stringify({ address: pf.address, physical_network: nic.physnet });
  const how = [...new Set(wrong)].join(", ");
  const are = vfs.length === 1 ? "is" : "are";
  const actual = `${wrong.length} of ${count(vfs.length)} ${are} ${how} in ${file}`;
  const text =
    `[pci] device_spec = ${wanted} in Nova's configuration (vflag nova writes it), then ` +
    `restart nova-compute`;
  const expected = nic.physnet ?? "tunnels (physical_network null)";
  return [
    {
      ...aboutPf(pf),
      expected,
      actual,
      severity: "warning",
      remedy: { kind: "person", text },
      nics: [nic.name],
    },
  ];
}

function count(vfs: number): string {
  return `${vfs} VF${vfs === 1 ? "" : "s"}`;
}
