#!/usr/bin/python
# Copyright the vflag authors
# SPDX-License-Identifier: Apache-2.0

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: vflag_info
short_description: Tells whether a hypervisor's NICs work, and who holds its virtual functions
version_added: "0.1.0"
description:
  - Runs C(vflag verify) and C(vflag inspect) on the host. Nothing is changed.
  - A verdict that is not good does not fail the task; look at I(works).
options:
  path:
    description: The spec on the host.
    type: path
    default: /etc/vflag/vflag.yaml
  host:
    description: C(local), or the file of a simulated host or a saved state.
    type: str
    default: local
  executable:
    description: The program, by name or path.
    type: str
    default: vflag
  timeout:
    description: How long vflag may take, in seconds.
    type: int
    default: 900
  gather:
    description: What to look at. C(verdicts) needs a spec, C(vfs) needs none.
    type: list
    elements: str
    choices: [verdicts, vfs]
    default: [verdicts, vfs]
attributes:
  check_mode:
    support: full
    description: The same as without it.
  diff_mode:
    support: none
    description: Nothing is changed.
author:
  - The vflag authors
"""

EXAMPLES = r"""
- name: Look at the NICs and their guests
  vflag.vflag.vflag_info:
  register: nics

- name: Stop where a guest holds a virtual function
  ansible.builtin.fail:
    msg: "{{ nics.vfs_in_use | map(attribute='text') | join('; ') }}"
  when: nics.vfs_in_use | length > 0
"""

RETURN = r"""
verdicts:
  description: One verdict per NIC.
  returned: when gathered
  type: list
  elements: dict
  sample: [{"nic": "data", "answer": "broken", "requirement": "bond", "reason": "bond0: eno1 is in it too, wanted no slave but ens3f0 and ens3f1"}]
works:
  description: Whether every NIC works.
  returned: when verdicts are gathered
  type: bool
summary:
  description: The verdicts in a line.
  returned: when verdicts are gathered
  type: str
vfs_in_use:
  description:
    - The virtual functions that somebody holds, and those of which it cannot be told.
    - One without a driver is held by nobody.
  returned: when gathered
  type: list
  elements: dict
  contains:
    vf:
      description: Its PCI address.
      type: str
    text:
      description: Which VF of which port, and who holds it.
      type: str
      sample: "VF 0 (0000:37:00.2) of ens3f0: guest instance-00000001 (web-1)"
    guest:
      description: The guest's UUID, which for a guest of Nova's is the server's id; null for other holders.
      type: str
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.vflag.vflag.plugins.module_utils.program import Vflag, all_work, common_arguments, summary_of


def main():
    arguments = common_arguments()
    arguments.update(gather=dict(type="list", elements="str", choices=["verdicts", "vfs"], default=["verdicts", "vfs"]))
    module = AnsibleModule(argument_spec=arguments, supports_check_mode=True)
    vflag = Vflag(module)
    vflag.require()
    result = dict(changed=False)
    if "verdicts" in module.params["gather"]:
        verdicts = vflag.verdicts(module.params["path"])
        result.update(verdicts=verdicts, works=all_work(verdicts), summary=summary_of(verdicts))
    if "vfs" in module.params["gather"]:
        result.update(vfs_in_use=vfs_in_use(vflag.run("inspect")))
    module.exit_json(**result)


def vfs_in_use(state):
    """The rule of vflag itself (src/host/in-use.ts): with a driver, and held by somebody or nobody could tell."""
    if is_unknown(state["pfs"]):
        return [dict(vf=None, text="perhaps in use (%s)" % state["pfs"]["unknown"], guest=None)]
    guests = {} if is_unknown(state["guests"]) else dict((vf, guest) for guest in state["guests"] for vf in guest["vfs"] if runs(guest))
    found = []
    for pf in state["pfs"]:
        for vf in [] if is_unknown(pf["vfs"]) else pf["vfs"]:
            held = vf["driver"] is not None and (is_unknown(vf["holders"]) or len(vf["holders"]) > 0)
            if held:
                guest = guests.get(vf["address"])
                name = "VF %s (%s) of %s" % (vf["index"], vf["address"], pf["netdev"] or pf["address"])
                who = holders_text(vf["holders"]) if guest is None else guest_text(guest)
                found.append(dict(vf=vf["address"], text="%s: %s" % (name, who), guest=None if guest is None else guest.get("uuid")))
    return found


def is_unknown(observed):
    return isinstance(observed, dict) and "unknown" in observed


def runs(guest):
    return guest.get("running", True)


def guest_text(guest):
    name = guest.get("name") or guest.get("id") or guest.get("command") or guest.get("uuid") or guest["kind"]
    title = guest.get("title")
    return "guest %s%s" % (name, " (%s)" % title if title else "")


def holders_text(holders):
    if is_unknown(holders):
        return "perhaps in use (%s)" % holders["unknown"]
    return "in use by %s" % ", ".join(
        "process %s (%s)" % (holder["pid"], holder["command"]) if holder["kind"] == "process" else "%s %s" % (holder["kind"], holder["name"])
        for holder in holders
    )


if __name__ == "__main__":
    main()
