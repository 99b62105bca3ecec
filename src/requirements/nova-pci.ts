import { isUnknown } from "../host/observed.ts";
import type { DeviceSpec, NovaPci } from "../host/openstack.ts";
import type { PhysicalFunction, VirtualFunction } from "../host/state.ts";
import type { HostFinding, HostRequirement, NicView } from "./requirement.ts";

/** Nova on this host hands out the VFs that exist, for the network that they are on. */
export const novaPci: HostRequirement = {
  id: "nova-pci",
  stage: "ovs",
  title: "Nova on this host hands out the NIC's VFs, for its physical network",
  why: "nova-compute offers only functions that [pci] device_spec matches, and a port of Neutron is put only on one with its physical network.",
  observe: [
    "grep -E 'device_spec|passthrough_whitelist' /etc/kolla/nova-compute/nova.conf /etc/nova/nova.conf",
    "openstack resource provider list",
  ],
  byHand: ['[pci] device_spec = {"address": "PF", "physical_network": "PHYSNET"} for each port, then restart nova-compute'],
  references: ["https://docs.openstack.org/nova/latest/configuration/config.html#pci.device_spec", "nova pci/devspec.py"],
  follows: ["ports", "vf-count", "vf-links"],
  gate: false,
  check: ({ state, nics }) => {
    const nova = isUnknown(state.openStack) ? null : state.openStack.nova;
    // Without nova.conf, or with one that says nothing of PCI, this is no host that hands out VFs.
    if (nova === null || isUnknown(nova) || nova.specs.length === 0) return [];
    return nics.flatMap((view) => nicFindings(view, nova));
  },
};

function nicFindings({ nic, pfs, state }: NicView, { file, specs }: NovaPci): HostFinding[] {
  const { physnet } = nic;
  if (physnet === undefined || specs.some(({ understood }) => !understood)) return [];
  const netdevOf = (vf: VirtualFunction) => state.netdevs.find(({ device }) => device === vf.address)?.name ?? null;
  return pfs.flatMap((pf): HostFinding[] => {
    const wrong = pf.vfs.flatMap((vf) => {
      const networks = specs.filter((spec) => matches(spec, pf, vf, netdevOf(vf))).map((spec) => spec.physnet);
      // Null is a network of tunnels, which any port can carry.
      if (networks.includes(physnet) || networks.includes(null)) return [];
      return [networks.find((network) => network !== undefined) ?? (networks.length === 0 ? "not matched" : "without physical_network")];
    });
    if (wrong.length === 0) return [];
    const actual = `${wrong.length} of ${pf.vfs.length} VFs are ${[...new Set(wrong)].join(", ")} in ${file}`;
    const text = `[pci] device_spec = {"address": "${pf.address}", "physical_network": ${JSON.stringify(physnet)}} in Nova's configuration, then restart nova-compute`;
    const subject = `VFs of ${pf.netdev ?? pf.address} (${pf.address})`;
    return [
      {
        subject,
        expected: physnet ?? "tunnels (physical_network null)",
        actual,
        severity: "warning",
        remedy: { kind: "person", text },
        nics: [nic.name],
      },
    ];
  });
}

/** As Nova matches: an address is the VF's or its PF's, a name its own netdev's or its PF's. Source: nova pci/devspec.py. */
function matches(spec: DeviceSpec, pf: PhysicalFunction, vf: VirtualFunction, netdev: string | null): boolean {
  const { devname, address, vendor, product } = spec;
  if (devname !== null && devname !== netdev && devname !== pf.netdev) return false;
  if (address !== null && !addressMatches(address, vf.address) && !addressMatches(address, pf.address)) return false;
  const same = (wanted: string | null, found: string) => wanted === null || wanted === "*" || wanted === found;
  return same(vendor, vf.vendor) && same(product, vf.product);
}

/** `[[[[domain]:]bus]:][slot][.[function]]`, with * for what is left open. */
function addressMatches(pattern: string, address: string): boolean {
  const [, domain = "", bus = "", slot = "", fn = ""] = /^(.+):([0-9a-f]{2}):([0-9a-f]{2})\.([0-7])$/.exec(address) ?? [];
  const [front = "", wantedFn = "*"] = pattern.split(".", 2);
  const parts = front.split(":");
  const [wantedSlot = "*", wantedBus = "*", wantedDomain = "*"] = parts.reverse();
  const same = (wanted: string, found: string) =>
    wanted === "*" || wanted === "" || Number.parseInt(wanted, 16) === Number.parseInt(found, 16);
  return same(wantedDomain, domain) && same(wantedBus, bus) && same(wantedSlot, slot) && same(wantedFn, fn);
}
