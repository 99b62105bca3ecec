import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type PortOfVf,
  representorsOf,
  type SwitchPort,
} from "../../../../src/host/linux/links/representors.ts";
import { pciAddress } from "../../../../src/host/state/values.ts";

/**
 * Every sort of line in facts/samples/devlink-port-show-mlx5.txt (captures of `devlink port show`), and what
 * the kernels before devlink's ports show.
 */

const pf0 = pciAddress("0000:06:00.0");
const pf1 = pciAddress("0000:06:00.1");
const vf0 = "0000:06:00.3";
const card = [
  { address: pf0, vfs: [{ address: vf0 }] },
  { address: pf1, vfs: [] },
];

let index = 0;
function netdev(
  name: string,
  device: string | null,
  portName: string | null,
  switchId: string | null = "9c0391",
): SwitchPort {
  return { name, index: ++index, device, switchId, portName };
}

function port(device: string | null, flavour: PortOfVf["flavour"], more: Partial<PortOfVf> = {}): PortOfVf {
  return {
    device,
    flavour,
    ifindex: null,
    netdev: null,
    vf: null,
    controller: null,
    external: null,
    ...more,
  };
}

function lines(...given: Parameters<typeof representorsOf>): string[] {
  return representorsOf(...given).map(({ netdev, pf, vf }) => `${netdev} = VF ${vf} of ${pf}`);
}

test("pci/0000:06:00.0/1: netdev pf0vf0 flavour pcivf controller 0 pfnum 0 vfnum 0 external false", () => {
  const own = port(pf0, "pcivf", { netdev: "pf0vf0", controller: 0, vf: 0, external: false });
  assert.deepEqual(lines(card, [netdev("pf0vf0", pf0, "pf0vf0")], [own]), ["pf0vf0 = VF 0 of 0000:06:00.0"]);
});

test("pci/0000:05:00.0/1: netdev eth1 flavour pcivf pfnum 0 vfnum 0 (older: no controller, no external)", () => {
  const own = port(pf0, "pcivf", { netdev: "eth1", vf: 0 });
  assert.deepEqual(lines(card, [netdev("eth1", null, "pf0vf0")], [own]), ["eth1 = VF 0 of 0000:06:00.0"]);
});

test("the netdev of a port is known by its index, also when udev has just renamed it", () => {
  const own = netdev("enp6s0f0npf0vf0", pf0, "pf0vf0", null);
  assert.deepEqual(lines(card, [own], [port(pf0, "pcivf", { ifindex: own.index, netdev: "eth0", vf: 0 })]), [
    "enp6s0f0npf0vf0 = VF 0 of 0000:06:00.0",
  ]);
});

test("VF 0 of the second PF is told from VF 0 of the first by the port's handle, not by its index", () => {
  const [first, second] = [netdev("eth1", pf0, "pf0vf0"), netdev("eth2", pf1, "pf1vf0")];
  const ports = [
    port(pf1, "pcivf", { ifindex: second.index, vf: 0 }),
    port(pf0, "pcivf", { ifindex: first.index, vf: 0 }),
  ];
  assert.deepEqual(lines(card, [first, second], ports), [
    "eth1 = VF 0 of 0000:06:00.0",
    "eth2 = VF 0 of 0000:06:00.1",
  ]);
});

const notRepresentors: readonly [string, PortOfVf][] = [
  ["an uplink: pci/0000:06:00.0/65535 flavour physical port 0", port(pf0, "physical", { netdev: "x" })],
  [
    "an uplink: auxiliary/mlx5_core.eth.0/65535 flavour physical port 0",
    port(pf0, "physical", { netdev: "x" }),
  ],
  ["a VF's own port: pci/0000:06:00.3/196608 flavour virtual", port(vf0, "virtual", { netdev: "x" })],
  [
    "a scalable function's: flavour pcisf controller 0 pfnum 0 sfnum 88",
    port(pf0, "pcisf", { netdev: "x", controller: 0 }),
  ],
  [
    "a DPU's host VF's: flavour pcivf controller 1 pfnum 0 vfnum 0",
    port(pf0, "pcivf", { netdev: "x", controller: 1, vf: 0 }),
  ],
  [
    "an external one: flavour pcivf controller 0 external true",
    port(pf0, "pcivf", { netdev: "x", controller: 0, external: true, vf: 0 }),
  ],
  ["one of a device that is no PF here", port("0000:99:00.0", "pcivf", { netdev: "x", vf: 0 })],
  ["one whose netdev is in another namespace", port(pf0, "pcivf", { vf: 0 })],
];

