import { entriesOf, type Ini, type IniEntry, optionValue, readIni } from "../files/ini.ts";
import { type IniEdit, isOwn } from "../files/ini-edit.ts";
import { ml2Conf } from "../neutron/ml2-conf.ts";
import { switchdevReason } from "../neutron/sriov-agent.ts";
import { refusedFile } from "../nova/nova-conf.ts";
import { ruleOptions } from "../nova/present-rules.ts";
import { type Conflict, type Outcome, outcome } from "../outcome.ts";
import { releaseHas } from "../release-facts.ts";
import { newestRelease } from "../releases.ts";
import { type TreeFacts, type TreeWhere, treeVariables } from "./tree.ts";
import { edited, needsRules, otherRules } from "./tree-edits.ts";
import { novaFilterEdits } from "./tree-filters.ts";

/**
 * The expressions that make each host's values of its inventory variables. They end their line: of a block
 * that ended it, Jinja would take the break away. A variable that a host does not have is an empty list: no
 * rule, no mapping. `$` is doubled, or oslo.config would put another option there.
 */
const list = (variable: string) => `(${variable} | default([], true))`;

/**
 * vflag's rules, the operator's, and those that Kolla's own template would write, in whose place the line
 * comes.
 */
function rules(facts: TreeFacts): string {
  const placeholder = "[{'physical_network': 'sriovnet1', 'devname': tunnel_interface}]";
  const kollas = hasOwnMappings(facts)
    ? ` + ${others(list("nova_pci_passthrough_whitelist"), placeholder, facts)}`
    : "";
  return (
    `{{ (${list(treeVariables.rules)} + ${list(treeVariables.moreRules)}${kollas}) | to_json | ` +
    `replace('$', '$$') }}`
  );
}

function mappings(facts: TreeFacts): string {
  const kollas = "((neutron_sriov_physnets | default('', true)).split(',') | reject('equalto', '') | list)";
  const more = hasOwnMappings(facts)
    ? ` + ${others(kollas, "['sriovnet1:' ~ tunnel_interface]", facts)}`
    : "";
  return `{{ (${list(treeVariables.mappings)}${more}) | unique | join(',') | replace('$', '$$') }}`;
}

/**
 * Whether Kolla-Ansible has variables for the rules and mappings, whose default is a made-up network on the
 * tunnels' interface. Source: kolla-ansible, ansible/roles/nova-cell/defaults/main.yml,
 * nova_pci_passthrough_whitelist, and ansible/roles/neutron/defaults/main.yml, neutron_sriov_physnets; 11.0.0
 * (Victoria) to 22.0.0 (2026.1).
 */
function hasOwnMappings({ release }: TreeFacts): boolean {
  return releaseHas(release, "kollaSriov");
}

function others(all: string, placeholder: string, { kolla }: TreeFacts): string {
  return kolla?.keepsPlaceholder === true ? all : `(${all} | difference(${placeholder}))`;
}

/**
 * nova.conf of all hosts: each one's PCI rules, of its variables, and the scheduler's filter. The option has
 * its old name in every release: Kolla's own template writes that one, with a made-up device, and the same
 * name takes its place. Source: kolla-ansible, ansible/roles/nova-cell/templates/nova.conf.j2, and
 * ansible/action_plugins/merge_configs.py.
 */
export function treeNovaConf(before: string | null, facts: TreeFacts, where: TreeWhere): Outcome {
  const text = before ?? "";
  const { scope } = where;
  if (!needsRules(facts) || (before === null && scope !== "whole")) return outcome(text, () => text, [], []);
  const ini = readIni(text, "template");
  const problem = ini.problems[0];
  if (problem !== undefined) return refusedFile(text, problem.line, problem.message);
  const beside =
    scope === "present"
      ? "these rules would stand beside or in place of vflag's"
      : "vflag's rules would stand beside or in place of these";
  const conflicts = otherRules(ini, facts).map(
    (entry): Conflict => ({
      line: entry.line,
      there: `${entry.key} = ${entry.value}`,
      wanted: "PCI rules of the inventory's variables",
      why: entry.templated
        ? `an expression makes these rules, and vflag's would stand beside or in place of them: take the ` +
          `line out; what it takes from sriov_physnet_mappings is in vflag's rules, other rules go into ` +
          `the inventory as ${treeVariables.moreRules}`
        : `${beside}: move them into the inventory as the list ${treeVariables.moreRules}, which comes ` +
          `after vflag's own, and take the line out`,
    }),
  );
  if (scope === "shared") return outcome(text, () => text, ignoredRules(ini, facts), conflicts);
  const filters = novaFilterEdits(ini, facts, where);
  const comment = "each host's PCI rules, of its inventory variables (vflag kayobe, vflag kolla)";
  const own = ownRules(ini);
  const former = own.filter((entry) => !entry.templated);
  const writes =
    scope === "whole" && !where.earlier.some((one) => ownRules(readIni(one, "template")).length > 0);
  const edits: IniEdit[] = [
    ...former.map(
      (entry): IniEdit => ({
        kind: "remove",
        section: entry.section,
        key: entry.key,
        value: entry.value,
        own: true,
      }),
    ),
    ...(writes
      ? [
          {
            kind: "expression" as const,
            section: "pci",
            key: "passthrough_whitelist",
            value: rules(facts),
            passes: passes(facts),
            comment,
          },
        ]
      : []),
    ...filters.edits,
  ];
  return edited(
    text,
    edits,
    [...filters.notes, ...ignoredRules(ini, facts)],
    conflicts,
    "PCI rules and the scheduler's filter",
  );
}

