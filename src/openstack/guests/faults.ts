import { type Finding, finding } from "./creation.ts";

/** What Nova says of a server in ERROR, with what it means for a server with VFs, and what to do. */
interface Meaning {
  readonly says: RegExp;
  readonly means: string;
  readonly next: readonly string[];
}

const noVf = [
  "vflag verify   # on the hypervisors: are the VFs there, and how many have guests (vflag map)?",
  "vflag openstack check --nova nova.conf ...   # on them: do Nova's PCI rules offer the VFs, with the " +
    "network's physnet?",
];

/**
 * The first that fits counts. Source: nova, exception.py; compute/claims.py; compute/manager.py;
 * conductor/manager.py; scheduler/manager.py.
 */
const meanings: readonly Meaning[] = [
  {
    says: /Binding failed for port ([0-9a-f-]+)/,
    means: "Neutron could not bind the port on the hypervisor",
    next: ['neutron-server\'s log, around "Failed to bind port"'],
  },
  {
    says: /Insufficient compute resources:.*(Claim pci failed|PCI)/i,
    means:
      "the scheduler chose a hypervisor with no VF left for the port: PciPassthroughFilter is not among " +
      "enabled_filters, or another guest was faster",
    next: [
      "vflag nova diff nova.conf ...   # for nova-scheduler's file: the filter is added where it is missing",
      ...noVf,
    ],
  },
  {
    says: /PCI device request .* failed|PciDevicePoolEmpty|Attempt to consume PCI device .* from empty pool/i,
    means: "the hypervisor had no VF left for the port when the guest came",
    next: noVf,
  },
  {
    says: /Insufficient compute resources/,
    means: "the hypervisor that was chosen had not enough of what the flavor asks for",
    next: ["openstack flavor show FLAVOR; openstack hypervisor stats show"],
  },
  {
    says: /Virtual Interface creation failed|Failed to allocate the network/i,
    means:
      "the hypervisor waited in vain for Neutron to wire a port (vif_plugging_timeout), or Neutron " +
      "refused one: the agent there is not running, or cannot set the VF",
    next: [
      "openstack network agent list --host HOST   # is the SR-IOV or Open vSwitch agent alive?",
      "nova-compute's log on that host",
    ],
  },
  {
    says: /Exceeded maximum number of retries|Exhausted all hosts available/,
    means:
      "several hypervisors tried and failed, each with a reason of its own that only its " +
      "nova-compute's log has",
    next: ["nova-compute's log on each, around the server's id", ...noVf],
  },
  {
    says: /No valid host was found/,
    means:
      "the scheduler found no hypervisor: none has a free VF on the port's physical network, as far as " +
      "Nova's PCI rules tell it, or none has room for the flavor",
    next: [
      ...noVf,
      'nova-scheduler\'s log: which filter returned 0 hosts ("Filter PciPassthroughFilter returned 0 hosts")',
    ],
  },
  {
    says: /VIF type .* (is )?not supported|Unexpected vif_type=binding_failed|vif_type.*binding_failed/i,
    means: "Neutron could not bind the port, and nova-compute has no way to plug what came back",
    next: ["openstack port show PORT -c binding_vif_type -c binding_host_id"],
  },
  {
    says: /device (is )?(busy|in use)|already in use by domain/i,
    means: "libvirt could not take the VF: another guest, or a driver of the host, has it",
    next: ["vflag map   # on the hypervisor: who has which VF"],
  },
  {
    says: /libvirt|internal error|vfio/i,
    means: "libvirt did not start the guest",
    next: ["nova-compute's and libvirt's logs on the hypervisor", "vflag verify   # there: is the IOMMU on?"],
  },
];

/** Whether a server's fault is about a binding that failed, so that the ports tell more. */
export function isAboutBinding(message: string): boolean {
  return /bind|No valid host|Exceeded maximum|Failed to allocate|Virtual Interface/i.test(message);
}

/** A server's fault in words. @param fault its message; `null` where Nova gave none */
export function faultReason(name: string, fault: string | null): Finding {
  if (fault === null || fault.trim() === "")
    return finding("wrong", `server ${name} is in ERROR, and Nova gives no fault`, [
      "openstack server event list SERVER; nova-compute's and nova-conductor's logs, around its id",
    ]);
  const meaning = meanings.find(({ says }) => says.test(fault));
  const said = fault.replaceAll(/\s+/g, " ").trim();
  if (meaning === undefined)
    return finding("wrong", `server ${name} is in ERROR: ${said}`, [
      "nova-compute's log, around the server's id",
    ]);
  return finding("wrong", `server ${name} is in ERROR: ${meaning.means}. Nova says: ${said}`, meaning.next);
}
