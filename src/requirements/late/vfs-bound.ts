import { describeHolders } from "../../host/in-use.ts";
import { isUnknown, known } from "../../host/state/observed.ts";
import type { HostState, PhysicalFunction, VirtualFunction } from "../../host/state/state.ts";
import { netdevsOf } from "../netdevs.ts";
import type { Finding, NicView, Requirement } from "../requirement.ts";
import { aboutVf, nativeDriver } from "../virtual-functions.ts";

/** VFs have a driver: the host's own, with the netdev that it makes, or one for a guest. */
export const vfsBound: Requirement = {
  id: "vfs-bound",
  stage: "late",
  title: "every VF is bound to its driver, or to vfio-pci for a guest",
  why: "Nova's PCI tracker and Neutron's agent find VFs by their netdevs, which only a bound VF has.",
  observe: ["lspci -k -s VF", "readlink /sys/bus/pci/devices/VF/driver", "ls /sys/bus/pci/devices/VF/net"],
  byHand: [
    "echo VF > /sys/bus/pci/drivers/mlx5_core/bind (autoprobe on, and for vf-lag only when the LAG " +
      "is active)",
    'A VFIO driver of the NIC\'s own (mlx5_vfio_pci), for live migration: Nova needs "managed": "no" in ' +
      "the device_spec that matches the VF.",
  ],
  references: [
    "https://docs.kernel.org/PCI/pci-iov-howto.html",
    "https://www.stackhpc.com/vflag-kayobe.html",
    "https://docs.openstack.org/nova/latest/admin/pci-passthrough.html (managed)",
  ],
  follows: ["vf-count", "vf-links", "vfs-unbound", "eswitch-mode", "bond", "lag", "vf-autoprobe"],
  gate: false,
  afterGlance: ["vf-autoprobe"],
  check: (view) => {
    const { on } = netdevsOf(view);
    const has = (vf: VirtualFunction) => on.has(vf.address);
    // With an eSwitch Nova and Neutron go by representors: VFs of which none has a netdev may be meant so
    // (devlink's enable_eth).
    const due = view.nic.mode === "sriov" || view.pfs.some(({ vfs }) => vfs.some(has));
    return view.pfs.flatMap((pf) => pf.vfs.flatMap((vf) => bindingFinding(pf, vf, view, due)));
  },
};

function bindingFinding(pf: PhysicalFunction, vf: VirtualFunction, view: NicView, due: boolean): Finding[] {
  const driver = nativeDriver(pf);
  const held = (known(vf.holders)?.length ?? 0) > 0;
  if (vf.driver === driver) return held ? [] : netdevFinding(pf, vf, view, due);
  if (vf.driver === "vfio-pci" || held) return [];
  const about = aboutVf(pf, vf);
  if (vf.driver !== null && isVfioVariant(vf.driver)) return variantFinding(pf, vf, vf.driver, view.state);
  if (vf.driver !== null || (vf.driverOverride !== null && vf.driverOverride !== driver)) {
    const actual =
      vf.driver === null
        ? `unbound, reserved for ${vf.driverOverride} (driver_override)`
        : `bound to ${vf.driver}`;
    const text =
      "somebody gave it to another driver: if that was not meant, clear driver_override and unbind it";
    return [
      {
        ...about,
        expected: `bound to ${driver}`,
        actual,
        severity: "warning",
        remedy: { kind: "person", text },
      },
    ];
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
}

/**
 * Its driver has it, and made no netdev of it, or somebody took that away.
 * @param due whether VFs of this NIC have one
 */
function netdevFinding(pf: PhysicalFunction, vf: VirtualFunction, view: NicView, due: boolean): Finding[] {
  if (pf.netdev === null || netdevsOf(view).on.has(vf.address)) return [];
  const driver = nativeDriver(pf);
  const found = { ...aboutVf(pf, vf), expected: `bound to ${driver}, with a netdev` };
  const actual = `bound to ${driver}, and without a netdev`;
  const otherwise =
    `dmesg says why ${driver} makes no netdev of it; ` +
    "devlink dev param show (enable_eth false is one reason), and whether it is in another network " +
    "namespace: ip netns";
  if (!due) return [{ ...found, actual, severity: "warning", remedy: { kind: "person", text: otherwise } }];
  if (isUnknown(vf.holders)) {
    const text = `${otherwise}. Who has it was not seen: ${describeHolders(vf.holders)}`;
    return [{ ...found, actual, severity: "unknown", remedy: { kind: "person", text } }];
  }
  const again = { pf: pf.address, vf: vf.address, driver };
  const actions = [{ kind: "unbind-vf", ...again } as const, { kind: "bind-vf", ...again } as const];
  return [{ ...found, actual, severity: "error", remedy: { kind: "actions", actions, otherwise } }];
}

/**
 * VFIO drivers of one maker, which can migrate a VF: mlx5_vfio_pci, pds-vfio-pci, hisi_acc_vfio_pci...
 * Source: linux drivers/vfio/pci/.
 */
function isVfioVariant(driver: string): boolean {
  return /[_-]vfio[_-]pci$/.test(driver);
}

/** Nova takes a VF from such a driver only where its configuration says that it is not libvirt's to bind. */
function variantFinding(
  pf: PhysicalFunction,
  vf: VirtualFunction,
  driver: string,
  { openStack }: HostState,
): Finding[] {
  const nova = known(known(openStack)?.nova);
  // Source: nova/pci/devspec.py, the tag `managed`.
  if (nova?.rules.some((rule) => /["']managed["']\s*:\s*["']?(?:no|false|off|0)\b/i.test(rule)) === true)
    return [];
  const text =
    `for live migration declare "managed": "no" in the device_spec of nova.conf that matches the VF; ` +
    `else unbind it, and vflag apply binds it to ${nativeDriver(pf)}`;
  const novaExpects =
    nova == null ? "and Nova's configuration was not seen" : "which Nova's configuration does not expect";
  const actual = `bound to ${driver}, ${novaExpects}`;
  const expected = `bound to ${nativeDriver(pf)}, or "managed": "no" for Nova`;
  return [
    {
      ...aboutVf(pf, vf),
      expected,
      actual,
      severity: nova == null ? "warning" : "error",
      remedy: { kind: "person", text },
    },
  ];
}