/** vflag's own rules in a file: it writes them once among the files that are put together. */
function ownRules(ini: Ini): IniEntry[] {
  return ruleOptions(newestRelease).flatMap(({ section, key }) =>
    entriesOf(ini, section, key).filter((entry) => isOwn(ini, entry)),
  );
}

/**
 * A file that Kolla-Ansible takes after nova.conf, for nova-compute alone: what it says of the rules takes
 * the place of what nova.conf says, so it must not say anything. It is not changed.
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
      why:
        `this file comes after nova.conf, and these rules would stand beside vflag's or take their ` +
        `place: move them into the inventory as the list ${treeVariables.moreRules}`,
    }),
  );
  return outcome(text, () => text, [], conflicts);
}

/**
 * sriov_agent.ini of all hosts: each one's mappings, of its variable. A host without any has an agent with
 * nothing to do.
 */
export function treeSriovAgent(
  before: string | null,
  facts: TreeFacts,
  { scope, earlier }: TreeWhere,
): Outcome {
  const text = before ?? "";
  const notes =
    scope === "whole" ? facts.nics.filter(({ mode }) => mode !== "sriov").map(switchdevReason) : [];
  if (!facts.sriov || (before === null && scope !== "whole")) return outcome(text, () => text, notes, []);
  const ini = readIni(text, "template");
  const problem = ini.problems[0];
  if (problem !== undefined) return refusedFile(text, problem.line, problem.message);
  const [section, key] = ["sriov_nic", "physical_device_mappings"];
  const winner =
    scope === "present" ? "it comes after vflag's, and would take its place" : "vflag's would take its place";
  const conflicts = entriesOf(ini, section, key)
    .filter((entry) => !isOwn(ini, entry))
    .map(
      (entry): Conflict => ({
        line: entry.line,
        there: `${entry.key} = ${entry.value}`,
        wanted: "mappings of the inventory's variables",
        why:
          `${winner}: put these ports into the inventory, as specs or as sriov_physnet_mappings ` +
          "(device: physnet), and take the line out",
      }),
    );
  if (scope === "shared") return outcome(text, () => text, notes, conflicts);
  const comment =
    "each host's ports of NICs in mode sriov, of its inventory variable (vflag kayobe, vflag kolla)";
  const former = entriesOf(ini, section, key).filter((entry) => isOwn(ini, entry) && !entry.templated);
  const removed = former.map(
    (entry): IniEdit => ({ kind: "remove", section, key, value: entry.value, own: true }),
  );
  const ahead = earlier.map((one) => readIni(one, "template"));
  const written = ahead.some((one) => entriesOf(one, section, key).some((entry) => isOwn(one, entry)));
  if (scope === "present" || written) return edited(text, removed, notes, conflicts, "the agent's mappings");
  const edits: IniEdit[] = [
    ...removed,
    { kind: "expression", section, key, value: mappings(facts), passes: passes(facts), comment },
  ];
  if ([...ahead, ini].every((one) => optionValue(one, section, "exclude_devices") === undefined))
    edits.push({
      kind: "append",
      section,
      key: "exclude_devices",
      value: "",
      comment: "no VF is kept from guests",
    });
  return edited(text, edits, notes, conflicts, "the agent's mappings");
}

/**
 * ml2_conf.ini: where it has a list of drivers, what is missing joins it. Where it has none, Kolla's own list
 * stays, but in Train and Ussuri, where Kolla does not add sriovnicswitch; Kayobe has a variable for that
 * (neutron.yml).
 */
export function treeMl2Conf(before: string | null, facts: TreeFacts, { scope, earlier }: TreeWhere): Outcome {
  const text = before ?? "";
  const [section, key] = ["ml2", "mechanism_drivers"];
  const lists = (one: string) => optionValue(readIni(one, "template"), section, key) !== undefined;
  const request = { spec: { nics: [...facts.nics] }, release: facts.release, deployment: "kolla" } as const;
  if (scope !== "shared" && lists(text)) return ml2Conf(text, request);
  const shared = earlier.findLast(lists);
  if (scope !== "shared" && shared !== undefined) {
    const wanted = optionValue(readIni(ml2Conf(shared, request).text, "template"), section, key);
    if (wanted === undefined || wanted === optionValue(readIni(shared, "template"), section, key))
      return outcome(text, () => text, [], []);
    const comment = "the drivers of the file that environments share, with what binds the VFs' ports";
    return edited(text, [{ kind: "set", section, key, value: wanted, comment }], [], [], "mechanism_drivers");
  }
  if (scope !== "whole" || facts.kind === "kayobe" || releaseHas(facts.release, "kollaSriov"))
    return outcome(text, () => text, [], []);
  return ml2Conf(text, request);
}

/**
 * Kayobe renders these files on the control host, and Kolla-Ansible renders what comes of it for each host.
 */
function passes({ kind }: TreeFacts): 1 | 2 {
  return kind === "kayobe" ? 2 : 1;
}

function ignoredRules(ini: Ini, { release }: TreeFacts): string[] {
  if (releaseHas(release, "novaDeviceSpec")) return [];
  return entriesOf(ini, "pci", "device_spec").map(
    ({ line }) => `line ${line}: device_spec is not known before Zed, and ignored there: it offers nothing`,
  );
}
