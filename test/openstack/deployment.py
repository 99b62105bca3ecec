"""
What Kayobe and Kolla-Ansible make of a configuration tree: the final file of each service on each host.
In:  {"kind": "kayobe", "config": etc/kayobe, "environment": name or null, "release": name}
     {"kind": "kolla", "config": /etc/kolla, "inventory": path, "release": name}
Out: {"hosts": {host: {"nova-compute/nova.conf": text, ...}}, "switches": {host: {"openvswitch_hw_offload": bool}}} or {"refused": text}

Inventories, the precedence of variables and templates are ansible-core's own; INI files are read by oslo.config's own parser.
What is emulated is written after these sources, and holds what of them matters to Nova's and Neutron's files:
- kolla-ansible, ansible/action_plugins/merge_configs.py; tasks/config.yml and templates of roles nova, nova-cell and neutron
- kayobe, ansible/kolla-openstack.yml with roles/kolla-openstack (tasks/config.yml: each file alone up to 14.7.0, 2023.1; rendered one by one and put
  together from 15.0.0; put together and rendered from 19.0.0, 2025.2), ansible/kolla-ansible.yml with roles/kolla-ansible and kolla-ansible-host-vars,
  kayobe/ansible.py, kayobe/kolla_ansible.py (inventories), kayobe/utils.py (EnvironmentFinder) and ansible/inventory/group_vars/all/kolla
"""

import json
import os
import shutil
import sys
import tempfile

# No ansible.cfg of whoever runs this.
own = tempfile.NamedTemporaryFile(suffix=".cfg")
os.environ.update(ANSIBLE_CONFIG=own.name, ANSIBLE_LOCALHOST_WARNING="False", ANSIBLE_INVENTORY_UNPARSED_WARNING="False")

import yaml  # noqa: E402
from ansible import context  # noqa: E402
from ansible.inventory.manager import InventoryManager  # noqa: E402
from ansible.module_utils.common.collections import ImmutableDict  # noqa: E402
from ansible.parsing.dataloader import DataLoader  # noqa: E402
from ansible.template import AnsibleEnvironment, Templar  # noqa: E402
from ansible.utils import vars as ansible_vars  # noqa: E402
from ansible.vars.manager import VariableManager  # noqa: E402
from oslo_config import iniparser  # noqa: E402

import graphlib  # noqa: E402

releases = "train ussuri victoria wallaby xena yoga zed 2023.1 2023.2 2024.1 2024.2 2025.1 2025.2 2026.1 2026.2".split()


def is_from(release, first):
    return releases.index(release) >= releases.index(first)


class Variables:
    """The variables of an ansible-playbook run: its inventories, its extra variables, and group_vars beside the playbook."""

    def __init__(self, inventories, extra_files, beside_playbook):
        # The files of -e are read once a process, by the function that a run calls.
        if hasattr(ansible_vars.load_extra_vars, "extra_vars"):
            del ansible_vars.load_extra_vars.extra_vars
        # So are the files of group_vars and host_vars, by the plugin that looks for them.
        for name, module in list(sys.modules.items()):
            if name.endswith("host_group_vars") and hasattr(module, "FOUND"):
                module.FOUND.clear()
        context.CLIARGS = ImmutableDict(extra_vars=tuple("@" + path for path in extra_files))
        self.loader = DataLoader()
        self.loader.set_basedir(beside_playbook)
        self.inventory = InventoryManager(loader=self.loader, sources=inventories)
        self.manager = VariableManager(loader=self.loader, inventory=self.inventory)
        self.manager.safe_basedir = True

    def hosts_of(self, group):
        found = self.inventory.groups.get(group)
        return [host.name for host in found.get_hosts()] if found else []

    def templar(self, host, role_defaults={}, **more):
        known = self.manager.get_vars(host=self.inventory.get_host(host))
        return Templar(loader=self.loader, variables={**role_defaults, **known, **more})


