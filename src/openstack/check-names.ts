import type { Configuration, Report } from "./check-finding.ts";
import { entriesOf, type Ini } from "./files/ini.ts";
import { isFrom, type Release } from "./releases.ts";

/**
 * The options of sections that are all about this, with the release that brought them. Source:
 * nova/conf/pci.py, neutron/conf/plugins/ml2/drivers/mech_sriov/.
 */
const options: readonly { file: keyof Configuration; section: string; key: string; from: Release }[] = [
  { file: "nova", section: "pci", key: "alias", from: "train" },
  { file: "nova", section: "pci", key: "passthrough_whitelist", from: "train" },
  { file: "nova", section: "pci", key: "device_spec", from: "zed" },
  { file: "nova", section: "pci", key: "report_in_placement", from: "zed" },
  { file: "nova", section: "filter_scheduler", key: "pci_in_placement", from: "2023.1" },
  { file: "sriovAgent", section: "sriov_nic", key: "physical_device_mappings", from: "train" },
  { file: "sriovAgent", section: "sriov_nic", key: "exclude_devices", from: "train" },
  { file: "sriovAgent", section: "sriov_nic", key: "resource_provider_default_hypervisor", from: "xena" },
];

/** Tags of a rule that a release does more with than keeping them. */
const tags: Readonly<Record<string, Release>> = {
  remote_managed: "yoga",
  resource_class: "zed",
  traits: "zed",
  managed: "2025.1",
  live_migratable: "2025.1",
  one_time_use: "2025.2",
};

/** Names that a release does not know: it ignores them without a word. */
export function checkNames(ini: Ini, file: keyof Configuration, release: Release, report: Report): void {
  for (const { section, key, from } of options.filter(
    (one) => one.file === file && !isFrom(release, one.from),
  )) {
    for (const { line } of entriesOf(ini, section, key))
      report("wrong", line, `[${section}] ${key} is not known before ${from}, and ignored`);
  }
  for (const { line, key } of file === "nova"
    ? ini.entries.filter((entry) => entry.section.toLowerCase() === "pci")
    : []) {
    const known = options.some((one) => one.section === "pci" && one.key === key);
    if (!known)
      report("doubtful", line, `vflag knows no option ${key} in [pci]; Nova ignores what it does not know`);
  }
  for (const { line } of entriesOf(ini, "ml2_sriov", "supported_pci_vendor_devs"))
    report("doubtful", line, "supported_pci_vendor_devs is ignored since Ocata");
  const rules =
    file === "nova"
      ? ["device_spec", "passthrough_whitelist"].flatMap((key) => entriesOf(ini, "pci", key))
      : [];
  for (const { line, value } of rules) {
    for (const [tag, from] of Object.entries(tags)) {
      if (!isFrom(release, from) && value.includes(`"${tag}"`))
        report("wrong", line, `${tag} means nothing to Nova before ${from}`);
    }
  }
}
