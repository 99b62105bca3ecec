import { entriesOf, type Ini, type IniEntry, optionValue, readIni } from "./ini.ts";
import { editIni, type IniEdit, IniRefusal, isOwn } from "./ini-edit.ts";
import { ml2Conf } from "./ml2-conf.ts";
import { refusedFile } from "./nova-conf.ts";
import { filterEdits } from "./nova-filters.ts";
import { type Conflict, type Outcome, outcome } from "./outcome.ts";
import { ruleOptions } from "./present-rules.ts";
import { isFrom } from "./releases.ts";
import { switchdevReason } from "./sriov-agent.ts";
import { type TreeFacts, type TreeScope, treeVariables } from "./tree.ts";

/**
 * The expressions that make each host's values of its inventory variables. They end their line: of a block that ended it, Jinja would
 * take the break away. A variable that a host does not have is an empty list: no rule, no mapping. `$` is doubled, or oslo.config would
 * put another option there.
 */
const list = (variable: string) => `(${variable} | default([], true))`;
const rules = `{{ (${list(treeVariables.rules)} + ${list(treeVariables.moreRules)}) | to_json | replace('$', '$$') }}`;
const mappings = `{{ ${list(treeVariables.mappings)} | join(',') | replace('$', '$$') }}`;

/**
 * nova.conf of all hosts: each one's PCI rules, of its variables, and the scheduler's filter. The option has its old name in every
 * release: Kolla's own template writes that one, with a made-up device, and the same name takes its place. Source: kolla-ansible,
 * ansible/roles/nova-cell/templates/nova.conf.j2, and ansible/action_plugins/merge_configs.py.
 */
export function treeNovaConf(before: string | null, facts: TreeFacts, scope: TreeScope): Outcome {
  const text = before ?? "";
  if (!needsRules(facts) || (scope === "present" && before === null)) return outcome(text, () => text, [], []);
  const ini = readIni(text, "template");
  const problem = ini.problems[0];
  if (problem !== undefined) return refusedFile(text, problem.line, problem.message);
  const conflicts = otherRules(ini, facts).map(
    (entry): Conflict => ({
      line: entry.line,
      there: `${entry.key} = ${entry.value}`,
      wanted: "PCI rules of the inventory's variables",
      why: entry.templated
        ? `an expression makes these rules, and vflag's would stand beside or in place of them: take the line out; what it takes from sriov_physnet_mappings is in vflag's rules, other rules go into the inventory as ${treeVariables.moreRules}`
        : `${scope === "whole" ? "vflag's rules would stand beside or in place of these" : "these rules would stand beside or in place of vflag's"}: move them into the inventory as the list ${treeVariables.moreRules}, which comes after vflag's own, and take the line out`,
    }),
  );
  const filters = filterEdits(ini, facts.release);
  const filtered = filters.edits.filter(({ section, key }) => scope === "whole" || entriesOf(ini, section, key).length > 0);
  const comment = "each host's PCI rules, of its inventory variables (vflag kayobe, vflag kolla)";
  const own = ruleOptions("2026.1").flatMap(({ section, key }) => entriesOf(ini, section, key).filter((entry) => isOwn(ini, entry)));
  const former = own.filter((entry) => !entry.templated);
  const edits: IniEdit[] = [
    ...former.map((entry): IniEdit => ({ kind: "remove", section: entry.section, key: entry.key, value: entry.value, own: true })),
    ...(scope === "whole"
      ? [{ kind: "expression" as const, section: "pci", key: "passthrough_whitelist", value: rules, passes: passes(facts), comment }]
      : []),
    ...filtered,
  ];
  return edited(text, edits, [...filters.notes, ...ignoredRules(ini, facts)], conflicts, "PCI rules and the scheduler's filter");
}

/**
 * A file that Kolla-Ansible takes after nova.conf, for nova-compute alone: what it says of the rules takes the place of what nova.conf
 * says, so it must not say anything. It is not changed.
 */
export function laterNovaConf(before: string | null, facts: TreeFacts): Outcome {
  const text = before ?? "";
  const ini = readIni(text, "template");
  const found = needsRules(facts) ? otherRules(ini, facts) : [];
  const conflicts = found.map(
    (entry): Conflict => ({
      line: entry.line,
      there: `${entry.key} = ${entry.value}`,
      wanted: "no PCI rules in this file",
      why: `this file comes after nova.conf, and these rules would stand beside vflag's or take their place: move them into the inventory as the list ${treeVariables.moreRules}`,
    }),
  );
  return outcome(text, () => text, [], conflicts);
}

