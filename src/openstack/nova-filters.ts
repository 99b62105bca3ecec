import { entriesOf, type Ini, listValue, optionValue } from "./ini.ts";
import type { IniEdit } from "./ini-edit.ts";
import { isFrom, type Release } from "./releases.ts";

const filter = "PciPassthroughFilter";
const filterClass = "nova.scheduler.filters.pci_passthrough_filter.PciPassthroughFilter";

/**
 * What the scheduler needs to send a guest that asks for a VF to a host that has one. The option replaces Nova's list, so the list
 * is the one that is there, or else the release's own, with one more. Source: nova/conf/scheduler.py of each release.
 */
export function filterEdits(ini: Ini, release: Release): { edits: IniEdit[]; notes: string[] } {
  const option = enabledOption(ini, release);
  const there = optionValue(ini, option.section, option.key);
  const filters = there === undefined ? defaultFilters(release) : listValue(there);
  const edits: IniEdit[] = [];
  const notes = filters.flatMap((name) => noteOnFilter(name, release));
  if (!filters.includes(filter)) {
    const comment = `${filter} in addition to ${there === undefined ? `the filters that ${release} has by itself` : "those that were there"}`;
    edits.push({ kind: "set", ...option, value: [...filters, filter].join(","), comment });
  }
  const available = entriesOf(ini, "filter_scheduler", "available_filters").map(({ value }) => value);
  if (available.length > 0 && !available.some((name) => ["nova.scheduler.filters.all_filters", filterClass].includes(name))) {
    const comment = `${filter} has to be available, to be enabled`;
    edits.push({ kind: "append", section: "filter_scheduler", key: "available_filters", value: filterClass, comment });
  }
  const [old] = isFrom(release, "xena") ? entriesOf(ini, "DEFAULT", "scheduler_default_filters") : [];
  if (old !== undefined)
    notes.push(`line ${old.line}: scheduler_default_filters is ignored from Xena on; [filter_scheduler] enabled_filters is its name`);
  return { edits, notes };
}

/** The filters that a release enables by itself. */
export function defaultFilters(release: Release): string[] {
  const always = [
    "ComputeFilter",
    "ComputeCapabilitiesFilter",
    "ImagePropertiesFilter",
    "ServerGroupAntiAffinityFilter",
    "ServerGroupAffinityFilter",
  ];
  return isFrom(release, "xena") ? always : ["AvailabilityZoneFilter", ...always];
}

/** Up to Wallaby the old name counts where the new one is not there. */
function enabledOption(ini: Ini, release: Release): { section: string; key: string } {
  const old = { section: "DEFAULT", key: "scheduler_default_filters" };
  const hasOld = !isFrom(release, "xena") && optionValue(ini, old.section, old.key) !== undefined;
  const hasNew = optionValue(ini, "filter_scheduler", "enabled_filters") !== undefined;
  return hasOld && !hasNew ? old : { section: "filter_scheduler", key: "enabled_filters" };
}

function noteOnFilter(name: string, release: Release): string[] {
  const gone: Readonly<Record<string, { since: Release; label: string }>> = {
    RetryFilter: { since: "ussuri", label: "Ussuri" },
    AvailabilityZoneFilter: { since: "2023.2", label: "2023.2" },
  };
  const found = gone[name];
  if (found === undefined || !isFrom(release, found.since)) return [];
  return [`${name} is not there any more from ${found.label} on: nova-scheduler does not start with it in enabled_filters`];
}
