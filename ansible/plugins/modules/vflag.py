#!/usr/bin/python
# Copyright the vflag authors
# SPDX-License-Identifier: Apache-2.0

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: vflag
short_description: Brings a hypervisor's NICs to their spec (SR-IOV, switchdev, VF-LAG)
version_added: "0.1.0"
description:
  - Runs C(vflag apply) on the host, and in check mode C(vflag plan), which rehearses the same on a simulated twin of the host.
  - The host is changed where it deviates from its spec, and nowhere else. A virtual function in use is never destroyed or unbound, a
    port in a bond is never touched, and the host is never rebooted; what needs a reboot is reported as I(reboot_required).
  - An error of vflag fails the task with vflag's own text. So does an action that the host refused.
options:
  spec:
    description:
      - The spec, with the keys of vflag.yaml(5). It is checked by vflag, and written to I(path) when it is right and differs.
      - The file is JSON, which is YAML too. Written as YAML by Ansible, an id such as C(15e3) would be read as a number.
      - Without it, what stands in I(path) is applied.
    type: dict
  path:
    description: Where the spec is on the host.
    type: path
    default: /etc/vflag/vflag.yaml
  host:
    description: C(local), or the file of a simulated host (C(vflag simulate new)) to act on instead of the machine.
    type: str
    default: local
  executable:
    description: The program, by name or path.
    type: str
    default: vflag
  restart_ovs:
    description: Restart Open vSwitch where it has to be. It interrupts the traffic of all guests for some seconds.
    type: bool
    default: false
  timeout:
    description: How long vflag may take, in seconds.
    type: int
    default: 900
attributes:
  check_mode:
    support: full
    description: Runs C(vflag plan). A spec that is given in I(spec) is planned for without being written.
  diff_mode:
    support: full
    description: Shows the spec's change, and the actions as the commands that a person would type.
notes:
  - Needs root, except with a simulated host.
  - Where vflag is not installed yet, check mode says so and reports a change.
author:
  - The vflag authors
"""

EXAMPLES = r"""
- name: Show what would be done
  vflag.vflag.vflag:
  check_mode: true
  diff: true

- name: Bring the host to its spec
  vflag.vflag.vflag:
    spec:
      version: 1
      nics:
        - name: data
          mode: vf-lag
          ports: [ens3f0, ens3f1]
          vfs: 8
          bond: bond0
          physnet: physnet2
  register: applied

- name: Say what is left
  ansible.builtin.debug:
    msg: "{{ applied.summary }}"
  when: not applied.works
"""

RETURN = r"""
actions:
  description: What was done, or in check mode what would be done now, in order.
  returned: when vflag is installed
  type: list
  elements: dict
  contains:
    nic:
      description: The NIC's name in the spec, or C(host).
      type: str
    requirement:
      description: The check that it brings about (C(vflag explain) tells more of it).
      type: str
    kind:
      description: What is done, such as C(set-vf-count).
      type: str
    commands:
      description: The commands that a person would type.
      type: list
      elements: str
reboot_required:
  description: Whether something takes effect only when the host reboots.
  returned: always
  type: bool
reboot_reasons:
  description: Why.
  returned: always
  type: list
  elements: str
networking_required:
  description: What the host's networking has to do before vflag can go on, such as make a bond.
  returned: always
  type: list
  elements: str
verdicts:
  description: One verdict per NIC, after all was done; in check mode, of the host as it is.
  returned: when vflag is installed, and in check mode when the spec was there
  type: list
  elements: dict
  sample: [{"nic": "data", "answer": "works", "requirement": null, "reason": null, "why": null, "remedy": null}]
works:
  description: Whether every NIC works.
  returned: always
  type: bool
summary:
  description: The verdicts in a line.
  returned: always
  type: str
  sample: "data works"
spec_changed:
  description: Whether the spec's file was, or would be, written.
  returned: always
  type: bool
