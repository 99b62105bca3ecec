import type { DevlinkPort } from "../../../netlink/index.ts";
import type { Representor } from "../../state/state.ts";
import { type PciAddress, slotOf } from "../../state/values.ts";
import { netdevOfPf } from "./links.ts";

/** What of a netdev is needed to tell whose representor it is. */
export interface SwitchPort {
  readonly name: string;
  readonly index: number;
  readonly device: string | null;
  readonly switchId: string | null;
  readonly portName: string | null;
}

/** A PF whose eSwitch may have representors. */
export interface SwitchOwner {
  readonly address: PciAddress;
  readonly vfs: readonly { readonly address: string }[];
}

/** A devlink port, as far as it tells a representor. */
export type PortOfVf = Pick<
  DevlinkPort,
  "flavour" | "ifindex" | "netdev" | "vf" | "controller" | "external"
> & {
  /** The PCI device that the port's devlink handle stands for. */
  readonly device: string | null;
};

/**
 * Which netdev stands for which VF: a pure function of devlink's ports and the netdevs.
 *
 * devlink knows best: a port of flavour `pcivf` on the PF's own handle. Where it does not tell (kernels
 * before 5.3), the netdev's own names do: `phys_switch_id`, which says the card (before 5.1, the PF), and
 * `phys_port_name`, `pf0vf3` (before 5.1 the bare number of the VF). A DPU's representors of VFs on the host
 * that it sits in (controller 1) are none of this host's VFs, and left out. Source: linux net/devlink/port.c,
 * devlink_port_phys_port_name_get(); docs.kernel.org/networking/representors.html.
 */
export function representorsOf(
  pfs: readonly SwitchOwner[],
  netdevs: readonly SwitchPort[],
  ports: readonly PortOfVf[],
): Representor[] {
  const found = new Map<string, Representor>();
  for (const representor of [...byPort(pfs, netdevs, ports), ...byName(pfs, netdevs)]) {
    const key = `${representor.pf} ${representor.vf}`;
    if (!found.has(key)) found.set(key, representor);
  }
  return [...found.values()].sort((a, b) => (a.pf === b.pf ? a.vf - b.vf : a.pf < b.pf ? -1 : 1));
}

function byPort(
  pfs: readonly SwitchOwner[],
  netdevs: readonly SwitchPort[],
  ports: readonly PortOfVf[],
): Representor[] {
  const byIndex = new Map(netdevs.map((candidate) => [candidate.index, candidate]));
  return ports.flatMap(({ flavour, controller, external, device, vf, ifindex, netdev }) => {
    if (flavour !== "pcivf" || (controller ?? 0) !== 0 || external === true || vf === null) return [];
    const pf = pfs.find((candidate) => candidate.address === device);
    const own =
      ifindex === null ? netdevs.find((candidate) => candidate.name === netdev) : byIndex.get(ifindex);
    return pf === undefined || own === undefined ? [] : [{ netdev: own.name, pf: pf.address, vf }];
  });
}

function byName(pfs: readonly SwitchOwner[], netdevs: readonly SwitchPort[]): Representor[] {
  const uplinks = pfs.flatMap((pf) => {
    const netdev = netdevOfPf(pf.address, netdevs);
    return netdev?.switchId == null ? [] : [{ pf, netdev }];
  });
  // Neither the uplinks nor the VFs' own netdevs are representors, whatever their names are.
  const others = new Set([...uplinks.map(({ netdev }) => netdev.index), ...ownNetdevs(pfs, netdevs)]);
  return netdevs.flatMap((netdev) => {
    if (netdev.switchId === null || netdev.portName === null || others.has(netdev.index)) return [];
    const sameSwitch = uplinks.filter((uplink) => uplink.netdev.switchId === netdev.switchId);
    const [, pfNumber, vf] = /^(?:(?:c0)?pf(\d+)vf)?(\d+)$/.exec(netdev.portName) ?? [];
    if (vf === undefined) return [];
    const pf =
      pfNumber === undefined ? only(sameSwitch) : pfOfNumber(sameSwitch, Number(pfNumber), netdev.device);
    return pf === undefined ? [] : [{ netdev: netdev.name, pf, vf: Number(vf) }];
  });
}

interface Uplink {
  readonly pf: SwitchOwner;
  readonly netdev: SwitchPort;
}

/**
 * The PF that `pf<number>` means among those of one switch. Both PFs of a card share the switch id; the
 * number is the PF's PCI function in mlx5, and its uplink is called `p<number>`. Since 5.8 the representor is
 * on its PF's PCI device.
 */
function pfOfNumber(
  uplinks: readonly Uplink[],
  number: number,
  device: string | null,
): PciAddress | undefined {
  const byDevice = uplinks.find(({ pf }) => pf.address === device);
  const byUplink = uplinks.find(({ netdev }) => netdev.portName === `p${number}`);
  const byFunction = uplinks.find(({ pf }) => pf.address.endsWith(`.${number}`));
  const slots = new Set(uplinks.map(({ pf }) => slotOf(pf.address)));
  const byOrder =
    slots.size === 1 ? uplinks.toSorted((a, b) => (a.pf.address < b.pf.address ? -1 : 1))[number] : undefined;
  return (byDevice ?? byUplink ?? byFunction ?? byOrder)?.pf.address;
}

/** The one PF of a switch; with more than one, a bare number could mean either. */
function only(uplinks: readonly Uplink[]): PciAddress | undefined {
  return uplinks.length === 1 ? uplinks[0]?.pf.address : undefined;
}

function ownNetdevs(pfs: readonly SwitchOwner[], netdevs: readonly SwitchPort[]): number[] {
  const vfs = new Set(pfs.flatMap((pf) => pf.vfs.map((vf) => vf.address)));
  return netdevs.flatMap((netdev) =>
    netdev.device !== null && vfs.has(netdev.device) ? [netdev.index] : [],
  );
}
