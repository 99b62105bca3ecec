import { entriesOf, type Ini, listValue, readIni } from "../files/ini.ts";
import type { IniEdit } from "../files/ini-edit.ts";
import { refusedFile } from "../nova/nova-conf.ts";
import { type FilterBase, filterEdits, listedFilters, madeOfBase } from "../nova/nova-filters.ts";
import { type Conflict, type Outcome, outcome } from "../outcome.ts";
import { type TreeFacts, type TreeWhere, treeVariables } from "./tree.ts";
import { edited, needsRules, otherRules } from "./tree-edits.ts";
import { configFiles } from "./tree-layers.ts";

/**
 * The scheduler's filters in a tree. Kolla-Ansible merges global.conf, nova.conf, nova/nova-scheduler.conf
 * and nova/HOST/nova.conf over its own template, and the last list counts. So the filter joins each list that
 * is there; nova.conf gets one where nobody has any. Source: kolla-ansible,
 * ansible/roles/nova/tasks/config.yml, Copying over nova.conf; 9.0.0 (Train) to 22.0.0 (2026.1).
 */
export function novaFilterEdits(
  ini: Ini,
  facts: TreeFacts,
  where: TreeWhere,
): ReturnType<typeof filterEdits> {
  const { scope, earlier } = where;
  if (scope === "shared") return { edits: [], notes: [] };
  const shared = listOf(earlier, facts);
  if (scope === "present") return presentFilters(ini, facts, earlier, shared);
  const found = shared ?? baseOfNova(facts, where);
  const made = filterEdits(ini, facts.release, found, earlier.map(asTemplate));
  if (shared !== null || !isDecidedElsewhere(facts, where)) return made;
  const present = made.edits.filter(({ section, key }) => entriesOf(ini, section, key).length > 0);
  const former = madeOfBase(ini, facts.release);
  if (former === undefined) return { ...made, edits: present };
  // It was made of nobody's list, and somebody has one now.
  const { section, key } = former;
  return {
    ...made,
    edits: [{ kind: "remove", section, key, own: true }, ...present.filter((edit) => edit.key !== key)],
  };
}

/** global.conf, which all services get before their own files. */
export function treeGlobalConf(before: string | null, facts: TreeFacts, where: TreeWhere): Outcome {
  if (before === null || !needsRules(facts)) return unchanged(before);
  const ini = asTemplate(before);
  const problem = ini.problems[0];
  if (problem !== undefined)
    return mentions(before) ? refusedFile(before, problem.line, problem.message) : unchanged(before);
  const conflicts = otherRules(ini, facts).map(
    (entry): Conflict => ({
      line: entry.line,
      there: `${entry.key} = ${entry.value}`,
      wanted: "PCI rules of the inventory's variables",
      why:
        `nova.conf comes after this file, and vflag's rules would take the place of these, or stand ` +
        `beside them: move them into the inventory as the list ${treeVariables.moreRules}, and take the ` +
        `line out`,
    }),
  );
  const hidden = listedAnywhere(facts, where, "nova.conf") || facts.kolla?.filtersAfterGlobal === true;
  const edits = hidden || where.scope === "shared" ? [] : presentFilters(ini, facts, [], null).edits;
  return edited(before, edits, [], conflicts, "the scheduler's filter");
}

/** nova/nova-scheduler.conf: a list there takes the place of nova.conf's. */
export function treeSchedulerConf(
  before: string | null,
  facts: TreeFacts,
  { scope, earlier }: TreeWhere,
): Outcome {
  if (scope === "shared" || !needsRules(facts)) return unchanged(before);
  const shared = listOf(earlier, facts);
  if (before === null && shared === null) return unchanged(before);
  const ini = asTemplate(before ?? "");
  const problem = ini.problems[0];
  if (problem !== undefined)
    return mentions(before ?? "")
      ? refusedFile(before ?? "", problem.line, problem.message)
      : unchanged(before);
  return edited(
    before ?? "",
    presentFilters(ini, facts, earlier, shared).edits,
    [],
    [],
    "the scheduler's filter",
  );
}

/**
 * What a list needs that is there, or that a shared file has, which is then said again with the filter in it.
 */
function presentFilters(
  ini: Ini,
  { release }: TreeFacts,
  earlier: readonly string[],
  shared: FilterBase | null,
) {
  const { edits, notes } = filterEdits(ini, release, shared, earlier.map(asTemplate));
  const isThere = ({ section, key }: IniEdit) => entriesOf(ini, section, key).length > 0;
  return { edits: edits.filter((edit) => isThere(edit) || (shared !== null && edit.kind === "set")), notes };
}

/** What counts where nova.conf itself lists nothing. */
function baseOfNova(facts: TreeFacts, { read }: TreeWhere): FilterBase | null {
  const { filters = null, filtersAfterGlobal = false } = facts.kolla ?? {};
  if (filtersAfterGlobal) return filters;
  const shared = configFiles(facts, "global.conf").slice(0, -1);
  return (
    listOf(
      shared.flatMap((path) => read(path) ?? []),
      facts,
      "global.conf",
    ) ?? filters
  );
}

/** The list of a shared file, the last that has one. */
function listOf(
  texts: readonly string[],
  { release }: TreeFacts,
  name = "the shared file",
): FilterBase | null {
  const entry = texts.flatMap((text) => listedOrMade(asTemplate(text), release) ?? []).at(-1);
  return entry === undefined || entry.templated
    ? null
    : { list: listValue(entry.value), from: `the filters that ${name} has` };
}

function listedOrMade(ini: Ini, release: TreeFacts["release"]) {
  return listedFilters(ini, release) ?? madeOfBase(ini, release);
}

/** Whether a list that somebody wrote into another file counts for every scheduler. */
function isDecidedElsewhere(facts: TreeFacts, where: TreeWhere): boolean {
  if (listedAnywhere(facts, where, "nova/nova-scheduler.conf")) return true;
  if (facts.kolla?.filtersAfterGlobal === true || listedAnywhere(facts, where, "nova.conf")) return false;
  // A shared global.conf is left alone: its list is said again in nova.conf.
  const own = configFiles(facts, "global.conf").slice(-1);
  return own.some((path) => isListed(where.read(path), facts));
}

function listedAnywhere(facts: TreeFacts, { read }: TreeWhere, name: string): boolean {
  return configFiles(facts, name).some((path) => isListed(read(path), facts));
}

function isListed(text: string | null, { release }: TreeFacts): boolean {
  return text !== null && listedFilters(asTemplate(text), release) !== undefined;
}

function asTemplate(text: string): Ini {
  return readIni(text, "template");
}

function mentions(text: string): boolean {
  return /passthrough_whitelist|device_spec|_filters/.test(text);
}

function unchanged(before: string | null): Outcome {
  return outcome(before ?? "", () => before ?? "", [], []);
}