"""

import json
import os
import tempfile

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.vflag.vflag.plugins.module_utils.program import Vflag, all_work, common_arguments, short_verdict, summary_of

FIRST_LINE = "# Written by Ansible from the variable `vflag`: change it there.\n"


def main():
    arguments = common_arguments()
    arguments.update(spec=dict(type="dict"), restart_ovs=dict(type="bool", default=False))
    module = AnsibleModule(argument_spec=arguments, supports_check_mode=True)
    vflag = Vflag(module)
    spec = SpecFile(module)
    if not vflag.installed() and module.check_mode:
        module.exit_json(
            changed=True,
            spec_changed=spec.changed,
            reboot_required=False,
            reboot_reasons=[],
            networking_required=[],
            works=False,
            summary="vflag is not installed on this host yet: it can be planned once it is",
            diff=[spec.diff()] if spec.changed else [],
        )
    vflag.require()
    options = ["--restart-ovs"] if module.params["restart_ovs"] else []
    if module.check_mode:
        result = planned(vflag, spec, options)
    else:
        result = applied(vflag, spec, options)
    diffs = [spec.diff()] if spec.changed else []
    if result["actions"]:
        diffs.append(dict(prepared=actions_text(result["actions"], module.check_mode)))
    result.update(spec_changed=spec.changed, changed=spec.changed or len(result["actions"]) > 0, diff=diffs)
    failures = result.pop("failures")
    if failures:
        module.fail_json(msg="; ".join(failures), **result)
    module.exit_json(**result)


class SpecFile(object):
    """The spec on the host, and the one that is wanted."""

    def __init__(self, module):
        self.module = module
        self.path = module.params["path"]
        self.there = os.path.exists(self.path)
        self.before = ""
        if self.there:
            with open(self.path, "rb") as file:
                self.before = file.read().decode("utf-8", "replace")
        wanted = module.params["spec"]
        self.after = self.before if wanted is None else text_of(wanted)
        self.changed = self.before != self.after

    def candidate(self):
        """The file to plan with: the one on the host, or a temporary one with the spec that is to be written."""
        if not self.changed:
            return self.path
        handle, name = tempfile.mkstemp(prefix="vflag-", suffix=".yaml", dir=self.module.tmpdir)
        with os.fdopen(handle, "wb") as file:
            file.write(self.after.encode("utf-8"))
        self.module.add_cleanup_file(name)
        return name

    def write(self, candidate):
        folder = os.path.dirname(self.path)
        if folder and not os.path.isdir(folder):
            os.makedirs(folder, 0o755)
        if not self.there:
            os.chmod(candidate, 0o644)
        self.module.atomic_move(candidate, self.path)

    def diff(self):
        return dict(before=self.before, after=self.after, before_header=self.path, after_header=self.path)


def text_of(spec):
    return FIRST_LINE + json.dumps(spec, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def planned(vflag, spec, options):
    candidate = spec.candidate()
    vflag.shown_as[candidate] = spec.path
    plan = vflag.run("plan", "--spec", candidate, *options)
    now = [phase for phase in plan["phases"] if phase["after"] == "now"]
    actions = [action for phase in now for step in phase["steps"] for action in actions_of(step)]
    left = [deviation for outcome in plan["outcomes"] for deviation in outcome["left"]]
    rebooting = any(phase["after"] == "reboot" for phase in plan["phases"])
    # The plan tells in its phases that a reboot comes; why, the verdict does.
    verdicts = vflag.run("verify", "--spec", candidate)["verdicts"]
    deviations = [deviation for verdict in verdicts for deviation in verdict["deviations"]]
    short = [short_verdict(verdict) for verdict in verdicts]
    return dict(
        actions=actions,
        reboot_required=rebooting,
        reboot_reasons=reasons(deviations, "reboot") if rebooting else [],
        networking_required=reasons(left, "networking"),
        verdicts=short,
        works=all_work(short),
        summary=summary_of(short),
        failures=["%s: %s" % (outcome["nic"], failure["reason"]) for outcome in plan["outcomes"] for failure in outcome["failures"]],
    )


def applied(vflag, spec, options):
    if spec.changed:
        candidate = spec.candidate()
        vflag.shown_as[candidate] = spec.path
        # A spec that is wrong, or fits no device of this host's, does not replace one that was right.
        vflag.run("plan", "--spec", candidate, *options)
        spec.write(candidate)
    answer = vflag.run("apply", "--spec", spec.path, *options)
    actions = []
    failures = []
    left = []
    for outcome in answer["outcomes"]:
        # What was refused changed nothing; after a refusal, what builds on it is not tried.
        for step in outcome["steps"]:
            actions += [action for action in actions_of(step) if action["performed"]]
        failures += ["%s: %s" % (outcome["nic"], failure["reason"]) for failure in outcome["failures"]]
        left += outcome["left"]
    verdicts = [short_verdict(verdict) for verdict in answer["verdicts"]]
    reboot = answer["reboot"]
    return dict(
        actions=actions,
        reboot_required=reboot is not None,
        reboot_reasons=[] if reboot is None else reasons(reboot["because"], "reboot"),
        networking_required=reasons(left, "networking"),
        verdicts=verdicts,
        works=reboot is None and all_work(verdicts),
        summary=summary_of(verdicts),
        failures=failures,
    )


def actions_of(step):
    return [
        dict(
            nic=step["nic"],
            requirement=step["requirement"],
            kind=action["kind"],
            commands=action["commands"],
            performed=action.get("performed", True),
        )
        for action in step["actions"]
    ]


def reasons(deviations, kind):
    texts = []
    for deviation in deviations:
        text = "%s: %s" % (deviation["subject"], deviation["actual"])
        if deviation["remedy"]["kind"] == kind and text not in texts:
            texts.append(text)
    return texts


def actions_text(actions, planned_only):
    lines = ["vflag would do:" if planned_only else "vflag did:"]
    step = None
    for action in actions:
        if step != (action["nic"], action["requirement"]):
            step = (action["nic"], action["requirement"])
            lines.append("  %s  %s" % step)
        lines += ["    " + command for command in action["commands"]]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