/** sriov_agent.ini of all hosts: each one's mappings, of its variable. A host without any has an agent with nothing to do. */
export function treeSriovAgent(before: string | null, facts: TreeFacts, scope: TreeScope): Outcome {
  const text = before ?? "";
  const notes = scope === "present" ? [] : facts.nics.filter(({ mode }) => mode !== "sriov").map(switchdevReason);
  if (!facts.sriov || (scope === "present" && before === null)) return outcome(text, () => text, notes, []);
  const ini = readIni(text, "template");
  const problem = ini.problems[0];
  if (problem !== undefined) return refusedFile(text, problem.line, problem.message);
  const [section, key] = ["sriov_nic", "physical_device_mappings"];
  const conflicts = entriesOf(ini, section, key)
    .filter((entry) => !isOwn(ini, entry))
    .map(
      (entry): Conflict => ({
        line: entry.line,
        there: `${entry.key} = ${entry.value}`,
        wanted: "mappings of the inventory's variables",
        why: `${scope === "whole" ? "vflag's would take its place" : "it comes after vflag's, and would take its place"}: put these ports into the inventory, as specs or as sriov_physnet_mappings (device: physnet), and take the line out`,
      }),
    );
  const comment = "each host's ports of NICs in mode sriov, of its inventory variable (vflag kayobe, vflag kolla)";
  const former = entriesOf(ini, section, key).filter((entry) => isOwn(ini, entry) && !entry.templated);
  const edits: IniEdit[] = [
    ...former.map((entry): IniEdit => ({ kind: "remove", section, key, value: entry.value, own: true })),
    { kind: "expression", section, key, value: mappings, passes: passes(facts), comment },
  ];
  if (scope === "present") edits.length = former.length;
  else if (optionValue(ini, section, "exclude_devices") === undefined) {
    edits.push({ kind: "append", section, key: "exclude_devices", value: "", comment: "no VF is kept from guests" });
  }
  return edited(text, edits, notes, conflicts, "the agent's mappings");
}

/**
 * ml2_conf.ini: where it has a list of drivers, what is missing joins it. Where it has none, Kolla's own list stays, but in Train and
 * Ussuri, where Kolla does not add sriovnicswitch; Kayobe has a variable for that (neutron.yml).
 */
export function treeMl2Conf(before: string | null, facts: TreeFacts, scope: TreeScope): Outcome {
  const text = before ?? "";
  const listed = optionValue(readIni(text, "template"), "ml2", "mechanism_drivers") !== undefined;
  if (!listed && (scope === "present" || facts.kind === "kayobe" || isFrom(facts.release, "victoria")))
    return outcome(text, () => text, [], []);
  return ml2Conf(text, { spec: { nics: [...facts.nics] }, release: facts.release, deployment: "kolla" });
}

/** Whether some host has VFs for guests. */
export function needsRules({ sriov, nics }: TreeFacts): boolean {
  return sriov || nics.some(({ physnet }) => physnet !== undefined);
}

/** Kayobe renders these files on the control host, and Kolla-Ansible renders what comes of it for each host. */
function passes({ kind }: TreeFacts): 1 | 2 {
  return kind === "kayobe" ? 2 : 1;
}

/** What somebody else says of the rules, and Nova reads in this release. */
function otherRules(ini: Ini, { release }: TreeFacts): IniEntry[] {
  return ruleOptions(release).flatMap(({ section, key }) => entriesOf(ini, section, key).filter((entry) => !isOwn(ini, entry)));
}

function ignoredRules(ini: Ini, { release }: TreeFacts): string[] {
  if (isFrom(release, "zed")) return [];
  return entriesOf(ini, "pci", "device_spec").map(
    ({ line }) => `line ${line}: device_spec is not known before Zed, and ignored there: it offers nothing`,
  );
}

function edited(
  text: string,
  edits: readonly IniEdit[],
  notes: readonly string[],
  conflicts: readonly Conflict[],
  wanted: string,
): Outcome {
  try {
    return outcome(text, () => editIni(text, edits, "template"), notes, conflicts);
  } catch (error) {
    if (!(error instanceof IniRefusal)) throw error;
    return outcome(text, () => text, notes, [{ line: lineIn(error.message), there: "", wanted, why: error.message }]);
  }
}

/** A refusal names its line at the beginning, where it has one. */
function lineIn(message: string): number | null {
  const found = /^line (\d+): /.exec(message)?.[1];
  return found === undefined ? null : Number(found);
}
