import * as z from "zod";

/** So many files are told of, and so many lines of each. */
export const mostMakers = 64;
export const mostLines = 16;

/**
 * Something else on a host that makes VFs, or sets an eSwitch's mode, at each boot. `udev`: a rule; `link`: a
 * file of systemd-udevd's; `network-manager`: a profile; `netplan`: its YAML; `unit`: a service; `settings`:
 * a line that some program carries out at boot; `script`: what runs at boot.
 */
export const VfMaker = z
  .strictObject({
    kind: z.enum(["udev", "link", "network-manager", "netplan", "unit", "settings", "script"]),
    path: z.string(),
    lines: z
      .array(z.strictObject({ line: z.int(), text: z.string(), port: z.string().nullable() }))
      .max(mostLines),
  })
  .meta({
    id: "VfMaker",
    description:
      "a file of somebody else's that makes VFs at boot; lines: those that say so; port: what names the " +
      "port, where another line does",
  });
export type VfMaker = z.infer<typeof VfMaker>;

/**
 * Units by whose name somebody makes VFs: those of the article that vflag follows, of os-net-config
 * (sriov_config, sriov_bind), sriov-network-operator (sriov-config, sriov-config-post-network), netplan
 * (netplan-sriov-apply, netplan-sriov-rebind), and of roles and scripts that call theirs likewise. Neutron's
 * SR-IOV agent makes none: neutron-sriov-nic-agent, tripleo_neutron_sriov_agent, and
 * kolla-neutron_sriov_agent-container (kolla-ansible, kolla_systemd_worker.py).
 */
export function isVfMakersUnit(name: string): boolean {
  return unitName.test(name) && !user.test(name) && !name.startsWith("vflag-") && !name.includes("@.");
}

const unitName = /^[\w.@-]*(?:sr-?iov|vf-?lag|virtual-?function|switchdev)[\w.@-]*\.service$/i;

/** Who uses VFs, gives them away or counts them. */
const user = /agent|plugin|exporter|metrics|monitor|cni/i;
