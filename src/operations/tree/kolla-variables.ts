import { join } from "node:path";
import {
  hasJinja,
  readYamlTop,
  type TopEntry,
  truthOf,
  type YamlForm,
} from "../../openstack/files/yaml-top.ts";
import { releaseHas } from "../../openstack/release-facts.ts";
import { membersOf } from "../../openstack/tree/placement.ts";
import type { PlanDraft } from "./tree-plan.ts";
import { layersOf, readText } from "./tree-sources.ts";
import { type Level, type VariableFile, variableFiles } from "./variable-files.ts";

/** One place where a variable of Kolla-Ansible's is decided. */
export interface Decider {
  readonly key: string;
  /** As YAML's failsafe schema has it: scalars are texts. */
  readonly value: unknown;
  /** Whether Jinja, a vault or a tag makes it, so that the value is not known here. */
  readonly unread: boolean;
  readonly path: string;
  readonly line: number;
  readonly level: Level;
}

/** Those variables of Kolla-Ansible's that decide what vflag is about. */
export const kollaKeys = [
  "nova_pci_passthrough_whitelist",
  "neutron_sriov_physnet_mappings",
  "neutron_sriov_physnets",
  "enable_neutron_sriov",
  "openvswitch_hw_offload",
  "enable_blazar",
  "enable_nova_fake",
  "mechanism_drivers",
  "neutron_mechanism_drivers",
] as const;

/**
 * What a tree decides of Kolla-Ansible's variables, what counts most last. In a tree of Kayobe's:
 * kolla/inventory, which Kolla-Ansible gets beside the inventory that Kayobe makes; then kolla_extra_globals;
 * then kolla/globals.yml, which is merged over what Kayobe makes of it. Source: kayobe,
 * ansible/roles/kolla-ansible/tasks/config.yml and kayobe/kolla_ansible.py, _get_inventory_paths().
 */
export function kollaDeciders(
  plan: PlanDraft,
  inventory: readonly VariableFile[],
  extras: readonly VariableFile[],
): Decider[] {
  const { request } = plan;
  if (request.kind === "kolla")
    return [...byLevel(inventory), ...extras].flatMap((file) => decidersIn(file, kollaKeys, "plain"));
  const layers = layersOf(request);
  const own = layers.slice(-1);
  // Up to Zed only the environment's own group_vars were copied; globals.yml is combined from Xena on.
  const beside = (releaseHas(request.release, "kayobeLayeredGroupVars") ? layers : own).flatMap(
    (layer) => variableFiles(join(layer, "kolla/inventory")).files,
  );
  const globals = (releaseHas(request.release, "kayobeLayeredGlobals") ? layers : own).map((layer) =>
    join(layer, "kolla/globals.yml"),
  );
  return [
    ...byLevel(beside).flatMap((file) => decidersIn(file, kollaKeys, "plain")),
    ...extraGlobals(extras),
    ...globals.flatMap((path) => {
      const text = readText(path);
      return text === null ? [] : decidersIn({ path, level: { kind: "extra" }, text }, kollaKeys, "template");
    }),
  ];
}

/**
 * Kayobe's kolla_extra_globals: a mapping that it adds to globals.yml. The last file that sets it counts
 * alone.
 */
function extraGlobals(extras: readonly VariableFile[]): Decider[] {
  const [last] = extras.flatMap((file) => decidersIn(file, ["kolla_extra_globals"], "plain")).slice(-1);
  if (last === undefined || typeof last.value !== "object" || last.value === null) return [];
  const wanted: readonly string[] = kollaKeys;
  return Object.entries(last.value).flatMap(([key, value]) =>
    wanted.includes(key) ? [{ ...last, key, value, unread: hasJinja(JSON.stringify(value)) }] : [],
  );
}

/** Where a file decides some variables; a file that cannot be read decides none that can be seen here. */
export function decidersIn(
  { path, level, text }: VariableFile,
  keys: readonly string[],
  form: YamlForm,
): Decider[] {
  if (!keys.some((key) => text.includes(key))) return [];
  const file = readYamlTop(text, form);
  if ("problem" in file) return [];
  return file.entries.flatMap((entry) =>
    keys.includes(entry.key)
      ? [{ key: entry.key, value: entry.data, unread: isUnread(entry, text), path, line: entry.line, level }]
      : [],
  );
}

function isUnread({ value, start, end }: TopEntry, text: string): boolean {
  const slice = text.slice(start, end);
  return (
    hasJinja(slice) ||
    /(?:^|\s)!(?:vault|unsafe)\b/.test(slice) ||
    (value.kind === "other" && value.why !== "it is a mapping")
  );
}

/** Groups before hosts, and `all` before both: what counts most is last. */
function byLevel(files: readonly VariableFile[]): VariableFile[] {
  const rank = ({ level }: VariableFile) =>
    level.kind === "extra" ? 3 : level.kind === "host" ? 2 : level.name === "all" ? 0 : 1;
  return files.toSorted((one, other) => rank(one) - rank(other));
}

/** Whether what a place says is about a host; groups that neither inventory shows are about none. */
export function aboutHost(plan: PlanDraft, { level }: Decider, host: string): boolean {
  if (level.kind === "extra") return true;
  if (level.kind === "host") return level.name === host;
  if (level.name === "all") return true;
  const group = plan.request.kind === "kolla" ? level.name : (kayobeGroups[level.name] ?? level.name);
  return membersOfPlan(plan).get(group)?.has(host) === true;
}

/**
 * The groups of Kayobe's inventory that Kolla's are made of. Source: kayobe,
 * ansible/inventory/group_vars/all/kolla, kolla_overcloud_inventory_top_level_group_map;
 * roles/kolla-ansible/templates/overcloud-components.j2 and overcloud-services.j2.
 */
const kayobeGroups: Readonly<Record<string, string>> = {
  control: "controllers",
  "nova-compute": "compute",
  "neutron-sriov-agent": "compute",
  nova: "controllers",
};

const members = new WeakMap<PlanDraft, Map<string, ReadonlySet<string>>>();

function membersOfPlan(plan: PlanDraft): ReadonlyMap<string, ReadonlySet<string>> {
  const known = members.get(plan);
  if (known !== undefined) return known;
  const found = membersOf(plan.inventory.groups, [...plan.inventory.hosts.keys()]);
  const sets = new Map([...found].map(([name, hosts]) => [name, new Set(hosts)]));
  members.set(plan, sets);
  return sets;
}

/** What counts for a host of those that decide a variable. */
export function decidedFor(
  plan: PlanDraft,
  deciders: readonly Decider[],
  key: string,
  host: string,
): Decider | undefined {
  return deciders.findLast((decider) => decider.key === key && aboutHost(plan, decider, host));
}

/** A yes or a no; `null`: it is not known here. */
export function truthOfDecider({ value, unread }: Decider): boolean | null {
  return unread || typeof value !== "string" ? null : truthOf(value);
}