class MergedConfig(iniparser.BaseParser):
    """Several INI files as one: a later file's key takes the place of all of an earlier one's values, repeats within a file stay."""

    def __init__(self):
        super().__init__()
        self.merged, self.file, self.section = {}, None, None

    def new_section(self, section):
        self.section = self.file.setdefault(section, {})

    def assignment(self, key, value):
        if self.section is None:
            self.new_section(None)
        self.section.setdefault(key, []).append([] if value == [""] else value)

    def add(self, text):
        self.file, self.section = {}, None
        self.parse(text.splitlines(keepends=True))
        for section, values in self.file.items():
            self.merged.setdefault(section, {}).update(values)

    def text(self):
        written = []
        for section, values in self.merged.items():
            if section is not None:
                written.append("[%s]" % section)
            for key, repeats in values.items():
                for lines in repeats:
                    written.append("%s = %s" % (key, lines[0]) if lines else "%s =" % key)
                    written.extend(" " * (len(key) + 3) + line for line in lines[1:])
            written.append("")
        return "\n".join(written) + "\n"


def read(path):
    with open(path, encoding="utf-8", newline="") as file:
        return file.read()


def rendered(templar, text):
    """As the module `template` does it."""
    fresh = templar.copy_with_new_env(environment_class=AnsibleEnvironment, trim_blocks=True)
    return fresh.do_template(text, preserve_trailing_newlines=True, escape_backslashes=False)


def yaml_files(folder):
    return sorted(os.path.join(folder, name) for name in os.listdir(folder) if os.path.splitext(name)[1] in (".yml", ".yaml", ".json"))


# Kayobe: the first pass, on the control host.

pass_through = {
    "ansible_host": "ansible_host",
    "kolla_tunnel_interface": "tunnel_interface",
    "kolla_neutron_bridge_names": "neutron_bridge_name",
}

kayobe_texts = {
    "global.conf": "{% if kolla_extra_global %}\n{{ kolla_extra_global }}\n{% endif %}\n",
    "nova.conf": "{% if kolla_extra_nova %}\n{{ kolla_extra_nova }}\n{% endif %}\n",
}

kayobe_ml2 = """[ml2]
{% if kolla_neutron_ml2_mechanism_drivers %}
mechanism_drivers = {{ kolla_neutron_ml2_mechanism_drivers | join(',') }}
{% endif %}

[ml2_type_vlan]
{% if kolla_neutron_ml2_network_vlan_ranges %}
network_vlan_ranges = {% for vnr in kolla_neutron_ml2_network_vlan_ranges %}{{ vnr.physical_network }}{% if vnr.range is defined %}:{{ vnr.range }}{% endif %}{% if not loop.last %},{% endif %}{% endfor %}

{% endif %}

{% if kolla_extra_neutron_ml2 %}
{{ kolla_extra_neutron_ml2 }}
{% endif %}
"""

kayobe_globals = """
neutron_plugin_agent: "{% if kolla_enable_ovn | bool %}ovn{% else %}openvswitch{% endif %}"
enable_neutron_sriov: {{ kolla_enable_neutron_sriov | bool }}
enable_blazar: {{ kolla_enable_blazar | bool }}
{% if kolla_extra_globals %}
{{ kolla_extra_globals | to_nice_yaml }}
{% endif %}
"""


def kayobe_defaults(release):
    names, extra = "kolla_overcloud_inventory_pass_through_host_vars", {}
    if is_from(release, "xena"):
        extra = {
            names: "{{ %s_default + %s_extra }}" % (names, names),
            names + "_default": list(pass_through),
            names + "_extra": [],
            names + "_map": "{{ %s_map_default | combine(%s_map_extra) }}" % (names, names),
            names + "_map_default": pass_through,
            names + "_map_extra": {},
        }
    else:
        extra = {names: list(pass_through), names + "_map": pass_through}
    return {
        **extra,
        "kolla_enable_neutron_sriov": "no",
        "kolla_enable_ovn": "no",
        "kolla_enable_blazar": "no",
        "kolla_extra_global": None,
        "kolla_extra_nova": None,
        "kolla_extra_neutron_ml2": None,
        "kolla_extra_globals": {},
        "kolla_openstack_custom_config_environment_merging_enabled": True,
        "kolla_neutron_ml2_mechanism_drivers": [],
        "kolla_neutron_ml2_network_vlan_ranges": [],
        "kolla_overcloud_inventory_top_level_group_map": {
            "control": {"groups": ["controllers"]},
            "network": {"groups": ["network"]},
            "compute": {"groups": ["compute"]},
        },
    }


