/**
 * What Kolla-Ansible has beside its playbook and in its roles, of which every deployment has a network that is made up. Source:
 * kolla-ansible, ansible/group_vars/all.yml, ansible/roles/nova-cell/defaults/main.yml and ansible/roles/neutron/defaults/main.yml.
 */
export const kollaDefaults = {
  tunnel_interface: "eth0",
  neutron_sriov_physnet_mappings: { sriovnet1: "{{ tunnel_interface }}" },
  nova_pci_passthrough_whitelist:
    "{{ neutron_sriov_physnet_mappings | dict2items(key_name='physical_network', value_name='devname') }}",
  neutron_sriov_physnets: "{{ neutron_sriov_physnet_mappings.items() | map('join', ':') | join(',') }}",
};
