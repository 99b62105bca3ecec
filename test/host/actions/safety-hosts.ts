import assert from "node:assert/strict";
import { after } from "node:test";
import type { Host } from "../../../src/host/host.ts";
import { LinuxHost } from "../../../src/host/linux/host.ts";
import { SimulatedHost } from "../../../src/host/simulated/host.ts";
import { known } from "../../../src/host/state/observed.ts";
import type { VirtualFunction } from "../../../src/host/state/state.ts";
import { pciAddress } from "../../../src/host/state/values.ts";
import { afterEarly, spec } from "../../support/hosts.ts";
import {
  bond,
  type FakeNetlink,
  fakeKernel,
  fakeNetlink,
  link,
  pciLink,
  slaveOf,
} from "../linux/fake-kernel.ts";
import { addTree, connectX5Pf, connectX5Vf, makeTree, type Tree } from "../linux/tree.ts";

/** One host, told once, as the simulated one and as the real one on a made-up kernel. */

export const pf = pciAddress("0000:37:00.0");
export const vf = pciAddress("0000:37:00.2");
const otherPf = pciAddress("0000:37:00.1");
export const stalePort = "ens3f0npf0vf99";

/** A ConnectX with two ports in switchdev mode, `ens3f0` and `ens3f1`, of which the first has two VFs. */
export interface Situation {
  readonly mode: "legacy" | "switchdev";
  readonly vfs: readonly [VfIs, VfIs];
  readonly bonded: readonly ("ens3f0" | "ens3f1")[];
  readonly portIsGone: boolean;
  /** The first port has an address and a VLAN of the host. */
  readonly carries: boolean;
  /** What the kernel log has of the first port. */
  readonly log: string | null;
  /** The stale port of br-int. */
  readonly stale: { readonly netdev: boolean; readonly owner: string | null };
}

/** What came of a VF. */
export type VfIs =
  | "unbound"
  | "free"
  | "a guest's"
  | "a container's"
  | "a bridge's"
  | "a VLAN's"
  | "the host's"
  | "given away";

export const free: Situation = {
  mode: "switchdev",
  vfs: ["free", "free"],
  bonded: [],
  portIsGone: false,
  carries: false,
  log: null,
  stale: { netdev: false, owner: null },
};

export const driverOf = {
  unbound: null,
  free: "mlx5_core",
  "a guest's": "vfio-pci",
  "a container's": "mlx5_core",
  "a bridge's": "mlx5_core",
  "a VLAN's": "mlx5_core",
  "the host's": "mlx5_core",
  "given away": "pci-stub",
} as const satisfies Readonly<Record<VfIs, string | null>>;

const holdersOf = (index: number): Readonly<Record<VfIs, VirtualFunction["holders"]>> => ({
  unbound: [],
  free: [],
  "a guest's": [{ kind: "process", pid: 4711 + index, command: "qemu-kvm" }],
  "a container's": [{ kind: "namespace", name: "of unknown name" }],
  "a bridge's": [{ kind: "master", name: "br0" }],
  "a VLAN's": [{ kind: "netdev", name: `vlan${index}`, type: "vlan" }],
  "the host's": [{ kind: "address", address: `192.0.2.${index}/24` }],
  "given away": { unknown: "pci-stub has given it away, and nobody can see to whom" },
});

const twoVfs = spec("{version: 1, nics: [{name: data, mode: switchdev, ports: [ens3f0, ens3f1], vfs: 2}]}");

const settled = afterEarly(twoVfs);

export async function simulated(situation: Situation): Promise<Host> {
  const world = structuredClone(await settled);
  const { state } = world;
  const [port] = state.pfs;
  assert.ok(port !== undefined);
  for (const [index, found] of port.vfs.entries()) {
    const is = situation.vfs[index] ?? "unbound";
    Object.assign(found, { driver: driverOf[is], holders: holdersOf(index)[is] });
  }
  if (situation.carries) {
    port.users = [
      { kind: "netdev", name: "storage", type: "vlan" },
      { kind: "address", address: "198.51.100.7/24" },
    ];
  }
  Object.assign(port.eswitch ?? {}, { mode: situation.mode, steering: "dmfs" });
  for (const netdev of state.netdevs)
    if (situation.bonded.some((name) => name === netdev.name)) netdev.master = "bond0";
  state.bonds = [{ name: "bond0", mode: "802.3ad", xmitHashPolicy: null, up: true, slaves: [], lacp: null }];
  if (situation.log !== null)
    known(state.kernelLog)?.lines.push({ seconds: 1, level: 3, device: pf, text: situation.log });
  const stale = {
    name: stalePort,
    port: stalePort,
    type: "",
    ofport: -1,
    error: "gone",
    ifaceId: situation.stale.owner,
  };
  known(state.ovs)?.bridges[0]?.interfaces.push(stale);
  const [some] = state.netdevs;
  if (situation.stale.netdev && some !== undefined)
    state.netdevs.push({ ...some, name: stalePort, index: 99, master: null });
  if (situation.portIsGone) {
    state.pfs = state.pfs.filter(({ address }) => address !== pf);
    state.netdevs = state.netdevs.filter(({ name }) => name !== "ens3f0");
  }
  return new SimulatedHost(world);
}