def environments(config, environment, release):
    """An environment after those that it depends on."""
    if not is_from(release, "2023.2"):
        return [environment]
    graph = {}

    def collect(name):
        if name in graph:
            return
        path = os.path.join(config, "environments", name, ".kayobe-environment")
        graph[name] = set((yaml.safe_load(read(path)) or {}).get("dependencies", []) if os.path.exists(path) else [])
        for dependency in graph[name]:
            collect(dependency)

    collect(environment)
    return list(graphlib.TopologicalSorter(graph).static_order())


def kayobe(question, folder):
    """Writes what Kayobe writes for Kolla-Ansible; returns the question about that."""
    release, config = question["release"], question["config"]
    paths = [config]
    if question.get("environment"):
        paths += [os.path.join(config, "environments", name) for name in environments(config, question["environment"], release)]
    os.makedirs(os.path.join(folder, "kayobe/group_vars"))
    with open(os.path.join(folder, "kayobe/group_vars/all"), "w") as file:
        yaml.safe_dump(kayobe_defaults(release), file)
    inventories = [path for path in (os.path.join(one, "inventory") for one in paths) if os.path.isdir(path)]
    extra = [file for path in paths for file in yaml_files(path)]
    variables = Variables(inventories, extra, os.path.join(folder, "kayobe"))
    local = variables.templar("localhost")

    kolla = os.path.join(folder, "kolla")
    for path, text in kayobe_config(release, paths, local).items():
        target = os.path.join(kolla, "config", path)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(target, "w", newline="") as file:
            file.write(text)
    os.makedirs(os.path.join(kolla, "inventory/host_vars"))
    switches = yaml.safe_load(rendered(local, kayobe_globals))
    # From Xena on, an environment's comes after that of the base; before, it is in place of it.
    for path in paths if is_from(release, "xena") else paths[-1:]:
        more = os.path.join(path, "kolla/globals.yml")
        if os.path.exists(more):
            switches.update(yaml.safe_load(rendered(local, read(more))) or {})
    with open(os.path.join(kolla, "globals.yml"), "w") as file:
        yaml.safe_dump(switches, file)
    kayobe_inventory(variables, local, os.path.join(kolla, "inventory"))
    # Up to Zed the environment's group_vars are copied; then all layers are inventories of their own.
    layered, more = is_from(release, "2023.1"), []
    for at, path in enumerate(paths if layered else paths[-1:]):
        beside = os.path.join(path, "kolla/inventory")
        if layered and os.path.isdir(beside):
            more.append(os.path.join(kolla, "extra-inventories", str(at)))
            shutil.copytree(beside, more[-1])
            with open(os.path.join(more[-1], "kayobe_blank_hosts"), "w"):
                pass
        elif os.path.isdir(os.path.join(beside, "group_vars")):
            shutil.copytree(os.path.join(beside, "group_vars"), os.path.join(kolla, "inventory/group_vars"), dirs_exist_ok=True)
    return {"config": kolla, "inventories": [os.path.join(kolla, "inventory"), *more], "release": release}


def kayobe_config(release, paths, local):
    """Each file below kolla/config, rendered on the control host."""
    sources = {**{path: [text] for path, text in kayobe_texts.items()}, "neutron/ml2_conf.ini": [kayobe_ml2]}
    merging = local.template("{{ kolla_openstack_custom_config_environment_merging_enabled | bool }}")
    # From 2023.2 on, an environment's files come after those of the base; before, they are in place of them.
    for path in paths if is_from(release, "2023.2") and merging else paths[-1:]:
        below = os.path.join(path, "kolla/config")
        for directory, _, names in os.walk(below):
            for name in names:
                full = os.path.join(directory, name)
                sources.setdefault(os.path.relpath(full, below), []).append(read(full))
    made = {}
    for path, texts in sources.items():
        if is_from(release, "2025.2") and len(texts) > 1:
            # lookup('file') takes the blanks off the end, and nothing is put between the files.
            made[path] = rendered(local, "".join(text.rstrip() for text in texts))
        else:
            # Kayobe's own text goes in front; up to 2023.1 its template takes the operator's file in.
            made[path] = "".join(rendered(local, text) for text in texts[:-1]) + rendered(local, texts[-1])
    return made


