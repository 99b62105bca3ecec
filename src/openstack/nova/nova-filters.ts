import { entriesOf, type Ini, type IniEntry, listValue, optionValue } from "../files/ini.ts";
import { type IniEdit, isOwn, ownComment } from "../files/ini-edit.ts";
import { goneFilters, releaseHas } from "../release-facts.ts";
import { isFrom, type Release, releases, titleOf } from "../releases.ts";

const filter = "PciPassthroughFilter";
const filterClass = "nova.scheduler.filters.pci_passthrough_filter.PciPassthroughFilter";

/** The filters that are enabled where a file enables none itself, and who enables them. */
export interface FilterBase {
  readonly list: readonly string[];
  readonly from: string;
}

/**
 * What the scheduler needs to send a guest that asks for a VF to a host that has one. The option replaces
 * Nova's list, so the list is the one that is there, or else the base, with one more. Source:
 * nova/conf/scheduler.py of each release.
 * @param base what counts where the file has no list; `null`: the release's own. Left out: nobody knows
 * @param earlier files that are put in front of this one, to be one with it
 */
export function filterEdits(
  ini: Ini,
  release: Release,
  base?: FilterBase | null,
  earlier: readonly Ini[] = [],
): { edits: IniEdit[]; notes: string[] } {
  const option = enabledOption(ini, release);
  const former = madeOfBase(ini, release);
  // Without a tree nobody knows whether Blazar is still there.
  const made = base === undefined && former?.value.includes("BlazarFilter") === true ? undefined : former;
  const there = made === undefined ? optionValue(ini, option.section, option.key) : undefined;
  const beneath = base ?? {
    list: defaultFilters(release),
    from: `the filters that ${release} has by itself`,
  };
  const listed = there === undefined ? beneath.list : listValue(there);
  const filters = isMadeOf(ini, release, base) ? [...new Set([...listed, ...beneath.list])] : listed;
  const wanted = filters.includes(filter) ? filters : [...filters, filter];
  const edits: IniEdit[] = [];
  const notes = filters.flatMap((name) => noteOnFilter(name, release));
  const stands = made === undefined ? listed : listValue(made.value);
  if (stands.join() !== wanted.join()) {
    const others = there === undefined ? beneath.from : "those that were there";
    const comment = `${filter} in addition to ${others}`;
    edits.push({ kind: "set", ...option, value: wanted.join(","), comment });
  }
  const available = [...earlier, ini]
    .flatMap((one) => entriesOf(one, "filter_scheduler", "available_filters"))
    .map(({ value }) => value);
  if (
    available.length > 0 &&
    !available.some((name) => ["nova.scheduler.filters.all_filters", filterClass].includes(name))
  ) {
    const comment = `${filter} has to be available, to be enabled`;
    edits.push({
      kind: "append",
      section: "filter_scheduler",
      key: "available_filters",
      value: filterClass,
      comment,
    });
  }
  const [old] = releaseHas(release, "novaFiltersByNewName")
    ? entriesOf(ini, "DEFAULT", "scheduler_default_filters")
    : [];
  if (old !== undefined)
    notes.push(
      `line ${old.line}: scheduler_default_filters is ignored from Xena on; [filter_scheduler] ` +
        `enabled_filters is its name`,
    );
  return { edits, notes };
}

/** The option's last entry in a file, unless vflag made its list of what was beneath. */
export function listedFilters(ini: Ini, release: Release): IniEntry | undefined {
  const { section, key } = enabledOption(ini, release);
  return madeOfBase(ini, release) === undefined ? entriesOf(ini, section, key).at(-1) : undefined;
}

/**
 * A list that vflag made of what was beneath, as it was then: it follows when that changes (Blazar is
 * deployed, the release is another).
 */
export function madeOfBase(ini: Ini, release: Release): IniEntry | undefined {
  const { section, key } = enabledOption(ini, release);
  const entries = entriesOf(ini, section, key);
  const [entry] = entries;
  if (entry === undefined || entries.length > 1 || entry.templated || !isOwn(ini, entry)) return undefined;
  if (!ownComment(ini, entry).startsWith(`${filter} in addition to the filters that `)) return undefined;
  const rest = listValue(entry.value).filter((name) => name !== filter);
  const known = releases.flatMap((one) => [
    defaultFilters(one),
    kollaFilters(one, "blazar"),
    kollaFilters(one, "fake"),
  ]);
  return known.some((list) => list.join() === rest.join()) ? entry : undefined;
}

/**
 * Whether vflag made the list of what was beneath then, and somebody has changed it since: what is beneath
 * now joins it.
 */
function isMadeOf(ini: Ini, release: Release, base: FilterBase | null | undefined): boolean {
  const { section, key } = enabledOption(ini, release);
  const entry = entriesOf(ini, section, key).at(-1);
  return (
    base != null &&
    entry !== undefined &&
    isOwn(ini, entry) &&
    ownComment(ini, entry).endsWith(` in addition to ${base.from}`)
  );
}

/** The filters that a release enables by itself. */
export function defaultFilters(release: Release): string[] {
  return releaseHas(release, "novaWithoutZoneFilter") ? always : ["AvailabilityZoneFilter", ...always];
}

const always = [
  "ComputeFilter",
  "ComputeCapabilitiesFilter",
  "ImagePropertiesFilter",
  "ServerGroupAntiAffinityFilter",
  "ServerGroupAffinityFilter",
];

/**
 * The filters that Kolla-Ansible's own nova.conf enables with Blazar, or with Nova's fake driver. It kept
 * AvailabilityZoneFilter two releases longer than Nova. Source: kolla-ansible,
 * ansible/roles/nova/templates/nova.conf.j2, 9.0.0 (Train) to 22.0.0 (2026.1), [filter_scheduler].
 */
export function kollaFilters(release: Release, why: "blazar" | "fake"): string[] {
  const zones = releaseHas(release, "kollaWithoutZoneFilter") ? [] : ["AvailabilityZoneFilter"];
  return [...zones, ...(why === "fake" ? always.slice(0, 3) : [...always, "BlazarFilter"])];
}

/** Up to Wallaby the old name counts where the new one is not there. */
function enabledOption(ini: Ini, release: Release): { section: string; key: string } {
  const old = { section: "DEFAULT", key: "scheduler_default_filters" };
  const hasOld =
    !releaseHas(release, "novaFiltersByNewName") && optionValue(ini, old.section, old.key) !== undefined;
  const hasNew = optionValue(ini, "filter_scheduler", "enabled_filters") !== undefined;
  return hasOld && !hasNew ? old : { section: "filter_scheduler", key: "enabled_filters" };
}

function noteOnFilter(name: string, release: Release): string[] {
  const gone = Object.hasOwn(goneFilters, name) ? goneFilters[name] : undefined;
  if (gone === undefined || !isFrom(release, gone)) return [];
  return [
    `${name} is not there any more from ${titleOf(gone)} on: nova-scheduler does not start with it in ` +
      `enabled_filters`,
  ];
}
