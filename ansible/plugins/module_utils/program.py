# Copyright the vflag authors
# SPDX-License-Identifier: Apache-2.0
"""Runs the installed vflag, and puts its JSON into words."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import json


class Vflag(object):
    """The program vflag on this host, run by argument vectors, in the C locale, with a time limit."""

    def __init__(self, module):
        self.module = module
        self.host = module.params["host"]
        self.timeout = module.params["timeout"]
        # A temporary file stands for the one that is to be written: messages name that one.
        self.shown_as = {}
        self.executable = module.get_bin_path(module.params["executable"], opt_dirs=["/usr/bin", "/usr/local/bin"])

    def installed(self):
        return self.executable is not None

    def require(self):
        if not self.installed():
            self.module.fail_json(
                msg="%s is not on this host: install the package of vflag, or name the program with `executable`"
                % self.module.params["executable"]
            )

    def run(self, command, *options):
        """Runs a command of vflag that prints JSON. Its errors are the module's, in its own words. Returns the JSON."""
        # The time limit is coreutils': AnsibleModule.run_command has none. `apply` is safe to interrupt (docs/operating.md).
        limit = [self.module.get_bin_path("timeout", required=True), "--kill-after=10", str(self.timeout)]
        argv = limit + [self.executable, command, "--host", self.host, "--output", "json"] + list(options)
        rc, out, err = self.module.run_command(argv, environ_update=dict(LC_ALL="C", NO_COLOR="1"), encoding="utf-8")
        for name, shown in self.shown_as.items():
            err = err.replace(name, shown)
        said = err.strip()
        if rc in (124, 137):
            self.module.fail_json(msg="vflag %s did not end within %d s" % (command, self.timeout), rc=rc, stderr=err)
        # 0: nothing to do, or all holds; 2: something is to do, or is off; anything else: it could not be carried out.
        if rc not in (0, 2):
            self.module.fail_json(msg=said or "vflag %s ended with %d and said nothing" % (command, rc), rc=rc, stderr=err)
        try:
            return json.loads(out)
        except ValueError:
            self.module.fail_json(msg="vflag %s printed no JSON: %s" % (command, (out + said)[:500]), rc=rc, stderr=err)

    def verdicts(self, path):
        return [short_verdict(verdict) for verdict in self.run("verify", "--spec", path)["verdicts"]]


def common_arguments():
    return dict(
        path=dict(type="path", default="/etc/vflag/vflag.yaml"),
        host=dict(type="str", default="local"),
        executable=dict(type="str", default="vflag"),
        timeout=dict(type="int", default=900),
    )


def short_verdict(verdict):
    """What a playbook needs of a verdict: the answer and its reason, and what to do about it."""
    reason = verdict["reason"]
    short = dict(nic=verdict["nic"], answer=verdict["answer"], requirement=None, reason=None, why=None, remedy=None)
    if reason is not None:
        short.update(
            requirement=reason["requirement"],
            reason="%s: %s, wanted %s" % (reason["subject"], reason["actual"], reason["expected"]),
            why=reason["why"],
            remedy=remedy_text(reason["remedy"]),
        )
    return short


def remedy_text(remedy):
    return "vflag apply" if remedy["kind"] == "actions" else remedy.get("text")


SAID = dict(works="works", broken="does not work", unknown="cannot tell")


def summary_of(verdicts):
    """One line, as `vflag verify` begins what it says of a NIC."""
    lines = []
    for verdict in verdicts:
        line = "%s %s" % (verdict["nic"], SAID.get(verdict["answer"], verdict["answer"]))
        if verdict["reason"]:
            line += ": " + verdict["reason"]
        if verdict["remedy"]:
            line += " (do: %s)" % verdict["remedy"]
        lines.append(line)
    return "; ".join(lines)


def all_work(verdicts):
    return len(verdicts) > 0 and all(verdict["answer"] == "works" for verdict in verdicts)
