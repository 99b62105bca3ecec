import type { YamlEdit } from "../files/yaml-edit.ts";
import type { TopValue, YamlForm } from "../files/yaml-top.ts";
import type { Outcome } from "../outcome.ts";
import { releaseHas } from "../release-facts.ts";
import { type ReadTree, type TreeFacts, type TreeFile, treeVariables } from "./tree.ts";
import { needsRules } from "./tree-edits.ts";
import { layersFor } from "./tree-layers.ts";
import { decidedValue, editLayered, type LayeredFile, type WantedEdit } from "./variable-edits.ts";

/**
 * What Kayobe hands over to Kolla-Ansible of each host where nothing else is said; the same in Train to
 * Wallaby, where the list has to be said whole to get longer. Source: kayobe, ansible/group_vars/all/kolla,
 * kolla_overcloud_inventory_pass_through_host_vars.
 */
const handedOver = [
  "ansible_host",
  "ansible_port",
  "ansible_ssh_private_key_file",
  "kolla_network_interface",
  "kolla_api_interface",
  "kolla_storage_interface",
  "kolla_cluster_interface",
  "kolla_swift_storage_interface",
  "kolla_swift_replication_interface",
  "kolla_provision_interface",
  "kolla_inspector_dnsmasq_interface",
  "kolla_dns_interface",
  "kolla_tunnel_interface",
  "kolla_external_vip_interface",
  "kolla_neutron_external_interfaces",
  "kolla_neutron_bridge_names",
];
const wholeList = "kolla_overcloud_inventory_pass_through_host_vars";
const extraList = `${wholeList}_extra`;
const driverList = "kolla_neutron_ml2_mechanism_drivers";

/** Variables that vflag may write into Kayobe's files, where they would hide those of the inventory. */
export const writtenKeys = ["kolla_enable_neutron_sriov", wholeList, extraList, driverList] as const;

type Decided = (key: string) => TopValue | undefined;

interface Wanted {
  readonly edits: readonly WantedEdit[];
  readonly notes: readonly string[];
}

/**
 * Kayobe's files of variables: kolla.yml and neutron.yml, and any other of them that sets what is wanted. All
 * are read in their order, and an environment's come last.
 */
export function variablesFiles(facts: TreeFacts): TreeFile[] {
  if (facts.kind !== "kayobe") return [];
  const layers = layersFor("variables", facts);
  const own = layers.at(-1) ?? "";
  const targets = [`${own}kolla.yml`, `${own}neutron.yml`];
  const known =
    facts.variableFiles ?? layers.flatMap((layer) => [`${layer}kolla.yml`, `${layer}neutron.yml`]);
  const paths = [...new Set([...known, ...targets])].sort(byLayer(layers));
  const wanted = (decided: Decided): Record<string, Wanted> => ({
    [`${own}kolla.yml`]: kollaVariables(facts, `${own}kolla.yml`, decided),
    [`${own}neutron.yml`]: neutronVariables(facts, `${own}neutron.yml`, decided),
  });
  return layeredFiles(facts, {
    paths,
    own,
    wanted,
    form: "plain",
    shown: [...targets, ...paths.filter((path) => !targets.includes(path))],
  });
}

/**
 * globals.yml of Kolla-Ansible, and in a plain tree globals.d, which is read after it.
 * Source: kolla-ansible, kolla_ansible/ansible.py, _get_vars_files().
 */
export function globalsFiles(facts: TreeFacts): TreeFile[] {
  const layers = layersFor("globals", facts);
  const own = layers.at(-1) ?? "";
  const name = facts.kind === "kolla" ? "globals.yml" : "kolla/globals.yml";
  const more = facts.kind === "kolla" ? (facts.variableFiles ?? []).filter((path) => path !== name) : [];
  const paths = [...layers.map((layer) => layer + name), ...more];
  const wanted = () => ({ [own + name]: globals(facts, own + name) });
  return layeredFiles(facts, {
    paths,
    own,
    wanted,
    form: facts.kind === "kayobe" ? "template" : "plain",
    shown: paths,
  });
}

interface Layered {
  /** In the order in which they are read. */
  readonly paths: readonly string[];
  readonly own: string;
  readonly wanted: (decided: Decided) => Record<string, Wanted>;
  readonly form: YamlForm;
  readonly shown: readonly string[];
}

function layeredFiles({ hidden = [] }: TreeFacts, { paths, own, wanted, form, shown }: Layered): TreeFile[] {
  const make = (path: string, before: string | null, read: ReadTree): Outcome => {
    const files = paths.map((one): LayeredFile => {
      return { path: one, text: (one === path ? before : read(one)) ?? "", shared: !one.startsWith(own) };
    });
    const all = wanted((key) => decidedValue(files, key, form));
    const edits = Object.values(all).flatMap((one) => one.edits);
    const made = editLayered(path, files, edits, form, hidden);
    const text = before === null && made.text !== "" ? `---\n${made.text}` : made.text;
    return {
      ...made,
      text,
      notes: made.conflicts.length > 0 ? made.notes : [...made.notes, ...(all[path]?.notes ?? [])],
    };
  };
  return shown.map((path) => ({ path, make: (before, read = () => null) => make(path, before, read) }));
}

