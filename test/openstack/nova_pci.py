"""
Asks Nova's own code which devices the values of its option device_spec are about.
In: {"values": [text], "host": {"interfaces": {name: {"device", "totalVfs"}}, "physicalFunctions": {address: {...}}}, "devices": [...]}
Or "text", a nova.conf, in place of "values": its options are read with oslo.config as Nova declares them, and its filters looked up.
Out: {"matches": [[bool, one a rule], one a device], "tags": [tags or null, one a device]} or {"refused": text}
Only /sys is made up: the functions of nova.pci.utils run on what the question says of the host.
"""

import io
import json
import os
import sys
import tempfile

from nova import conf as nova_conf
from nova.pci import utils, whitelist
from nova.scheduler import filters
from oslo_config import cfg

files, links = {}, {}


class Path:
    join = staticmethod(os.path.join)

    @staticmethod
    def isdir(path):
        return path.rstrip("/") in links


class System:
    path = Path

    @staticmethod
    def readlink(path):
        return links[path.rstrip("/")]


def open_file(path):
    if path not in files:
        raise FileNotFoundError(path)
    return io.StringIO(files[path])


utils.os = System
utils.open = open_file


def made_up(host):
    files.clear()
    links.clear()
    for name, link in host["interfaces"].items():
        folder = "/sys/class/net/%s/device" % name
        links[folder] = link["device"]
        if link["totalVfs"] is not None:
            files[folder + "/sriov_totalvfs"] = "%d\n" % link["totalVfs"]
    for address, pf in host["physicalFunctions"].items():
        folder = "/sys/bus/pci/devices/" + address
        links[folder] = "../../../devices/pci0000:00/" + address
        files[folder + "/sriov_totalvfs"] = "8\n"
        files[folder + "/vendor"] = "0x%s\n" % pf["vendor"]
        files[folder + "/product"] = "0x%s\n" % pf["product"]
        if pf["vfProduct"] is not None:
            files[folder + "/sriov_vf_device"] = pf["vfProduct"] + "\n"


def as_nova(device):
    found = {
        "address": device["address"],
        "vendor_id": device["vendor"],
        "product_id": device["product"],
        "capabilities": {"vpd": {"card_serial_number": device.get("serial")}},
    }
    if device["parent"] is not None:
        found["parent_addr"] = device["parent"]
    return found


def options_of(text):
    with tempfile.NamedTemporaryFile("w", suffix=".conf", newline="", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        conf = cfg.ConfigOpts()
        nova_conf.pci.register_opts(conf)
        nova_conf.scheduler.register_opts(conf)
        conf(["--config-file", file.name], project="nova")
        enabled = conf.filter_scheduler.enabled_filters
        handler = filters.HostFilterHandler()
        classes = handler.get_matching_classes(conf.filter_scheduler.available_filters)
        known = [one.__name__ for one in classes]
        return conf.pci.device_spec, {"filters": enabled, "unknown": [one for one in enabled if one not in known]}


for line in sys.stdin:
    question = json.loads(line)
    made_up(question["host"])
    try:
        values, more = options_of(question["text"]) if "text" in question else (question["values"], {})
        rules = whitelist.Whitelist(values).specs
        devices = [as_nova(device) for device in question["devices"]]
        found = [[rule.match(device) for rule in rules] for device in devices]
        tags = [next((rule.get_tags() for rule, yes in zip(rules, row) if yes), None) for row in found]
        answer = {"matches": found, "tags": tags, **more}
    except Exception as error:  # Whatever it is, nova-compute does not go on.
        answer = {"refused": "%s: %s" % (type(error).__name__, error)}
    print(json.dumps(answer), flush=False)