def kayobe_inventory(variables, local, folder):
    groups = local.template("{{ kolla_overcloud_inventory_top_level_group_map }}")
    hosts = {}
    with open(os.path.join(folder, "hosts"), "w") as file:
        for group, mapped in groups.items():
            members = [host for name in mapped.get("groups", []) for host in variables.hosts_of(name)]
            hosts.update(dict.fromkeys(members))
            file.write("[%s]\n%s\n\n" % (group, "\n".join(members)))
    for host in hosts:
        templar = variables.templar(host)
        known = templar.available_variables
        names = templar.template("{{ kolla_overcloud_inventory_pass_through_host_vars }}")
        mapped = templar.template("{{ kolla_overcloud_inventory_pass_through_host_vars_map }}")
        values = {mapped.get(name, name): templar.template(known[name]) for name in names if name in known}
        with open(os.path.join(folder, "host_vars", host), "w") as file:
            file.write("---\n" + "".join("%s: %s\n" % (name, json.dumps(value)) for name, value in values.items()))


# Kolla-Ansible: the second pass, for each host and service.

nova_template = """# nova.conf
[DEFAULT]
debug = {{ openstack_logging_debug }}
{% if service_name == "nova-compute" %}
compute_driver = libvirt.LibvirtDriver
{% endif %}

{% if nova_pci_passthrough_whitelist %}
[pci]
passthrough_whitelist = {{ nova_pci_passthrough_whitelist | to_json }}
{% endif %}

[service_user]
send_service_user_token = true
"""

scheduler_template = """# nova.conf
[DEFAULT]
debug = {{ openstack_logging_debug }}

[filter_scheduler]
{% if enable_blazar | bool %}
available_filters = nova.scheduler.filters.all_filters
available_filters = blazarnova.scheduler.filters.blazar_filter.BlazarFilter
enabled_filters = ZONESComputeFilter,ComputeCapabilitiesFilter,ImagePropertiesFilter,ServerGroupAntiAffinityFilter,ServerGroupAffinityFilter,BlazarFilter
{% endif %}
{% if enable_nova_fake | bool %}
enabled_filters = ZONESComputeFilter,ComputeCapabilitiesFilter,ImagePropertiesFilter
{% endif %}
"""

sriov_template = """{% if enable_neutron_qos | bool %}
[agent]
extensions = qos
{% endif %}

[sriov_nic]
# This template should be modified for specific environments
physical_device_mappings = {{ neutron_sriov_physnets }}
exclude_devices =

[securitygroup]
firewall_driver = neutron.agent.firewall.NoopFirewallDriver
"""

ml2_template = """[ml2]
type_drivers = flat,vlan,vxlan
tenant_network_types = vxlan
mechanism_drivers = {{ neutron_mechanism_drivers | map(attribute='name') | join(',') }}
extension_drivers = port_security

[ml2_type_vlan]
network_vlan_ranges =

[ml2_type_flat]
flat_networks = physnet1

[ml2_type_vxlan]
vni_ranges = 1:1000
"""


def kolla_defaults(release):
    """ansible/group_vars/all, beside the playbook: they beat group_vars/all beside an inventory."""
    return {
        "openstack_logging_debug": False,
        "enable_neutron_sriov": False if is_from(release, "2026.1") else "no",
        "enable_neutron_qos": "no",
        "enable_blazar": "no",
        "enable_nova_fake": "no",
        "neutron_plugin_agent": "openvswitch",
        "tunnel_interface": "eth0",
        **({"neutron_sriov_physnet_mappings": {"sriovnet1": "{{ tunnel_interface }}"}} if is_from(release, "victoria") else {}),
        **({"openvswitch_hw_offload": "no"} if is_from(release, "yoga") else {}),
    }


