# Copyright the vflag authors
# SPDX-License-Identifier: Apache-2.0

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
name: waves
short_description: Sorts hosts into the waves of a roll-out
version_added: "0.1.0"
description:
  - Makes lists of hosts that are worked on together, one list after the other.
options:
  _input:
    description: The hosts, each with its failure domain (a rack, an availability zone).
    type: dict
    required: true
  by:
    description: C(domain) makes a wave of each failure domain. C(across) takes at most one host of each failure domain into a wave.
    type: str
    choices: [domain, across]
    default: domain
  size:
    description: How many hosts a wave has at most. A larger one is split. 0 for no limit.
    type: int
    default: 0
"""

EXAMPLES = r"""
- name: A wave for each rack
  ansible.builtin.debug:
    msg: "{{ {'h1': 'rack1', 'h2': 'rack2', 'h3': 'rack1'} | vflag.vflag.waves('domain') }}"   # [[h1, h3], [h2]]

- name: One host of each rack in a wave
  ansible.builtin.debug:
    msg: "{{ {'h1': 'rack1', 'h2': 'rack2', 'h3': 'rack1'} | vflag.vflag.waves('across') }}"   # [[h1, h2], [h3]]
"""

RETURN = r"""
_value:
  description: The waves. Failure domains in the order of their names, hosts as given.
  type: list
  elements: list
"""


def waves(domain_of, by="domain", size=0):
    whole = unlimited(domain_of, by)
    step = int(size)
    if step <= 0:
        return whole
    return [wave[index : index + step] for wave in whole for index in range(0, len(wave), step)]


def unlimited(domain_of, by):
    domains = {}
    for host, domain in domain_of.items():
        domains.setdefault(str(domain), []).append(host)
    ordered = [domains[name] for name in sorted(domains)]
    if by == "domain":
        return ordered
    if by == "across":
        longest = max([len(hosts) for hosts in ordered] or [0])
        return [[hosts[index] for hosts in ordered if index < len(hosts)] for index in range(longest)]
    raise ValueError("waves: by must be domain or across, not %r" % (by,))


class FilterModule(object):
    def filters(self):
        return dict(waves=waves)
