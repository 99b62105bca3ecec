import { entriesOf, type Ini, listValue, readIni } from "../../openstack/files/ini.ts";
import { type FilterBase, kollaFilters, listedFilters } from "../../openstack/nova/nova-filters.ts";
import { type KollaFacts, type TreeFacts, treeVariables } from "../../openstack/tree/tree.ts";
import { needsRules, otherRules } from "../../openstack/tree/tree-edits.ts";
import { type Decider, decidedFor, decidersIn, truthOfDecider } from "./kolla-variables.ts";
import type { PlanDraft } from "./tree-plan.ts";
import type { VariableFile } from "./variable-files.ts";

/**
 * Kayobe's variables with text that it puts in front of Kolla's files. Source: kayobe,
 * ansible/roles/kolla-openstack/templates/kolla/config/.
 */
const texts = ["kolla_extra_global", "kolla_extra_nova", "kolla_extra_neutron_ml2"] as const;

/**
 * What variables decide of the files that are written. What would be lost is told as a conflict of the plan.
 * @param inventory the files of the inventory's variables
 * @param extras those that beat them
 */
export function kollaFacts(
  plan: PlanDraft,
  facts: TreeFacts,
  deciders: readonly Decider[],
  inventory: readonly VariableFile[],
  extras: readonly VariableFile[],
): KollaFacts {
  const keepsPlaceholder = deciders.some(
    ({ key, value }) => mappingKeys.includes(key) && JSON.stringify(value)?.includes("sriovnet1"),
  );
  const nothing = { filters: null, filtersAfterGlobal: false, keepsPlaceholder };
  if (!needsRules(facts)) return nothing;
  const kayobe = (key: string) =>
    plan.request.kind === "kayobe" ? kayobeDecided(key, inventory, extras) : undefined;
  const [inGlobal, inNova] = texts.slice(0, 2).map((key) => textOf(plan, facts, kayobe(key)));
  const drivers = kayobe("kolla_extra_neutron_ml2");
  if (drivers !== undefined) checkDriverText(plan, facts, drivers);
  for (const [variable, found] of [inNova, inGlobal].flatMap((one) =>
    one === undefined ? [] : [[one.decider, one] as const],
  )) {
    const entry = listedFilters(found.ini, facts.release);
    if (entry === undefined) continue;
    if (entry.templated) return unknownFilters(plan, variable, nothing);
    const from = `the filters that ${variable.key} (${plan.name(variable.path)}:${variable.line}) has`;
    return {
      ...nothing,
      filters: { list: listValue(entry.value), from },
      filtersAfterGlobal: variable.key === "kolla_extra_nova",
    };
  }
  const fake = switchOf(plan, deciders, "enable_nova_fake", undefined);
  const blazar = switchOf(plan, deciders, "enable_blazar", kayobe("kolla_enable_blazar"));
  for (const one of [fake, blazar])
    if (one !== null && "unknown" in one) return unknownFilters(plan, one.unknown, nothing);
  const own = isOn(fake) ? "fake" : isOn(blazar) ? "blazar" : null;
  if (own === null) return nothing;
  const cause = own === "fake" ? "enable_nova_fake" : "Blazar";
  const from = `the filters that Kolla-Ansible has by itself with ${cause}`;
  const filters: FilterBase = { list: kollaFilters(facts.release, own), from };
  return { ...nothing, filters };
}

const mappingKeys: readonly string[] = [
  "neutron_sriov_physnet_mappings",
  "neutron_sriov_physnets",
  "nova_pci_passthrough_whitelist",
];

type Switch = { readonly on: boolean } | { readonly unknown: Decider } | null;

function isOn(one: Switch): boolean {
  return one !== null && "on" in one && one.on;
}

/**
 * A switch of Kolla's that is meant for the whole cloud; `null`: nobody has set it.
 * @param beneath Kayobe's variable for it
 */
function switchOf(
  plan: PlanDraft,
  deciders: readonly Decider[],
  key: string,
  beneath: Decider | undefined,
): Switch {
  const found =
    plan.request.kind === "kayobe" ? deciders.filter(({ level }) => level.kind === "extra") : deciders;
  const hosts = plan.request.kind === "kayobe" ? [""] : [...plan.inventory.hosts.keys()];
  const decided = new Set(hosts.map((host) => decidedFor(plan, found, key, host) ?? beneath));
  const [first, ...others] = decided;
  if (first === undefined && others.length === 0) return null;
  const known = [...decided].map((one) => (one === undefined ? false : truthOfDecider(one)));
  const unclear = [...decided].find((_, index) => known[index] === null || known[index] !== known[0]);
  if (unclear !== undefined) return { unknown: unclear };
  return first === undefined ? null : { on: known[0] === true };
}

/**
 * Kayobe's own variable: extra variables beat its inventory, of which what all hosts have is what the control
 * host has.
 */
export function kayobeDecided(
  key: string,
  inventory: readonly VariableFile[],
  extras: readonly VariableFile[],
): Decider | undefined {
  const local = inventory.filter(
    ({ level }) => level.kind !== "extra" && ["all", "localhost"].includes(level.name),
  );
  return [...local, ...extras].flatMap((file) => decidersIn(file, [key], "plain")).at(-1);
}

interface Text {
  readonly decider: Decider;
  readonly ini: Ini;
}

/** The INI text of a variable. PCI rules in it are a conflict, as they are in a file. */
function textOf(plan: PlanDraft, facts: TreeFacts, decider: Decider | undefined): Text | undefined {
  if (decider === undefined || typeof decider.value !== "string" || decider.value.trim() === "")
    return undefined;
  const ini = readIni(decider.value, "template");
  for (const entry of otherRules(ini, facts))
    plan.conflict({
      name: plan.name(decider.path),
      line: decider.line,
      there: `${entry.key} = ${entry.value}`,
      wanted: "PCI rules of the inventory's variables",
      why:
        `${decider.key} has PCI rules, and vflag's would take their place, or stand beside them: move ` +
        `them into the inventory as the list ${treeVariables.moreRules}, and take them out there`,
    });
  return { decider, ini };
}

/** Drivers that Kayobe puts behind its own list in ml2_conf.ini, whose place they take. */
function checkDriverText(plan: PlanDraft, { sriov, offload }: TreeFacts, decider: Decider): void {
  if (typeof decider.value !== "string") return;
  const entry = entriesOf(readIni(decider.value, "template"), "ml2", "mechanism_drivers").at(-1);
  if (entry === undefined) return;
  const listed = listValue(entry.value);
  const missing = [
    ...(sriov && !listed.includes("sriovnicswitch") ? ["sriovnicswitch"] : []),
    ...(offload && !listed.includes("openvswitch") && !listed.includes("ovn") ? ["openvswitch or ovn"] : []),
  ];
  if (missing.length === 0) return;
  plan.conflict({
    name: plan.name(decider.path),
    line: decider.line,
    there: `mechanism_drivers = ${entry.value}`,
    wanted: `${missing.join(", ")} in mechanism_drivers`,
    why: `${decider.key} has the list of drivers that counts: add what is missing there`,
  });
}

function unknownFilters(plan: PlanDraft, decider: Decider, facts: KollaFacts): KollaFacts {
  plan.conflict({
    name: plan.name(decider.path),
    line: decider.line,
    there: decider.key,
    wanted: "a value that can be read here",
    why:
      `${decider.key} decides which filters the scheduler has, and what it says is not known here: ` +
      `write enabled_filters into nova.conf`,
  });
  return facts;
}
