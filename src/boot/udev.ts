import { known } from "../host/state/observed.ts";
import type { HostState, PhysicalFunction } from "../host/state/state.ts";
import type { NicSpec } from "../spec/schema.ts";
import { declaredNames, netdevOf } from "../spec/selectors.ts";
import { type Artefact, type BootNic, madeByVflag } from "./artefact.ts";

/**
 * What udev does with the netdevs of the declared NICs. It stands before 80-net-setup-link.rules, which gives
 * a netdev a name only where no earlier rule has given one.
 *
 * A netdev is told by the PCI function right above it in its path, never by `KERNELS`, which any ancestor
 * satisfies: the netdev of a subfunction is below the port too. Since Linux 5.8 representors are beside the
 * port's own netdev ("net/mlx5e: Link non uplink representors to PCI device"), so `phys_port_name` must tell
 * them apart. A .link file could not: it has no match for it (systemd.link(5), [Match]).
 *
 * udev takes no `!=` for fulfilled when the attribute cannot be read, which is so for the port name of most
 * netdevs: hence the jumps. Source: udev(7); systemd src/udev/udev-rules.c, token_match_attr().
 */
export const udevRules: Artefact = {
  name: "70-vflag.rules",
  path: "/etc/udev/rules.d/70-vflag.rules",
  summary: "ports keep their names; VFs and representors are left alone; VFs of a NIC with persistence: udev",
  reload: "udev",
  needsPorts: true,
  text: ({ nics, state }) => {
    if (nics.length === 0) return null;
    const parts = [unmanagedRules(nics), nameRules(nics, state), countRules(nics)].filter(
      (part) => part.length > 0,
    );
    const blocks = [[madeByVflag, ...head], ...parts, ['LABEL="vflag_end"']];
    return `${blocks.map((lines) => lines.join("\n")).join("\n\n")}\n`;
  },
};

const head = [
  "# The netdevs of the NICs that /etc/vflag/vflag.yaml declares.",
  'SUBSYSTEM!="net", GOTO="vflag_end"',
  'ACTION=="remove", GOTO="vflag_end"',
];

/**
 * The name that switchdev drivers give the netdev that stands for a VF: linux
 * Documentation/networking/devlink/devlink-port.rst.
 */
const representorName = 'ATTR{phys_port_name}=="*pf[0-9]*vf[0-9]*"';

/**
 * NetworkManager leaves a device alone that has NM_UNMANAGED (NetworkManager(8)); systemd-networkd has
 * VFLAG_UNMANAGED in a .network file of vflag's. Ports and their bond stay with whoever manages them.
 */
function unmanagedRules(nics: readonly BootNic[]): string[] {
  const marks = 'ENV{NM_UNMANAGED}="1", ENV{VFLAG_UNMANAGED}="1"';
  const withRepresentors = nics.filter(({ nic }) => nic.mode !== "sriov");
  return [
    "# VFs are for guests, and representors for Open vSwitch: network managers shall leave them alone.",
    ...addressesOf(nics).map(
      (address) => `ATTR{device/physfn/uevent}=="*PCI_SLOT_NAME=${address}*", ${marks}`,
    ),
    ...addressesOf(withRepresentors).map(
      (address) => `${directlyUnder(address)}, ${representorName}, ${marks}`,
    ),
    // Before Linux 5.8 they are under no device.
    ...(withRepresentors.length === 0
      ? []
      : [`DEVPATH=="/devices/virtual/net/*", ${representorName}, ${marks}`]),
    "# What follows is for the ports themselves: port name p0, or none.",
    'ATTR{phys_port_name}=="?*", ATTR{phys_port_name}!="p[0-9]*", GOTO="vflag_end"',
  ];
}

/**
 * With a port name, which some drivers have only in switchdev mode, udev would call ens3f0 ens3f0np0:
 * systemd.net-naming-scheme(7).
 */
function nameRules(nics: readonly BootNic[], state: HostState): string[] {
  const names = nics.flatMap(({ nic, pfs }) => pfs.flatMap((pf) => ({ pf, name: keptName(nic, pf, state) })));
  const rules = names.flatMap(({ pf, name }) =>
    name === null ? [] : [`ACTION=="add", ${port(pf)}, NAME="${name}"`],
  );
  return rules.length === 0
    ? []
    : ["# Ports keep the names by which the spec and the bond know them.", ...rules];
}

/**
 * The declared name of a port, if the host's networking knows the port by it: it has that name, or vflag's
 * own rule gave it that before. Null for a port that the spec does not name, and for one that is called
 * otherwise: since Linux 5.4 mlx5's ports have a port name in legacy mode too, so `ens3f0np0` may well be the
 * name by which the host's networking knows it (systemd.net-naming-scheme(7), v240).
 */
export function keptName(nic: NicSpec, pf: PhysicalFunction, state: HostState): string | null {
  if (nic.mode === "sriov") return null;
  const netdev = netdevOf(pf, state);
  const name = declaredNames(nic, state).get(pf.address);
  // What udev would read as something else than the name: quotes, $, patterns.
  if (netdev === undefined || name === undefined || !/^[\w.+@-]+$/.test(name)) return null;
  if (netdev.name === name) return name;
  const renamed =
    netdev.portName !== null &&
    netdev.name === `${name}n${netdev.portName}` &&
    !netdev.altNames.includes(name);
  const rules = known(state.files)?.find(({ path }) => path === udevRules.path)?.text ?? "";
  return renamed && netdev.master === null && rules.includes(`NAME="${name}"`) ? name : null;
}

/**
 * VFs of plain SR-IOV when the port's netdev appears. A port that has VFs already, after a renewed event, is
 * left as it is: the kernel would refuse another number, and 0 would destroy VFs in use.
 */
function countRules(nics: readonly BootNic[]): string[] {
  const rules = nics
    .filter(({ nic }) => nic.persistence === "udev")
    .flatMap(({ nic, pfs }) => pfs.map((pf) => ({ pf, vfs: nic.vfs })))
    .map(
      ({ pf, vfs }) =>
        `ACTION=="add", ${port(pf)}, ATTR{device/sriov_numvfs}=="0", ` +
        `ATTR{device/sriov_drivers_autoprobe}="1", ATTR{device/sriov_numvfs}="${vfs}"`,
    );
  return rules.length === 0 ? [] : ["# VFs of plain SR-IOV, unless there are some.", ...rules];
}

/** A port's own netdev. The ids keep the rule from another card that comes to have this address. */
function port(pf: PhysicalFunction): string {
  const card = `ATTR{device/vendor}=="0x${pf.vendor}", ATTR{device/device}=="0x${pf.product}"`;
  return `${directlyUnder(pf.address)}, ATTR{type}=="1", ${card}`;
}

function directlyUnder(address: string): string {
  return `DEVPATH=="*/${address}/net/*"`;
}

function addressesOf(nics: readonly BootNic[]): string[] {
  return nics.flatMap(({ pfs }) => pfs.map((pf) => pf.address));
}
