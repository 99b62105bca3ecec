#!/usr/bin/python
# Copyright the vflag authors
# SPDX-License-Identifier: Apache-2.0

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: nova_host
short_description: Empties a hypervisor of its guests through Nova, and gives it back
version_added: "0.1.0"
description:
  - Runs the openstack client, so it goes to a host that has it and the credentials (C(delegate_to)).
  - I(state=drained) disables the host's nova-compute service with a reason, and live-migrates its running guests or waits until they are
    gone. Guests that are switched off stay where they are.
  - I(state=enabled) enables the service again when nova-compute is up. A service that somebody else has disabled stays disabled.
  - A guest that holds a virtual function of the host cannot be live-migrated. Where there is one (I(vf_guests)), or one in a status out of
    which Nova does not migrate, the task fails before anything is changed.
  - What Nova refuses fails the task with Nova's own text. The service then stays disabled.
options:
  name:
    description: The host's name in Nova (C(openstack compute service list)).
    type: str
    required: true
  state:
    description: C(disabled) only disables the service.
    type: str
    choices: [drained, disabled, enabled]
    default: drained
  reason:
    description:
      - Why the service is disabled, as C(openstack compute service list --long) shows it. It is put after C(vflag:), by which
        I(state=enabled) knows that the service was disabled by this module.
    type: str
    default: roll-out
  guests:
    description:
      - C(migrate) live-migrates running guests; C(wait) waits until they are gone or switched off; C(ignore) does neither.
    type: str
    choices: [migrate, wait, ignore]
    default: migrate
  vf_guests:
    description: Ids of guests that hold virtual functions of the host, as M(vflag.vflag.vflag_info) tells them.
    type: list
    elements: str
    default: []
  parallel:
    description: How many live migrations are asked for at a time.
    type: int
    default: 2
  missing_ok:
    description: Whether a host on which Nova knows no nova-compute is fine (one that is not deployed yet has no guests of Nova's either).
    type: bool
    default: false
  timeout:
    description: How long the guests may take to be gone, or nova-compute to be up, in seconds.
    type: int
    default: 3600
  interval:
    description: How long to wait before Nova is asked again, in seconds.
    type: float
    default: 10
  call_timeout:
    description: How long one call of the client may take, in seconds.
    type: int
    default: 120
  client:
    description: The openstack client, by name or path.
    type: str
    default: openstack
  cloud:
    description: A cloud of C(clouds.yaml). Without it the client takes what it finds in its environment (C(OS_*)), see I(credentials).
    type: str
  credentials:
    description:
      - Variables of the client's environment, such as C(OS_AUTH_URL), C(OS_USERNAME) and C(OS_PASSWORD). The keyword C(environment) of a task
        does the same, but puts them into the arguments of the shell that starts the module, where every user of the machine can read them.
    type: dict
    default: {}
  api_version:
    description: Nova's API version. At least 2.59.
    type: str
    default: "2.60"
attributes:
  check_mode:
    support: full
    description: Asks Nova, and changes nothing. What would be refused now fails in check mode too.
  diff_mode:
    support: full
    description: Shows the service's status and reason.
notes:
  - Needs the rights of an administrator.
author:
  - The vflag authors
"""

EXAMPLES = r"""
- name: Empty the host
  vflag.vflag.nova_host:
    name: "{{ inventory_hostname }}"
    state: drained
    reason: new spec of its NICs
    vf_guests: "{{ nics.vfs_in_use | map(attribute='guest') | select | list }}"
    cloud: admin
  delegate_to: localhost

- name: Give it back
  vflag.vflag.nova_host:
    name: "{{ inventory_hostname }}"
    state: enabled
    cloud: admin
  delegate_to: localhost
"""

RETURN = r"""
service:
  description: The host's nova-compute service, afterwards; null where there is none.
  returned: always
  type: dict
  sample: {"status": "disabled", "state": "up", "reason": "vflag: roll-out"}
moved:
  description: Guests that were live-migrated away, or in check mode would be.
  returned: when I(state=drained)
  type: list
  elements: str
resting:
  description: Guests that are switched off, and stay.
  returned: when I(state=drained)
  type: list
  elements: str
holding:
  description: Guests that stand against it, each with the reason.
  returned: on failure
  type: list
  elements: str
"""

import json
import re
import time

from ansible.module_utils.basic import AnsibleModule

MARK = "vflag:"
# Nova live-migrates out of these (nova/compute/api.py, live_migrate: ACTIVE and PAUSED).
MOVABLE = ("ACTIVE", "PAUSED")
# No process of a guest runs in these, so nothing of the host is held. A guest that is shelved and offloaded is on no host.
RESTING = ("SHUTOFF", "SUSPENDED", "SHELVED", "SHELVED_OFFLOADED", "SOFT_DELETED", "DELETED")
# Out of these it takes a person: to reset, unrescue or confirm.
STUCK = ("ERROR", "RESCUE", "VERIFY_RESIZE", "UNKNOWN")
# nova/objects/migration.py and nova/virt/libvirt: how a live migration that did not happen ends.
FAILED = ("error", "failed", "cancelled")


class Refused(Exception):
    """What the client, or Nova, says against it."""


class Nova(object):
    def __init__(self, module):
        self.module = module
        self.name = module.params["name"]
        client = module.get_bin_path(module.params["client"])
        if client is None:
            module.fail_json(msg="%s is not installed here: install python3-openstackclient, or name it with `client`" % module.params["client"])
        self.limit = module.params["call_timeout"]
        self.argv = [module.get_bin_path("timeout", required=True), "--kill-after=10", str(self.limit), client]
        if module.params["cloud"]:
            self.argv += ["--os-cloud", module.params["cloud"]]
        self.argv += ["--os-compute-api-version", module.params["api_version"]]
        # The client reads them from its environment: arguments can be read by every user of this machine.
        self.environment = dict((name, str(value)) for name, value in module.params["credentials"].items())
        self.environment["LC_ALL"] = "C.UTF-8"

    def call(self, *words):
        rc, out, err = self.module.run_command(self.argv + list(words), environ_update=self.environment, encoding="utf-8")
        if rc in (124, 137):
            raise Refused("openstack %s: no answer within %d s" % (" ".join(words[:3]), self.limit))
        if rc != 0:
            raise Refused("openstack %s: %s" % (" ".join(words[:3]), "; ".join(err.strip().splitlines()[-3:]) or "ended with %d" % rc))
        return out

    def rows(self, *words):
        out = self.call(*(words + ("-f", "json")))
        try:
            return json.loads(out)
        except ValueError:
            raise Refused("openstack %s printed no JSON: %s" % (" ".join(words[:3]), out[:200]))

    def service(self):
        """The host's service, or None. Another host's is never taken for it: names are compared here too."""
        rows = self.rows("compute", "service", "list", "--service", "nova-compute", "--host", self.name, "--long")
        found = [row for row in rows if row["Host"] == self.name]
        if len(found) > 1:
            raise Refused("Nova knows %d nova-compute services of %s" % (len(found), self.name))
        if not found:
            return None
        return dict(status=found[0]["Status"], state=found[0]["State"], reason=found[0].get("Disabled Reason"))

    def known_hosts(self):
        return sorted(row["Host"] for row in self.rows("compute", "service", "list", "--service", "nova-compute"))

    def disable(self, reason):
        self.call("compute", "service", "set", "--disable", "--disable-reason", reason, self.name, "nova-compute")

    def enable(self):
        self.call("compute", "service", "set", "--enable", self.name, "nova-compute")

    def guests(self):
        rows = self.rows("server", "list", "--all-projects", "--host", self.name, "--long", "--no-name-lookup", "--limit", "-1")
        for row in rows:
            # Nova leaves out the filter and the column for who is no administrator.
            if row.get("Host") != self.name:
                raise Refused("Nova does not tell on which host its guests are: the client needs the rights of an administrator")
        return dict((row["ID"], dict(name=row["Name"], status=row["Status"], task=row.get("Task State"))) for row in rows)

    def migrations(self):
        """The newest live migration of each guest away from the host: its number and status."""
        newest = {}
        for row in self.rows("server", "migration", "list", "--host", self.name, "--type", "live-migration"):
            guest, number = row["Server UUID"], int(row["Id"])
            if row["Source Compute"] == self.name and (guest not in newest or newest[guest]["number"] < number):
                newest[guest] = dict(number=number, status=row["Status"])
        return newest

    def migrate(self, guest):
        self.call("server", "migrate", "--live-migration", guest)


class Drain(object):
    """Empties the host."""

    def __init__(self, module, nova):
        self.module = module
        self.nova = nova
        self.how = module.params["guests"]
        self.moved = []
        self.resting = []
        # Each guest's newest live migration before it was asked to move: an old failure is not taken for a new one.
        self.before = {}

    def obstacles(self, guests):
        """Guests because of which it is not even begun."""
        if self.how != "migrate":
            return []
        holding = set(self.module.params["vf_guests"])
        found = []
        for guest, facts in sorted(guests.items()):
            if facts["status"] in RESTING:
                continue
            if guest in holding:
                found.append("%s holds a virtual function of the host, and cannot be live-migrated" % title(guest, facts))
            elif facts["status"] in STUCK:
                found.append("%s is in status %s, out of which Nova does not live-migrate" % (title(guest, facts), facts["status"]))
        known = set(guests)
        found += ["%s holds a virtual function of the host, and is none of Nova's guests there" % guest for guest in sorted(holding - known)]
        return found

    def begin(self):
        guests = self.nova.guests()
        obstacles = self.obstacles(guests)
        if obstacles:
            raise Holding(obstacles)
        self.remember(guests)
        return guests

    def remember(self, guests):
        self.resting = sorted(title(guest, facts) for guest, facts in guests.items() if facts["status"] in RESTING)

    def run(self):
        deadline = time.time() + self.module.params["timeout"]
        asked = {}
        while True:
            guests = self.nova.guests()
            running = dict((guest, facts) for guest, facts in guests.items() if facts["status"] not in RESTING)
            self.moved += [asked.pop(guest) for guest in sorted(asked) if guest not in guests]
            for guest in [guest for guest in asked if guest not in running]:
                del asked[guest]
            self.remember(guests)
            if not running:
                return
            if self.how == "migrate":
                self.go_on(running, asked)
            if time.time() >= deadline:
                raise Holding(
                    [
                        "%s is there still after %d s, in status %s" % (title(guest, facts), self.module.params["timeout"], facts["status"])
                        for guest, facts in sorted(running.items())
                    ]
                )
            time.sleep(min(self.module.params["interval"], max(0, deadline - time.time())))

    def go_on(self, running, asked):
        # Only a guest that is back has an end to look for, and only who is asked anew needs a beginning.
        back = [guest for guest in asked if running[guest]["status"] in MOVABLE]
        waiting = [guest for guest in running if guest not in asked and self.movable(running[guest])]
        if not back and (not waiting or len(asked) >= self.module.params["parallel"]):
            return
        newest = self.nova.migrations()
        failed = [
            "%s: its live migration ended in status %s (openstack server migration list --server %s; nova-conductor's and nova-compute's logs say why)"
            % (name, newest[guest]["status"], guest)
            for guest, name in sorted(asked.items())
            if guest in back and guest in newest and newest[guest]["number"] > self.before.get(guest, 0) and newest[guest]["status"] in FAILED
        ]
        if failed:
            raise Holding(failed)
        for guest in sorted(waiting):
            if len(asked) < self.module.params["parallel"]:
                self.before[guest] = newest.get(guest, dict(number=0))["number"]
                self.ask(guest, running[guest], asked)

    @staticmethod
    def movable(facts):
        # With a task under way, Nova would refuse.
        return facts["status"] in MOVABLE and not facts["task"]

    def ask(self, guest, facts, asked):
        try:
            self.nova.migrate(guest)
        except Refused as refused:
            # It may have ended, or been switched off, since Nova was asked.
            now = self.nova.guests().get(guest)
            if now is not None and now["status"] not in RESTING:
                raise Holding(["%s: %s" % (title(guest, facts), refused)])
            return
        asked[guest] = title(guest, facts)


class Holding(Exception):
    """Guests that stand against it, each with the reason."""

    def __init__(self, guests):
        super(Holding, self).__init__("; ".join(guests))
        self.guests = guests


def title(guest, facts):
    return "guest %s (%s)" % (facts["name"], guest)


def main():
    module = AnsibleModule(
        argument_spec=dict(
            name=dict(type="str", required=True),
            state=dict(type="str", choices=["drained", "disabled", "enabled"], default="drained"),
            reason=dict(type="str", default="roll-out"),
            guests=dict(type="str", choices=["migrate", "wait", "ignore"], default="migrate"),
            vf_guests=dict(type="list", elements="str", default=[]),
            parallel=dict(type="int", default=2),
            missing_ok=dict(type="bool", default=False),
            timeout=dict(type="int", default=3600),
            interval=dict(type="float", default=10),
            call_timeout=dict(type="int", default=120),
            client=dict(type="str", default="openstack"),
            cloud=dict(type="str"),
            credentials=dict(type="dict", default={}, no_log=True),
            api_version=dict(type="str", default="2.60"),
        ),
        supports_check_mode=True,
    )
    # Only what is secret is taken out of what is shown: a domain's name, such as default, would be taken out of every text.
    module.no_log_values = set(
        str(value) for name, value in module.params["credentials"].items() if re.search(r"PASS|SECRET|TOKEN|CREDENTIAL|COOKIE", name, re.I) and value
    )
    nova = Nova(module)
    drain = Drain(module, nova)
    result = dict(changed=False, service=None)
    try:
        service = nova.service()
        result["service"] = service
        if service is None:
            missing(module, nova, result)
        if module.params["state"] == "enabled":
            enable(module, nova, service, result)
        elif module.params["state"] == "disabled":
            disable(module, nova, service, result)
        else:
            drained(module, nova, drain, service, result)
    except Refused as refused:
        module.fail_json(msg=str(refused), **with_guests(module, drain, result))
    except Holding as holding:
        where = "%s is left as it is" if not result["changed"] else "%s is left disabled, and not empty"
        text = "%s: %s" % (where % module.params["name"], holding)
        module.fail_json(msg=text, holding=holding.guests, **with_guests(module, drain, result))
    module.exit_json(**with_guests(module, drain, result))


def with_guests(module, drain, result):
    if module.params["state"] == "drained":
        result.update(moved=drain.moved, resting=drain.resting)
    return result


def missing(module, nova, result):
    if module.params["missing_ok"]:
        module.exit_json(**result)
    known = nova.known_hosts()
    module.fail_json(
        msg="Nova knows no nova-compute on %s. It knows %s" % (module.params["name"], ", ".join(known[:20]) if known else "none at all"), **result
    )


def ours(service):
    return (service["reason"] or "").startswith(MARK)


def change(module, result, status, reason):
    before = result["service"]
    after = dict(before, status=status, reason=reason)
    result.update(changed=True, service=after, diff=dict(before=before, after=after))
    return not module.check_mode


def disable(module, nova, service, result):
    reason = "%s %s" % (MARK, " ".join(module.params["reason"].split()))[:255]
    # Nova keeps 255 characters. Who else has disabled it keeps the word.
    if service["status"] == "disabled" and (not ours(service) or service["reason"] == reason):
        return
    if change(module, result, "disabled", reason):
        nova.disable(reason)


def drained(module, nova, drain, service, result):
    guests = drain.begin()
    # A drain that is taken up again keeps its reason.
    if service["status"] != "disabled":
        disable(module, nova, service, result)
    if module.params["guests"] == "ignore":
        return
    running = [title(guest, facts) for guest, facts in sorted(guests.items()) if facts["status"] not in RESTING]
    if module.check_mode:
        drain.moved = running if module.params["guests"] == "migrate" else []
        result["changed"] = result["changed"] or len(running) > 0
        return
    drain.run()
    result["changed"] = result["changed"] or len(drain.moved) > 0


def enable(module, nova, service, result):
    if service["status"] == "enabled" or not ours(service):
        return
    deadline = time.time() + module.params["timeout"]
    while service["state"] != "up" and not module.check_mode:
        if time.time() >= deadline:
            raise Refused("nova-compute on %s is not up after %d s: it stays disabled" % (module.params["name"], module.params["timeout"]))
        time.sleep(min(module.params["interval"], max(0, deadline - time.time())))
        service = nova.service() or service
    result["service"] = service
    if change(module, result, "enabled", None):
        nova.enable()


if __name__ == "__main__":
    main()
