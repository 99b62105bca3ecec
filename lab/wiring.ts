import { vfAddress } from "./cards.ts";

/**
 * How the guests' packets reach the network: what Neutron sets up in Open vSwitch, what the switch at the
 * other end of the cables has to match, and the flows that must come of it.
 */
export interface Wiring {
  /** Arguments for `ip -n switch`; the switch's ports are joined in `lan`. */
  readonly atSwitch: readonly string[];
  /** Arguments for one `ovs-vsctl`, each a command of it. */
  readonly bridge: readonly string[];
  /** A machine's own address, in the order of `machines`. */
  readonly addresses: readonly [string, string];
  /** From a machine (its number) to an address. */
  readonly pings: readonly (readonly [number, string])[];
  /** Every way that unicast packets of these pings take through the bridge. */
  readonly paths: readonly Path[];
  /** What the hypervisor itself must reach first: the other end of its tunnels. */
  readonly underlay?: string;
}

export interface Path {
  readonly from: string;
  /** All of a flow's actions. */
  readonly actions: RegExp;
}

export const bond = "bond0";

/** A namespace that stands for a virtual machine: its VF, and the representor that Nova plugs for it. */
export const machines = [
  { name: "vm0", vf: vfAddress(0, 0), representor: "enp1s0f0npf0vf0" },
  { name: "vm1", vf: vfAddress(1, 0), representor: "enp1s0f1npf1vf0" },
] as const;

const [one, other] = machines.map(({ representor }) => representor) as [string, string];

const exactly = (...actions: string[]): RegExp =>
  new RegExp(`^${actions.join(",").replaceAll(/[()]/g, "\\$&")}$`);
const to = (from: string, ...actions: string[]): Path => ({ from, actions: exactly(...actions) });

const addresses = ["10.9.0.1/24", "10.9.0.2/24"] as const;
const pings: Wiring["pings"] = [
  [0, "10.9.0.2"],
  [0, "10.9.0.100"],
  [1, "10.9.0.100"],
];

/** Guests and switch in one network without tags. */
export const untagged: Wiring = {
  atSwitch: ["addr add 10.9.0.100/24 dev lan"],
  bridge: ["add-br br0", `add-port br0 ${bond}`, `add-port br0 ${one}`, `add-port br0 ${other}`],
  addresses,
  pings,
  paths: [bond, one, other].flatMap((from, _, ends) =>
    ends.filter((end) => end !== from).map((end) => to(from, end)),
  ),
};

/** The guests' network is a VLAN of the bond's. */
export const vlan: Wiring = {
  atSwitch: [
    "link add link lan name lan.100 type vlan id 100",
    "link set lan.100 up",
    "addr add 10.9.0.100/24 dev lan.100",
  ],
  bridge: [
    "add-br br0",
    `add-port br0 ${bond}`,
    `add-port br0 ${one} tag=100`,
    `add-port br0 ${other} tag=100`,
  ],
  addresses,
  pings,
  paths: [
    to(one, other),
    to(other, one),
    ...[one, other].flatMap((end) => [to(end, "push_vlan(vid=100,pcp=0)", bond), to(bond, "pop_vlan", end)]),
  ],
};

/**
 * The hypervisor's own address, from which tunnels start, is the bond's; one guest's network is a VXLAN and
 * the other's a Geneve.
 */
export const overlay = {
  atSwitch: [
    "addr add 10.8.0.100/24 dev lan",
    "link add vxlan42 type vxlan id 42 local 10.8.0.100 remote 10.8.0.1 dstport 4789",
    "link add geneve43 type geneve id 43 remote 10.8.0.1 dstport 6081",
    "link set vxlan42 up",
    "link set geneve43 up",
    "addr add 10.9.0.100/24 dev vxlan42",
    "addr add 10.10.0.100/24 dev geneve43",
  ],
  bridge: [
    "add-br br-int",
    ...tunnel("vxlan", 42, 10),
    ...tunnel("geneve", 43, 20),
    `add-port br-int ${one} tag=10`,
    `add-port br-int ${other} tag=20`,
  ],
  addresses: ["10.9.0.1/24", "10.10.0.2/24"],
  pings: [
    [0, "10.9.0.100"],
    [1, "10.10.0.100"],
  ],
  paths: [
    { from: one, actions: /^set\(tunnel\(tun_id=0x2a,.*dst=10\.8\.0\.100.*\)\),vxlan_sys_4789$/ },
    to("vxlan_sys_4789", one),
    { from: other, actions: /^set\(tunnel\(tun_id=0x2b,.*dst=10\.8\.0\.100.*\)\),genev_sys_6081$/ },
    to("genev_sys_6081", other),
  ],
  underlay: "10.8.0.100",
} as const satisfies Wiring;

function tunnel(type: "vxlan" | "geneve", key: number, tag: number): string[] {
  const name = `${type}${key}`;
  const options = `type=${type} options:remote_ip=10.8.0.100 options:local_ip=10.8.0.1 options:key=${key}`;
  return [`add-port br-int ${name} tag=${tag}`, `set interface ${name} ${options}`];
}