function byLayer(layers: readonly string[]): (one: string, other: string) => number {
  const rank = (path: string) => layers.findLastIndex((layer) => path.startsWith(layer));
  return (one, other) => rank(one) - rank(other) || (one < other ? -1 : 1);
}

/**
 * Kayobe's kolla.yml: the SR-IOV agent, and the variables that Kolla-Ansible gets of each host. Kayobe writes
 * what it passes through into Kolla's host_vars, whatever level it comes from. Source: kayobe,
 * ansible/roles/kolla-ansible-host-vars/templates/host-vars.j2.
 */
function kollaVariables(facts: TreeFacts, target: string, decided: Decided): Wanted {
  const edits: YamlEdit[] = [];
  if (facts.sriov) {
    edits.push({
      kind: "set",
      key: "kolla_enable_neutron_sriov",
      value: "true",
      comment: "the SR-IOV agent, for NICs in mode sriov",
    });
  }
  if (needsRules(facts)) edits.push(passThrough(facts, decided));
  return { edits: edits.map((edit) => ({ target, edit })), notes: [] };
}

/** The list that is to get longer. One that somebody has said whole counts alone, in every release. */
function passThrough({ release }: TreeFacts, decided: Decided): YamlEdit {
  const comment = "what vflag's templates of nova.conf and sriov_agent.ini read on each host";
  const items = Object.values(treeVariables);
  if (!releaseHas(release, "kayobePassThroughExtra"))
    return { kind: "append", key: wholeList, items, first: handedOver, comment };
  const value = decided(wholeList);
  const usesExtra = value?.kind === "scalar" && value.text.includes(extraList);
  if (value === undefined || value.kind === "nothing" || usesExtra)
    return { kind: "append", key: extraList, items, first: [], comment };
  return { kind: "append", key: wholeList, items, first: null, comment };
}

/**
 * Kayobe's neutron.yml: the mechanism drivers, where somebody has listed them. Where nobody has, Kolla's own
 * list counts, to which it adds sriovnicswitch itself from Victoria on. Source: kolla-ansible,
 * ansible/roles/neutron/templates/ml2_conf.ini.j2 of each release.
 */
function neutronVariables(facts: TreeFacts, target: string, decided: Decided): Wanted {
  const key = driverList;
  const comment =
    "sriovnicswitch binds the VFs of NICs in mode sriov, beside the drivers that Kolla has by itself";
  const there = decided(key);
  const listed = there?.kind === "list" ? there.items.map((item) => item.text) : null;
  const edits: YamlEdit[] = [];
  // Where the eSwitch switches, openvswitch or ovn binds; one of them is in each list but the strangest.
  const switches = facts.offload && listed !== null && !listed.includes("ovn") ? ["openvswitch"] : [];
  const notes: string[] = [];
  const first = releaseHas(facts.release, "kollaSriov") ? null : ["openvswitch", "l2population"];
  const items = [...switches, ...(facts.sriov ? ["sriovnicswitch"] : [])];
  if (items.length > 0)
    edits.push({ kind: "append", key, items, first: facts.sriov ? first : null, comment });
  if (facts.sriov) {
    if (first !== null && listed === null && (there === undefined || there.kind === "nothing")) {
      notes.push(
        `${key} is Kolla's own list for Open vSwitch, with sriovnicswitch; where kolla_enable_ovn is on, ` +
          `write [ovn, sriovnicswitch]`,
      );
    }
    if (first === null && there === undefined)
      notes.push("mechanism drivers: Kolla-Ansible adds sriovnicswitch to its own list by itself");
  }
  return { edits: edits.map((edit) => ({ target, edit })), notes };
}

/**
 * globals.yml of Kolla-Ansible: the hardware offload of Open vSwitch, from Yoga on, where Kolla would switch
 * it off otherwise. In a plain tree the SR-IOV agent too, which Kayobe has a variable of its own for. Source:
 * kolla-ansible, ansible/roles/openvswitch/tasks/post-config.yml and
 * doc/source/reference/networking/sriov.rst.
 */
function globals(facts: TreeFacts, target: string): Wanted {
  // From 2026.1 on Kolla's own switches are true and false, without quotes.
  const value = releaseHas(facts.release, "kollaPlainSwitches") ? "true" : '"yes"';
  const edits: YamlEdit[] = [];
  const notes: string[] = [];
  if (facts.kind === "kolla" && facts.sriov) {
    edits.push({
      kind: "set",
      key: "enable_neutron_sriov",
      value,
      comment: "the SR-IOV agent, for NICs in mode sriov",
    });
  }
  if (facts.offload && releaseHas(facts.release, "kollaHardwareOffload")) {
    const comment = "hardware offload of Open vSwitch, for NICs in mode switchdev or vf-lag";
    edits.push({ kind: "set", key: "openvswitch_hw_offload", value, comment });
  } else if (facts.offload) {
    notes.push(
      "hardware offload of Open vSwitch: Kolla-Ansible has no switch for it before Yoga; `vflag apply` " +
        "sets it on each host",
    );
  }
  return { edits: edits.map((edit) => ({ target, edit })), notes };
}
