"""
Reads sriov_agent.ini and ml2_conf.ini as Neutron does: {"agent", "ml2"} (texts) in; out, what the agent's own parser makes of
them and the mechanism drivers that have no entry point, or {"refused"}.
"""

import json
import os
import sys
import tempfile

import stevedore
from neutron.conf.plugins.ml2 import config as ml2_options
from neutron.plugins.ml2.drivers.mech_sriov.agent import sriov_nic_agent
from neutron.plugins.ml2.drivers.mech_sriov.agent.common import config  # noqa: F401, registers the agent's options
from oslo_config import cfg

ml2_options.register_ml2_plugin_opts()
known = {entry.name for entry in stevedore.ExtensionManager("neutron.ml2.mechanism_drivers", invoke_on_load=False, on_load_failure_callback=lambda *_: None).list_entry_points()}

with tempfile.TemporaryDirectory() as folder:
    for line in sys.stdin:
        question = json.loads(line)
        paths = []
        for name, text in question.items():
            path = os.path.join(folder, name + ".ini")
            with open(path, "w", newline="", encoding="utf-8") as file:
                file.write(text)
            paths += ["--config-file", path]
        try:
            cfg.CONF.clear()
            cfg.CONF(paths, project="neutron", default_config_files=[])
            parser = sriov_nic_agent.SriovNicAgentConfigParser()
            parser.parse()
            drivers = cfg.CONF.ml2.mechanism_drivers
            answer = {
                "mappings": parser.device_mappings,
                "excluded": {name: sorted(found) for name, found in parser.exclude_devices.items()},
                "drivers": drivers,
                "unknown": [driver for driver in drivers if driver not in known],
            }
        except Exception as error:  # Whatever it is, the agent exits.
            answer = {"refused": "%s: %s" % (type(error).__name__, error)}
        print(json.dumps(answer))
