import { known } from "../host/observed.ts";
import type { Finding, Requirement } from "./requirement.ts";
import { aboutVf, nativeDriver } from "./virtual-functions.ts";

/** VFs have a driver: the host's own, or vfio-pci for a guest. */
export const vfsBound: Requirement = {
  id: "vfs-bound",
  stage: "late",
  title: "every VF is bound to its driver, or to vfio-pci for a guest",
  why: "Nova's PCI tracker and Neutron's agent find VFs by their netdevs, which only a bound VF has.",
  observe: ["lspci -k -s VF", "readlink /sys/bus/pci/devices/VF/driver"],
  byHand: ["echo VF > /sys/bus/pci/drivers/mlx5_core/bind (autoprobe on, and for vf-lag only when the LAG is active)"],
  references: ["https://docs.kernel.org/PCI/pci-iov-howto.html", "https://www.stackhpc.com/vflag-kayobe.html"],
  follows: ["vf-count", "vf-links", "vfs-unbound", "eswitch-mode", "bond", "lag", "vf-autoprobe"],
  gate: false,
  check: ({ pfs }) => {
    return pfs.flatMap((pf) => {
      const driver = nativeDriver(pf);
      return pf.vfs.flatMap((vf): Finding[] => {
        const taken = vf.driver === "vfio-pci" || (known(vf.holders)?.length ?? 0) > 0;
        if (vf.driver === driver || taken) return [];
        const about = aboutVf(pf, vf);
        if (vf.driver !== null || (vf.driverOverride !== null && vf.driverOverride !== driver)) {
          const actual = vf.driver === null ? `unbound, reserved for ${vf.driverOverride} (driver_override)` : `bound to ${vf.driver}`;
          const text = "somebody gave it to another driver: if that was not meant, clear driver_override and unbind it";
          return [{ ...about, expected: `bound to ${driver}`, actual, severity: "warning", remedy: { kind: "person", text } }];
        }
        return [
          {
            ...about,
            expected: `bound to ${driver}`,
            actual: "unbound",
            severity: "error",
            remedy: { kind: "actions", actions: [{ kind: "bind-vf", pf: pf.address, vf: vf.address, driver }] },
          },
        ];
      });
    });
  },
};
