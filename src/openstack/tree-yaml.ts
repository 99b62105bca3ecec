import { type Outcome, outcome } from "./outcome.ts";
import { isFrom } from "./releases.ts";
import { type TreeFacts, type TreeScope, treeVariables } from "./tree.ts";
import { needsRules } from "./tree-conf.ts";
import { editYaml, type YamlEdit } from "./yaml-edit.ts";
import { readYamlTop, type YamlForm } from "./yaml-top.ts";

/**
 * What Kayobe hands over to Kolla-Ansible of each host where nothing else is said; the same in Train to Wallaby, where the list has to
 * be said whole to get longer. Source: kayobe, ansible/group_vars/all/kolla, kolla_overcloud_inventory_pass_through_host_vars.
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

/**
 * Kayobe's kolla.yml: the SR-IOV agent, and the variables that Kolla-Ansible gets of each host. Kayobe writes what it passes through into
 * Kolla's host_vars, whatever level it comes from. Source: kayobe, ansible/roles/kolla-ansible-host-vars/templates/host-vars.j2.
 */
export function kayobeKollaYml(before: string | null, facts: TreeFacts, scope: TreeScope): Outcome {
  const text = before ?? "";
  const edits: YamlEdit[] = [];
  if (facts.sriov) {
    edits.push({ kind: "set", key: "kolla_enable_neutron_sriov", value: "true", comment: "the SR-IOV agent, for NICs in mode sriov" });
  }
  if (needsRules(facts)) edits.push(passThrough(text, facts));
  return edited(before, edits, scope);
}

/** The list that is to get longer. One that somebody has said whole counts alone, in every release. */
function passThrough(text: string, { release }: TreeFacts): YamlEdit {
  const comment = "what vflag's templates of nova.conf and sriov_agent.ini read on each host";
  const items = Object.values(treeVariables);
  const file = readYamlTop(text);
  const whole = "problem" in file ? undefined : file.entries.findLast(({ key }) => key === wholeList);
  if (!isFrom(release, "xena")) return { kind: "append", key: wholeList, items, first: handedOver, comment };
  const value = whole?.value;
  const usesExtra = value?.kind === "scalar" && value.text.includes(extraList);
  if (value === undefined || value.kind === "nothing" || usesExtra) return { kind: "append", key: extraList, items, first: [], comment };
  return { kind: "append", key: wholeList, items, first: null, comment };
}

/**
 * Kayobe's neutron.yml: the mechanism drivers, where somebody has listed them. Where nobody has, Kolla's own list counts, to which it
 * adds sriovnicswitch itself from Victoria on. Source: kolla-ansible, ansible/roles/neutron/templates/ml2_conf.ini.j2 of each release.
 */
export function kayobeNeutronYml(before: string | null, facts: TreeFacts, scope: TreeScope): Outcome {
  const text = before ?? "";
  const key = "kolla_neutron_ml2_mechanism_drivers";
  const comment = "sriovnicswitch binds the VFs of NICs in mode sriov, beside the drivers that Kolla has by itself";
  const file = readYamlTop(text);
  const there = "problem" in file ? undefined : file.entries.findLast((entry) => entry.key === key)?.value;
  const listed = there?.kind === "list" ? there.items.map((item) => item.text) : null;
  const edits: YamlEdit[] = [];
  // Where the eSwitch switches, openvswitch or ovn binds; one of them is in each list but the strangest.
  if (facts.offload && listed !== null && !listed.includes("ovn")) {
    edits.push({ kind: "append", key, items: ["openvswitch"], first: null, comment });
  }
  const notes: string[] = [];
  if (facts.sriov) {
    const first = isFrom(facts.release, "victoria") ? null : ["openvswitch", "l2population"];
    edits.push({ kind: "append", key, items: ["sriovnicswitch"], first, comment });
    if (first !== null && listed === null && (there === undefined || there.kind === "nothing")) {
      notes.push(
        `${key} is Kolla's own list for Open vSwitch, with sriovnicswitch; where kolla_enable_ovn is on, write [ovn, sriovnicswitch]`,
      );
    }
    if (first === null && there === undefined) notes.push("mechanism drivers: Kolla-Ansible adds sriovnicswitch to its own list by itself");
  }
  const made = edited(before, edits, scope);
  return made.conflicts.length > 0 || scope === "present" ? made : { ...made, notes: [...made.notes, ...notes] };
}

/**
 * globals.yml of Kolla-Ansible: the hardware offload of Open vSwitch, from Yoga on, where Kolla would switch it off otherwise. In a
 * plain tree the SR-IOV agent too, which Kayobe has a variable of its own for.
 * Source: kolla-ansible, ansible/roles/openvswitch/tasks/post-config.yml and doc/source/reference/networking/sriov.rst.
 */
export function kollaGlobalsYml(before: string | null, facts: TreeFacts, scope: TreeScope): Outcome {
  // From 2026.1 on Kolla's own switches are true and false, without quotes.
  const value = isFrom(facts.release, "2026.1") ? "true" : '"yes"';
  const edits: YamlEdit[] = [];
  const notes: string[] = [];
  if (facts.kind === "kolla" && facts.sriov) {
    edits.push({ kind: "set", key: "enable_neutron_sriov", value, comment: "the SR-IOV agent, for NICs in mode sriov" });
  }
  if (facts.offload && isFrom(facts.release, "yoga")) {
    const comment = "hardware offload of Open vSwitch, for NICs in mode switchdev or vf-lag";
    edits.push({ kind: "set", key: "openvswitch_hw_offload", value, comment });
  } else if (facts.offload) {
    notes.push("hardware offload of Open vSwitch: Kolla-Ansible has no switch for it before Yoga; `vflag apply` sets it on each host");
  }
  const made = edited(before, edits, scope, facts.kind === "kayobe" ? "template" : "plain");
  return scope === "present" ? made : { ...made, notes: [...made.notes, ...notes] };
}

/** A new file begins as such files do. */
function edited(before: string | null, edits: readonly YamlEdit[], scope: TreeScope, form: YamlForm = "plain"): Outcome {
  const text = before ?? "";
  const made = editYaml(text, scope === "whole" ? edits : edits.flatMap((edit) => ifPresent(text, edit, form)), form);
  if (before !== null || made.text === "") return made;
  return outcome("", () => `---\n${made.text}`, made.notes, made.conflicts);
}

/** A change of what a file says already; none of what it leaves to the file before it. */
function ifPresent(text: string, edit: YamlEdit, form: YamlForm): YamlEdit[] {
  const file = readYamlTop(text, form);
  // A file that cannot be read is told as such.
  if (!("problem" in file) && !file.merged && !file.entries.some(({ key }) => key === edit.key)) return [];
  return [edit.kind === "set" ? edit : { ...edit, first: null }];
}