/** Each situation's tree is made once: no test looks at what another one's actions write there. */
const trees = new Map<Situation, string>();
const cleanings: (() => void)[] = [];
after(() => {
  for (const clean of cleanings) clean();
});

export async function real(situation: Situation): Promise<Host> {
  const root = trees.get(situation) ?? treeOf(situation);
  trees.set(situation, root);
  const run = async (argv: readonly string[]) => ({
    stdout: argv.includes("list") ? ovsTables(situation) : "",
    stderr: "",
    code: 0,
  });
  return LinuxHost.open({
    ...fakeKernel(root, netlinkOf(situation)),
    devRoot: `${root}/dev`,
    run,
    looks: "nics",
  });
}

function treeOf(situation: Situation): string {
  const addresses = [vf, pciAddress("0000:37:00.3")];
  const functions = Object.fromEntries(
    addresses.map((address, index) => [address, vfTree(index, situation.vfs[index] ?? "unbound")]),
  );
  const net = { ens3f0: {}, eth0: {}, eth1: {} };
  const first: Tree = situation.portIsGone ? {} : { [pf]: connectX5Pf(addresses, { net }), ...functions };
  const drivers = { bind: "", unbind: "" };
  const root = makeTree(
    { after: (clean) => cleanings.push(clean) },
    {
      sys: {
        "bus/pci/devices": { ...first, [otherPf]: connectX5Pf() },
        "bus/pci/drivers": { mlx5_core: drivers, "vfio-pci": drivers, "pci-stub": drivers },
        "class/net": Object.fromEntries(situation.bonded.map((name) => [name, { bonding_slave: {} }])),
      },
      "dev/kmsg": situation.log === null ? "" : `3,1,1000000,-;${situation.log}\n`,
    },
  );
  for (const [index, is] of situation.vfs.entries()) {
    const open = { comm: "qemu-kvm\n", "fd/9": `-> ${root}/dev/vfio/${100 + index}` };
    if (is === "a guest's") addTree(root, { [`proc/${4711 + index}`]: open });
  }
  return root;
}

function vfTree(index: number, is: VfIs): Tree {
  const driver = driverOf[is];
  const bound: Tree = driver === null ? {} : { driver: `-> ../../drivers/${driver}` };
  // The netdev is in another namespace: sysfs shows its folder, and not the netdev.
  return connectX5Vf(pf, 100 + index, is === "a container's" ? { ...bound, net: {} } : bound);
}

function netlinkOf({ mode, bonded, portIsGone, carries, vfs, stale }: Situation): FakeNetlink {
  const slave = (name: string) => (bonded.some((bonded) => bonded === name) ? slaveOf(7) : {});
  const eswitch = { mode, inline: "none", encap: "basic" } as const;
  const eswitches = { ...(portIsGone ? {} : { [`pci/${pf}`]: eswitch }), [`pci/${otherPf}`]: eswitch };
  return fakeNetlink({
    eswitches,
    steering: Object.fromEntries(Object.keys(eswitches).map((handle) => [handle, "dmfs"])),
    addresses: [
      // IPv6 gives one of these to whatever is up.
      { link: 4, text: "fe80:0:0:0:268a:7ff:fe00:1/64", isLocal: true },
      ...(carries ? [{ link: 4, text: "198.51.100.7/24", isLocal: false }] : []),
      ...vfs.flatMap((is, index) =>
        is === "the host's" ? [{ link: 20 + index, text: `192.0.2.${index}/24`, isLocal: false }] : [],
      ),
    ],
    links: [
      ...(portIsGone ? [] : [pciLink(4, "ens3f0", pf, slave("ens3f0"))]),
      pciLink(5, "ens3f1", otherPf, slave("ens3f1")),
      link(7, "bond0", { kind: "bond", bond: bond("802.3ad") }),
      link(8, "br0", { kind: "bridge" }),
      ...vfs.flatMap((is, index) =>
        withNetdev.includes(is)
          ? [
              pciLink(20 + index, `ens3f0v${index}`, `0000:37:00.${2 + index}`, {
                master: is === "a bridge's" ? 8 : null,
              }),
            ]
          : [],
      ),
      ...vfs.flatMap((is, index) =>
        is === "a VLAN's" ? [link(30 + index, `vlan${index}`, { kind: "vlan", link: 20 + index })] : [],
      ),
      ...(carries ? [link(40, "storage", { kind: "vlan", link: 4 })] : []),
      ...(stale.netdev ? [link(99, stalePort)] : []),
    ],
  });
}

const withNetdev: readonly VfIs[] = ["a bridge's", "a VLAN's", "the host's"];

function ovsTables({ stale: { owner } }: Situation): string {
  const ids = owner === null ? [] : [["iface-id", owner]];
  const tables = [
    {
      headings: ["name", "interfaces"],
      data: [
        ["bond0", ["uuid", "i0"]],
        [stalePort, ["uuid", "i1"]],
      ],
    },
    {
      headings: ["_uuid", "external_ids"],
      data: [
        [
          ["uuid", "i0"],
          ["map", [["iface-id", "another"]]],
        ],
        [
          ["uuid", "i1"],
          ["map", ids],
        ],
      ],
    },
  ];
  return tables.map((table) => `${JSON.stringify(table)}\n`).join("");
}
