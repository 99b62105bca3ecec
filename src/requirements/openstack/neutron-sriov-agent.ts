import { isUnknown } from "../../host/state/observed.ts";
import type { HostFinding, HostRequirement } from "../requirement.ts";
import { aboutPf } from "../virtual-functions.ts";

/** Neutron's SR-IOV agent knows the ports of the NICs in mode sriov, and no others that are not there. */
export const neutronSriovAgent: HostRequirement = {
  id: "neutron-sriov-agent",
  stage: "ovs",
  title: "Neutron's SR-IOV agent on this host maps the NIC's ports to their physical network",
  why:
    "The agent sets up only VFs of the ports that physical_device_mappings names; an instance on " +
    "another one gets no network.",
  observe: [
    "grep -r physical_device_mappings /etc/kolla/neutron-sriov-agent " +
      "/etc/neutron/plugins/ml2/sriov_agent.ini",
  ],
  byHand: ["[sriov_nic] physical_device_mappings = PHYSNET:PORT,PHYSNET:PORT, then restart the agent"],
  references: ["https://docs.openstack.org/neutron/latest/admin/config-sriov.html"],
  follows: ["ports", "pf-name"],
  gate: false,
  check: ({ state, nics }) => {
    const agent = isUnknown(state.openStack) ? null : state.openStack.sriovAgent;
    // Without the agent's configuration this is no such host; and in switchdev mode ports are Open vSwitch's.
    if (agent === null || isUnknown(agent)) return [];
    return nics
      .filter(({ nic }) => nic.mode === "sriov" && nic.physnet != null)
      .flatMap(({ nic, pfs }) =>
        pfs.flatMap((pf): HostFinding[] => {
          if (pf.netdev === null) return [];
          const mapped = agent.mappings
            .filter(({ device }) => device === pf.netdev)
            .map(({ physnet }) => physnet);
          if (mapped.includes(nic.physnet ?? "")) return [];
          const actual =
            mapped.length === 0 ? `not in ${agent.file}` : `${mapped.join(", ")} in ${agent.file}`;
          const text =
            `add ${nic.physnet}:${pf.netdev} to physical_device_mappings in Neutron's ` +
            `configuration, then restart its SR-IOV agent`;
          return [
            {
              ...aboutPf(pf),
              expected: nic.physnet ?? "",
              actual,
              severity: "warning",
              remedy: { kind: "person", text },
              nics: [nic.name],
            },
          ];
        }),
      );
  },
};
