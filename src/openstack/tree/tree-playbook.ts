import { type Outcome, outcome } from "../outcome.ts";
import { releaseHas } from "../release-facts.ts";
import type { TreeFacts } from "./tree.ts";
import { layersFor } from "./tree-layers.ts";

/** The first line of files that are vflag's alone. */
const ownLine = "# Made by vflag: changes are lost with its next run.";

/** Where the playbook is, in a tree of Kayobe's. */
export const playbookPath = "ansible/vflag.yml";

/** Where it is in this tree: an environment has its own. */
export function playbookOf(facts: TreeFacts): string {
  return (layersFor("variables", facts).at(-1) ?? "") + playbookPath;
}

/**
 * The playbook that brings the hosts to their specs: it rehearses, writes the spec, and applies it. In check
 * mode it rehearses only. The spec goes over as JSON: what is a text in YAML 1.1, such as the product id
 * 10e5, may be a number to another reader.
 */
export function vflagPlaybook(before: string | null, facts: TreeFacts): Outcome {
  const text = before ?? "";
  const notes = releaseHas(facts.release, "kayobeHooks")
    ? []
    : [
        `Kayobe has no hooks before Ussuri: run it by hand after \`kayobe overcloud host configure\`: ` +
          `kayobe playbook run $KAYOBE_CONFIG_PATH/${playbookOf(facts)}`,
      ];
  if (facts.groups.length === 0) return outcome(text, () => text, [], []);
  if (text !== "" && !text.startsWith(ownLine)) {
    const why = "somebody else made it: give it another name, and run both";
    return outcome(text, () => text, notes, [
      { line: 1, there: text.split("\n", 1)[0] ?? "", wanted: ownLine, why },
    ]);
  }
  return outcome(text, () => playbook(facts), notes, []);
}

function playbook(facts: TreeFacts): string {
  return `${ownLine}
# Run it by itself: kayobe playbook run $KAYOBE_CONFIG_PATH/${playbookOf(facts)}
# With --check nothing is changed: each host shows what would be done.
---
- name: Bring the NICs to their specs
  hosts: ${JSON.stringify(facts.groups.join(":"))}
  gather_facts: false
  become: true
  tags:
    - vflag
  tasks:
    - name: Bring the NICs of this host to its spec
      when: vflag is defined
      block:
        - name: Look for vflag
          ansible.builtin.command:
            argv: [vflag, --version]
          register: vflag_version
          changed_when: false
          failed_when: false
          check_mode: false

        - name: Stop where vflag is not installed
          ansible.builtin.assert:
            that: vflag_version.rc == 0
            fail_msg: "vflag is not installed on {{ inventory_hostname }}: install its package there first"
            quiet: true

        - name: Rehearse
          ansible.builtin.command:
            argv: [vflag, plan, --spec, /dev/stdin]
            stdin: "{{ vflag | to_json }}"
          register: vflag_plan
          changed_when: vflag_plan.rc == 2
          failed_when: vflag_plan.rc not in [0, 2]
          check_mode: false

        - name: Show what will be done
          ansible.builtin.debug:
            msg: "{{ vflag_plan.stdout_lines }}"
          when: vflag_plan.rc == 2

        - name: Make the spec's directory
          ansible.builtin.file:
            path: /etc/vflag
            state: directory
            owner: root
            group: root
            mode: "0755"

        - name: Write the spec
          ansible.builtin.copy:
            content: "{{ vflag | to_nice_json }}\\n"
            dest: /etc/vflag/vflag.yaml
            owner: root
            group: root
            mode: "0644"

        - name: Apply
          ansible.builtin.command:
            argv: [vflag, apply, --spec, /etc/vflag/vflag.yaml]
          register: vflag_apply
          changed_when: vflag_plan.rc == 2
          failed_when: vflag_apply.rc not in [0, 2]
          when: not ansible_check_mode

        - name: Show what is left for a person or a reboot
          ansible.builtin.debug:
            msg: "{{ vflag_apply.stdout_lines }}"
          when:
            - not ansible_check_mode
            - vflag_apply.rc == 2
`;
}
