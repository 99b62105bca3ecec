import { isFrom, type Release } from "./releases.ts";

/**
 * What Nova, Neutron, Kolla-Ansible and Kayobe do from a release on. Where each was read stands where it is
 * used; no other file names a release to decide by it (test/openstack/releases.test.ts).
 */
const since = {
  /** `[pci] device_spec` beside `passthrough_whitelist`. */
  novaDeviceSpec: "zed",
  /** `[pci] report_in_placement`. */
  novaPlacement: "zed",
  /** `[DEFAULT] scheduler_default_filters` is ignored. */
  novaFiltersByNewName: "xena",
  /** AvailabilityZoneFilter is none of the filters that are on by themselves. */
  novaWithoutZoneFilter: "xena",
  /** Some stable releases of Nova fill in a port's capability `switchdev`, from this release on all do. */
  novaMayFillSwitchdev: "zed",
  novaFillsSwitchdev: "2024.1",
  /** The mechanism driver `ovn` is Neutron's own. */
  neutronOvn: "ussuri",
  /** The mechanism driver `linuxbridge` is gone. */
  neutronWithoutLinuxBridge: "2025.1",
  /** Variables for PCI rules and mappings, and sriovnicswitch in Kolla's own list of drivers. */
  kollaSriov: "victoria",
  /** `openvswitch_hw_offload`. */
  kollaHardwareOffload: "yoga",
  /** Kolla's own lists of filters have no AvailabilityZoneFilter. */
  kollaWithoutZoneFilter: "2023.1",
  /** A host's own nova-compute.conf. */
  kollaHostNovaCompute: "2023.2",
  /** Switches are `true` and `false`, without quotes. */
  kollaPlainSwitches: "2026.1",
  kayobeHooks: "ussuri",
  /** Hooks of an environment; before, a hook is all environments'. */
  kayobeEnvironmentHooks: "2024.1",
  /** A list that is added to the variables that are passed through to Kolla-Ansible. */
  kayobePassThroughExtra: "xena",
  /** globals.yml of all layers is combined. */
  kayobeLayeredGlobals: "xena",
  /** group_vars of all layers are copied. */
  kayobeLayeredGroupVars: "2023.1",
  /** Service configuration of all layers is combined. */
  kayobeLayeredConfig: "2023.2",
  /** Environments depend on others. */
  kayobeDependencies: "2023.2",
  /** Files of layers are put together without a line break between them. */
  kayobeConcatenates: "2025.2",
} as const satisfies Readonly<Record<string, Release>>;

/** Whether this is so with a release. */
export function releaseHas(release: Release, fact: keyof typeof since): boolean {
  return isFrom(release, since[fact]);
}

/** What knows a name, and from which release on. */
type Names = Readonly<Record<string, Release>>;

/**
 * The options of sections that are all about PCI devices. Source: nova/conf/pci.py,
 * neutron/conf/plugins/ml2/drivers/mech_sriov/.
 */
export const pciOptions: readonly {
  readonly file: "nova" | "sriovAgent";
  readonly section: string;
  readonly key: string;
  readonly from: Release;
}[] = [
  { file: "nova", section: "pci", key: "alias", from: "train" },
  { file: "nova", section: "pci", key: "passthrough_whitelist", from: "train" },
  { file: "nova", section: "pci", key: "device_spec", from: since.novaDeviceSpec },
  { file: "nova", section: "pci", key: "report_in_placement", from: since.novaPlacement },
  { file: "nova", section: "filter_scheduler", key: "pci_in_placement", from: "2023.1" },
  { file: "sriovAgent", section: "sriov_nic", key: "physical_device_mappings", from: "train" },
  { file: "sriovAgent", section: "sriov_nic", key: "exclude_devices", from: "train" },
  { file: "sriovAgent", section: "sriov_nic", key: "resource_provider_default_hypervisor", from: "xena" },
];

/** Tags of a PCI rule that Nova does more with than keeping them. */
export const ruleTags: Names = {
  remote_managed: "yoga",
  resource_class: "zed",
  traits: "zed",
  managed: "2025.1",
  live_migratable: "2025.1",
  one_time_use: "2025.2",
};

/**
 * Nova's schema of an alias. Source: nova, nova/pci/request.py, _ALIAS_SCHEMA: 26.2.2 run, master read
 * 2026-11.
 */
export const aliasFields: Names = {
  name: "train",
  vendor_id: "train",
  product_id: "train",
  device_type: "train",
  capability_type: "train",
  numa_policy: "train",
  resource_class: "2023.1",
  traits: "2023.1",
  live_migratable: "2025.1",
};

/** Filters that Nova has no more from a release on: nova-scheduler does not start with one. */
export const goneFilters: Names = {
  RetryFilter: "ussuri",
  AvailabilityZoneFilter: "2023.2",
};
