"""
Makes the database of a neutron-server, with agents that have reported themselves: {"conf", "database", "agents"} in, nothing out.
The tables are those of Neutron's models (its migrations cannot run on SQLite), and an agent's report is stored by the code
that answers an agent's call. A NIC Switch agent reports what its own parser makes of its sriov_agent.ini.
"""

import datetime
import json
import os
import sys
import tempfile

import sqlalchemy
from neutron.db import agents_db
from neutron.db.migration.models import head
from neutron.objects import agent as agent_objects
from neutron.plugins.ml2.drivers.mech_sriov.agent import sriov_nic_agent
from neutron.plugins.ml2.drivers.mech_sriov.agent.common import config  # noqa: F401, registers the agent's options
from neutron_lib import context
from oslo_config import cfg


def nic_switch(agent):
    with tempfile.NamedTemporaryFile("w", suffix=".ini", newline="", encoding="utf-8") as file:
        file.write(agent["conf"])
        file.flush()
        cfg.CONF.clear()
        cfg.CONF(["--config-file", file.name], project="neutron", default_config_files=[])
        parser = sriov_nic_agent.SriovNicAgentConfigParser()
        parser.parse()
    return {
        "agent_type": "NIC Switch agent",
        "binary": "neutron-sriov-nic-agent",
        "configurations": {"device_mappings": parser.device_mappings, "extensions": []},
    }


def openvswitch(agent):
    return {
        "agent_type": "Open vSwitch agent",
        "binary": "neutron-openvswitch-agent",
        "configurations": {
            "bridge_mappings": agent["bridgeMappings"],
            "tunnel_types": agent["tunnelTypes"],
            "tunneling_ip": "192.0.2.10",
            "datapath_type": "system",
            "ovs_capabilities": {"datapath_types": ["netdev", "system"], "iface_types": ["internal", "system", "vxlan"]},
            "integration_bridge": "br-int",
            "ovs_hybrid_plug": False,
            "extensions": [],
        },
    }


kinds = {"nic-switch": nic_switch, "openvswitch": openvswitch}
question = json.load(sys.stdin)
if not os.path.exists(question["database"]):
    head.get_metadata().create_all(sqlalchemy.create_engine("sqlite:///" + question["database"]))
admin = context.get_admin_context()
for agent in question["agents"]:
    state = kinds[agent["kind"]](agent)
    state.update(host=agent["host"], topic="N/A", start_flag=True)
    cfg.CONF.clear()
    cfg.CONF(["--config-file", question["conf"]], project="neutron", default_config_files=[])
    _, reported = agents_db.AgentDbMixin().create_or_update_agent(admin, state)
    if not agent["alive"]:
        row = agent_objects.Agent.get_object(admin, id=reported["id"])
        row.heartbeat_timestamp -= datetime.timedelta(days=1)
        row.update()
