import type { Configuration, Report } from "./check-finding.ts";
import { entriesOf, type Ini } from "./files/ini.ts";
import { pciOptions, ruleTags } from "./release-facts.ts";
import { isFrom, type Release } from "./releases.ts";

/** Names that a release does not know: it ignores them without a word. */
export function checkNames(ini: Ini, file: keyof Configuration, release: Release, report: Report): void {
  for (const { section, key, from } of pciOptions.filter(
    (one) => one.file === file && !isFrom(release, one.from),
  )) {
    for (const { line } of entriesOf(ini, section, key))
      report("wrong", line, `[${section}] ${key} is not known before ${from}, and ignored`);
  }
  for (const { line, key } of file === "nova"
    ? ini.entries.filter((entry) => entry.section.toLowerCase() === "pci")
    : []) {
    const known = pciOptions.some((one) => one.section === "pci" && one.key === key);
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
    for (const [tag, from] of Object.entries(ruleTags)) {
      if (!isFrom(release, from) && value.includes(`"${tag}"`))
        report("wrong", line, `${tag} means nothing to Nova before ${from}`);
    }
  }
}
