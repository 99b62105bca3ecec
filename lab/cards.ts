/**
 * The guest's cards, of two ports each: how QEMU is told of them, and where the guest finds their functions.
 */

/** Who owns the NICs' ports: Debian's igb (mode sriov only), or Debian's mlx5_core. */
export type Nic = "igb" | "connectx";

/** What a connectx says that it is: a ConnectX-5, 6 Dx or 7. */
export const models = ["cx5", "cx6dx", "cx7"] as const;
export type Model = (typeof models)[number];

export interface Cards {
  readonly nic: Nic;
  readonly model: Model;
  /** Behind root ports of their own: buses 1 and 2. */
  readonly cards: 1 | 2;
  /** What a connectx's firmware is set to offer on each port, as it comes from the factory. */
  readonly vfs: number;
}

/** A port of a card; ports 2 and 3 are the second card's. */
export type Port = 0 | 1 | 2 | 3;

const cardOf = (port: Port): 0 | 1 => (port < 2 ? 0 : 1);

/** The MAC addresses that the guest's udev rules and the tests rely on. */
const portMac = (port: Port): string => `02:00:00:00:1${port}:00`;
/** The name of the device at the other end of a port's cable, for the guest's peer0 and so on. */
export const farEndOf = (port: Port): string => `far${port}`;

const peerMac = (port: Port): string => `02:00:00:00:2${port}:00`;

/** QEMU's name of a port's function: its cable is pulled, and faults are set, by this name. */
export const deviceOf = (port: Port): string => `nic${cardOf(port)}p${port % 2}`;

/** The file with a card's firmware settings, in the guest's folder. */
export const settingsFile = (card: 0 | 1): string => `nic${card}.settings`;

/**
 * The PCI address of a connectx's VF. @param port of the first card @param vfs how many each port offers: the
 * second port's VFs follow the first one's
 */
export function vfAddress(port: 0 | 1, vf: number, vfs = 8): string {
  const number = 2 + port * vfs + vf;
  return `0000:01:${Math.trunc(number / 8)
    .toString(16)
    .padStart(2, "0")}.${number % 8}`;
}

export function cardArguments(machine: Cards): string[] {
  return machine.cards === 2 ? [...card(machine, 0), ...card(machine, 1)] : card(machine, 0);
}

/**
 * Two functions in one slot (which takes ARI on function 0). Each port's cable leads to a virtio device of
 * the same guest.
 */
function card(machine: Cards, number: 0 | 1): string[] {
  const ports: readonly Port[] = number === 0 ? [0, 1] : [2, 3];
  const slot = number + 1;
  // A port's VFs have 1 MiB each, in one window for all of them.
  const room = machine.nic === "connectx" ? `,pref64-reserve=${reserve(2 * machine.vfs)}M` : "";
  return [
    ...["-device", `pcie-root-port,id=slot${slot},chassis=${slot},slot=${slot}${room}`],
    ...ports.flatMap((port) => device(machine, port)),
    ...ports.flatMap((port) => peer(machine.nic, port)),
  ];
}

/** MiB for so many VFs and the ports themselves: a power of two, as a bridge's window is aligned. */
function reserve(vfs: number): number {
  return 2 ** Math.ceil(Math.log2(vfs + 128));
}

function device({ nic, model, vfs }: Cards, port: Port): string[] {
  const first = port % 2 === 0;
  const settings = `,model=${model},settings=${settingsFile(cardOf(port))},num-of-vfs=${vfs}`;
  const properties = [
    `${nic},id=${deviceOf(port)},bus=slot${cardOf(port) + 1},addr=0.${port % 2}`,
    ...(first ? ["multifunction=on,x-pcie-ari-nextfn-1=on"] : []),
    `netdev=port${port},mac=${portMac(port)}`,
  ];
  const own = nic === "connectx" && first ? settings : "";
  return ["-netdev", `hubport,id=port${port},hubid=1${port}`, "-device", `${properties.join(",")}${own}`];
}

/** LACP asks for speed and duplex, which a virtio device has only where it is given them. */
function peer(nic: Nic, port: Port): string[] {
  const speed = nic === "igb" ? 1000 : 25_000;
  return [
    ...["-netdev", `hubport,id=peer${port},hubid=1${port}`],
    ...[
      "-device",
      `virtio-net-pci,id=${farEndOf(port)},netdev=peer${port},mac=${peerMac(port)},speed=${speed},duplex=full,romfile=`,
    ],
  ];
}
