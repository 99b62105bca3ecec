import { overlay, untagged, vlan, type Wiring } from "./wiring.ts";

/**
 * The three ways in which Debian makes networks, each with another mode of the bond that VF-LAG can have, as
 * an operator would write them: files and units, no more than needed. The management network stays with
 * ifupdown in all of them.
 */
export interface Network {
  readonly manager: "ifupdown" | "networkd" | "NetworkManager";
  /** What distinguishes it from another of the same manager. */
  readonly with?: string;
  readonly wiring: Wiring;
  /** What /proc/net/bonding says of the bond when it is as it should be. */
  readonly bond: readonly RegExp[];
  /** What the switch joins the other ends of the cables with: type and options for `ip link add`. */
  readonly peer: string;
  readonly files: Readonly<Record<string, string>>;
  /** A shell line after the files are written. */
  readonly enable: string;
  /** The services that make the bond and wait until it is there, in the order in which they start. */
  readonly services: readonly string[];
}

/** The card's two ports. */
export const ports: readonly string[] = ["enp1s0f0np0", "enp1s0f1np1"];

const ifupdown: Network = {
  manager: "ifupdown",
  wiring: untagged,
  bond: [/^Bonding Mode: fault-tolerance \(active-backup\)$/m],
  peer: "bridge",
  files: {
    "/etc/network/interfaces.d/bond0": `auto bond0
iface bond0 inet manual
  bond-mode active-backup
  bond-miimon 100
  bond-slaves ${ports.join(" ")}
`,
  },
  enable: "true",
  services: ["networking.service"],
};

const networkd: Network = {
  manager: "networkd",
  wiring: vlan,
  bond: [
    /^Bonding Mode: IEEE 802.3ad /m,
    /^\tNumber of ports: 2$/m,
    /^\tPartner Mac Address: (?!00:00:00:00:00:00)/m,
  ],
  peer: "bond mode 802.3ad miimon 100 lacp_rate fast",
  files: {
    "/etc/systemd/network/20-bond0.netdev": `[NetDev]
Name=bond0
Kind=bond
[Bond]
Mode=802.3ad
TransmitHashPolicy=layer3+4
LACPTransmitRate=fast
MIIMonitorSec=100ms
`,
    "/etc/systemd/network/20-bond0-ports.network": `[Match]
Name=${ports.join(" ")}
[Network]
Bond=bond0
`,
    "/etc/systemd/network/20-bond0.network": `[Match]
Name=bond0
[Network]
LinkLocalAddressing=no
`,
    // A bond without an address of its own comes no further than "carrier", which is not enough by default.
    "/etc/systemd/system/systemd-networkd-wait-online.service.d/bond0.conf": `[Service]
ExecStart=
ExecStart=/lib/systemd/systemd-networkd-wait-online --interface=bond0:carrier
`,
  },
  enable: "systemctl enable --no-reload -q systemd-networkd systemd-networkd-wait-online",
  services: ["systemd-networkd.service", "systemd-networkd-wait-online.service"],
};

const bondsNetwork = "/etc/systemd/network/20-bond0.network";

/** As networkd, and tunnels start from the bond's own address. */
const networkdOverlay: Network = {
  ...networkd,
  with: "overlay",
  wiring: overlay,
  files: { ...networkd.files, [bondsNetwork]: `${networkd.files[bondsNetwork]}Address=10.8.0.1/24\n` },
};

const networkManager: Network = {
  manager: "NetworkManager",
  wiring: untagged,
  bond: [/^Bonding Mode: load balancing \(xor\)$/m],
  peer: "bond mode balance-xor miimon 100",
  files: {
    // Left to itself it takes every VF and representor, asks for an address on each, and holds up the boot
    // for a minute.
    "/etc/NetworkManager/conf.d/vflag.conf": `[keyfile]
unmanaged-devices=*,${["bond0", ...ports].map((name) => `except:interface-name:${name}`).join(",")}
`,
    // An emulated host under load takes longer than the minute that is allowed by default.
    "/etc/systemd/system/NetworkManager-wait-online.service.d/timeout.conf":
      "[Service]\nEnvironment=NM_ONLINE_TIMEOUT=300\n",
    "/etc/NetworkManager/system-connections/bond0.nmconnection": `[connection]
id=bond0
type=bond
interface-name=bond0
[bond]
mode=balance-xor
miimon=100
xmit_hash_policy=layer3+4
[ipv4]
method=disabled
[ipv6]
method=disabled
`,
    ...Object.fromEntries(
      ports.map((port) => [
        `/etc/NetworkManager/system-connections/${port}.nmconnection`,
        `[connection]
id=${port}
type=ethernet
interface-name=${port}
master=bond0
slave-type=bond
`,
      ]),
    ),
  },
  // NetworkManager takes no profile that others can read.
  enable:
    "chmod 600 /etc/NetworkManager/system-connections/*; systemctl enable --no-reload -q NetworkManager NetworkManager-wait-online",
  services: ["NetworkManager.service", "NetworkManager-wait-online.service"],
};

export const networks: readonly Network[] = [networkd, networkdOverlay, networkManager, ifupdown];

/**
 * The switch that the cables lead to, as a unit of the guest: it takes peer0 and peer1 into a namespace of
 * its own, where no network manager sees them, and joins them. It is there before networking, as a switch is.
 */
export function switchUnit({ peer, wiring }: Network): string {
  const peers = ["peer0", "peer1"];
  const devices = peers.map((peer) => `sys-subsystem-net-devices-${peer}.device`).join(" ");
  const commands = [
    "netns add switch",
    `-n switch link add lan type ${peer}`,
    ...peers.flatMap((end) => [
      `link set ${end} netns switch`,
      `-n switch link set ${end} master lan`,
      `-n switch link set ${end} up`,
    ]),
    "-n switch link set lan up",
    ...wiring.atSwitch.map((command) => `-n switch ${command}`),
  ];
  return `[Unit]
DefaultDependencies=no
Wants=${devices} network-pre.target
After=${devices}
Before=network-pre.target
[Service]
Type=oneshot
RemainAfterExit=yes
${commands.map((command) => `ExecStart=/sbin/ip ${command}`).join("\n")}
[Install]
WantedBy=multi-user.target
`;
}