for (const [what, strange] of notRepresentors) {
  test(`no representor is made of ${what}`, () => {
    assert.deepEqual(lines(card, [netdev("x", pf0, null)], [strange]), []);
  });
}

test("without devlink ports the names on the switch tell the VF, and the PCI device the PF", () => {
  const netdevs = [
    netdev("ens2f0np0", pf0, "p0"),
    netdev("ens2f1np1", pf1, "p1"),
    netdev("eth0", pf0, "pf0vf0"),
    netdev("eth1", pf1, "pf1vf0"),
    netdev("eth2", pf1, "c0pf1vf12"),
  ];
  assert.deepEqual(lines(card, netdevs, []), [
    "eth0 = VF 0 of 0000:06:00.0",
    "eth1 = VF 0 of 0000:06:00.1",
    "eth2 = VF 12 of 0000:06:00.1",
  ]);
});

test("before kernel 5.8 representors have no PCI device, and the number of their PF tells it among those of the switch", () => {
  const netdevs = [
    netdev("ens2f0", pf0, "p0"),
    netdev("ens2f1", pf1, "p1"),
    netdev("eth0", null, "pf0vf0"),
    netdev("eth1", null, "pf1vf0"),
  ];
  assert.deepEqual(lines(card, netdevs, []), ["eth0 = VF 0 of 0000:06:00.0", "eth1 = VF 0 of 0000:06:00.1"]);
});

test("an uplink without a port name is known by its PCI function", () => {
  const netdevs = [netdev("ens2f0", pf0, null), netdev("ens2f1", pf1, null), netdev("eth1", null, "pf1vf3")];
  assert.deepEqual(lines(card, netdevs, []), ["eth1 = VF 3 of 0000:06:00.1"]);
});

test("before kernel 5.1 each PF is a switch of its own, and a VF's name is its bare number", () => {
  const netdevs = [
    netdev("ens2f0", pf0, null, "248a07b4308a"),
    netdev("ens2f1", pf1, null, "248a07b4308b"),
    netdev("eth0", null, "0", "248a07b4308a"),
    netdev("eth1", null, "0", "248a07b4308b"),
    netdev("eth2", null, "11", "248a07b4308b"),
  ];
  assert.deepEqual(lines(card, netdevs, []), [
    "eth0 = VF 0 of 0000:06:00.0",
    "eth1 = VF 0 of 0000:06:00.1",
    "eth2 = VF 11 of 0000:06:00.1",
  ]);
});

test("a bare number on a switch of two PFs is nobody's", () => {
  assert.deepEqual(
    lines(card, [netdev("ens2f0", pf0, "p0"), netdev("ens2f1", pf1, "p1"), netdev("eth0", null, "0")], []),
    [],
  );
});

test("names are matched whole", () => {
  const uplink = netdev("ens2f0", pf0, "p0");
  const names = ["pf0sf88", "pf0", "xpf0vf0", "pf0vf0x", "c1pf0vf0", "p0s1", "pf0vf", "vf0", ""];
  assert.deepEqual(lines(card, [uplink, ...names.map((name) => netdev(`n${name}`, pf0, name))], []), []);
});

test("a netdev on another switch, or on none, is no representor", () => {
  const netdevs = [
    netdev("ens2f0", pf0, "p0"),
    netdev("eth0", pf0, "pf0vf0", "other"),
    netdev("eth1", pf0, "pf0vf1", null),
  ];
  assert.deepEqual(lines(card, netdevs, []), []);
});

test("a VF's own netdev is not its representor", () => {
  assert.deepEqual(lines(card, [netdev("ens2f0", pf0, "p0"), netdev("ens2f0v0", vf0, "0")], []), []);
});

test("what devlink says stands, and names fill in what it leaves out", () => {
  const [uplink, first, second] = [
    netdev("ens2f0", pf0, "p0"),
    netdev("eth0", pf0, "pf0vf0"),
    netdev("eth1", pf0, "pf0vf1"),
  ];
  assert.deepEqual(
    lines(card, [uplink, first, second], [port(pf0, "pcivf", { ifindex: first.index, vf: 0 })]),
    ["eth0 = VF 0 of 0000:06:00.0", "eth1 = VF 1 of 0000:06:00.0"],
  );
});
