"""
Asks Nova's own code which devices the values of its option device_spec are about.
In: {"values": [text], "host": {"interfaces": {name: {"device", "totalVfs"}}, "physicalFunctions": {address: {...}}}, "devices": [...]}
Out: {"matches": [[bool, one a rule], one a device], "tags": [tags or null, one a device]} or {"refused": text}
Only /sys is made up: the functions of nova.pci.utils run on what the question says of the host.
"""

import io
import json
import os
import sys

from nova.pci import devspec, utils, whitelist

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


for line in sys.stdin:
    question = json.loads(line)
    made_up(question["host"])
    try:
        rules = whitelist.Whitelist(question["values"]).specs
        devices = [as_nova(device) for device in question["devices"]]
        found = [[rule.match(device) for rule in rules] for device in devices]
        tags = [next((rule.get_tags() for rule, yes in zip(rules, row) if yes), None) for row in found]
        answer = {"matches": found, "tags": tags}
    except Exception as error:  # Whatever it is, nova-compute does not go on.
        answer = {"refused": "%s: %s" % (type(error).__name__, error)}
    print(json.dumps(answer), flush=False)