def role_defaults(role, release):
    """Defaults of a role, which anything beats; another role does not see them."""
    victoria = is_from(release, "victoria")
    return {
        "nova": {},
        "nova-cell": {
            "nova_pci_passthrough_whitelist": "{{ enable_neutron_sriov | bool | ternary(neutron_sriov_physnet_mappings"
            " | dict2items(key_name='physical_network', value_name='devname'), []) }}" if victoria else [],
        },
        "neutron": {
            "neutron_sriov_physnets": "{{ neutron_sriov_physnet_mappings.items() | map('join', ':') | join(',') }}" if victoria else "sriovnet1:eth0",
            "mechanism_drivers": [
                {"name": "openvswitch", "enabled": "{{ neutron_plugin_agent == 'openvswitch' }}"},
                {"name": "l2population", "enabled": "{{ neutron_plugin_agent != 'ovn' }}"},
                {"name": "ovn", "enabled": "{{ neutron_plugin_agent == 'ovn' }}"},
                # Train and Ussuri run the agent, and neutron-server is without the driver.
                {"name": "sriovnicswitch", "enabled": "{{ enable_neutron_sriov | bool }}" if victoria else False},
            ],
            "neutron_mechanism_drivers": "{{ mechanism_drivers | selectattr('enabled', 'equalto', true) | list }}",
        },
    }[role]


def kolla(question, folder):
    release, config = question["release"], question["config"]
    os.makedirs(os.path.join(folder, "kolla-ansible/group_vars"))
    with open(os.path.join(folder, "kolla-ansible/group_vars/all.yml"), "w") as file:
        yaml.safe_dump(kolla_defaults(release), file)
    more = os.path.join(config, "globals.d")
    extra = [os.path.join(config, "globals.yml"), *(yaml_files(more) if os.path.isdir(more) else [])]
    inventories = question.get("inventories") or [question["inventory"]]
    variables = Variables(inventories, extra, os.path.join(folder, "kolla-ansible"))
    hosts, switches = {}, {}

    def merged(host, service, role, template, names):
        templar = variables.templar(host, role_defaults(role, release), service_name=service)
        # The newest takes the blanks before a block away too (overrides=..., which this ansible-core cannot do).
        templar.environment.lstrip_blocks = is_from(release, "2026.1")
        result = MergedConfig()
        texts = [template] + [read(path) for path in (os.path.join(config, "config", name) for name in names) if os.access(path, os.R_OK)]
        for text in texts:
            result.add(templar.template(text))
        hosts.setdefault(host, {})["%s/%s" % (service, os.path.basename(names[-1]) if names[-1].endswith(".ini") else "nova.conf")] = result.text()

    def nova(host, service, role):
        names = ["global.conf", "nova.conf", "nova/%s.conf" % service, "nova/%s/nova.conf" % host]
        if role == "nova-cell":
            merged(host, service, role, nova_template, names + (["nova/%s/%s.conf" % (host, service)] if is_from(release, "2023.2") else []))
        else:
            merged(host, service, role, scheduler_template.replace("ZONES", "" if is_from(release, "2023.1") else "AvailabilityZoneFilter,"), names)

    for host in variables.hosts_of("compute"):
        nova(host, "nova-compute", "nova-cell")
        enabled = variables.templar(host).template("{{ enable_neutron_sriov | bool }}")
        if enabled:
            merged(host, "neutron-sriov-agent", "neutron", sriov_template, ["neutron/sriov_agent.ini", "neutron/%s/sriov_agent.ini" % host])
        if is_from(release, "yoga"):
            switches[host] = {"openvswitch_hw_offload": variables.templar(host).template("{{ openvswitch_hw_offload | bool }}")}
    for host in variables.hosts_of("control"):
        nova(host, "nova-scheduler", "nova")
        merged(host, "neutron-server", "neutron", ml2_template, ["neutron/ml2_conf.ini", "neutron/%s/ml2_conf.ini" % host])
    return {"hosts": hosts, "switches": switches}


for line in sys.stdin:
    question = json.loads(line)
    with tempfile.TemporaryDirectory() as folder:
        try:
            answer = kolla(kayobe(question, folder) if question["kind"] == "kayobe" else question, folder)
        except Exception as error:  # Whatever it is, the run of ansible-playbook ends with it.
            answer = {"refused": "%s: %s" % (type(error).__name__, error)}
    print(json.dumps(answer), flush=False)
