import assert from "node:assert/strict";
import { test } from "node:test";
import {
  bondsOf,
  findLinks,
  netdevOfPf,
  netdevsOf,
  vfSettingsOf,
} from "../../../../src/host/linux/links/links.ts";
import { NetlinkError } from "../../../../src/netlink/index.ts";
import { bond, fakeKernel, fakeNetlink, link, pciLink, slaveOf, vf } from "../fake-kernel.ts";
import { makeTree } from "../tree.ts";

const pf0 = "0000:37:00.0";
const netdev = (index: number, portName: string | null, device: string | null = pf0) => ({
  index,
  device,
  portName,
});

const pfNetdevs: readonly [string, Parameters<typeof netdevOfPf>[1], number | null][] = [
  ["the only one on its PCI device", [netdev(4, null)], 4],
  ["the uplink, among its representors", [netdev(9, "pf0vf0"), netdev(4, "p0"), netdev(10, "pf0vf1")], 4],
  ["the uplink, although a representor was there first", [netdev(3, "pf0vf0"), netdev(7, "p0")], 7],
  ["not the representor of a VF of another controller", [netdev(3, "c1pf0vf0")], null],
  [
    "not a DPU's representor of its host, nor of a scalable function",
    [netdev(3, "pf0"), netdev(4, "pf0sf88")],
    null,
  ],
  ["the uplink of a split port", [netdev(3, "p0s1"), netdev(4, "pf0vf0")], 3],
  ["a netdev without port name rather than one with a strange name", [netdev(3, "7"), netdev(5, null)], 5],
  ["the first port, where a PF has two (mlx4)", [netdev(6, null), netdev(5, null)], 5],
  ["none, when it is on another device", [netdev(6, null, "0000:37:00.1"), netdev(7, null, null)], null],
];

for (const [what, netdevs, expected] of pfNetdevs) {
  test(`a PF's own netdev is ${what}`, () => {
    assert.equal(netdevOfPf(pf0, netdevs)?.index ?? null, expected);
  });
}

test("netdevs carry what ethtool tells of them", (t) => {
  const fake = fakeNetlink({
    links: [
      pciLink(4, "ens3f0", pf0, { master: 7, altNames: ["enp55s0f0"], switchId: "9c03", portName: "p0" }),
      link(7, "bond0", { kind: "bond" }),
    ],
    channels: [
      { index: 4, name: "ens3f0", rx: null, tx: null, other: null, combined: { count: 63, max: 64 } },
    ],
  });
  const kernel = fakeKernel(makeTree(t, {}), fake);
  const [first, second] = netdevsOf(findLinks(kernel), kernel);
  assert.deepEqual(first, {
    name: "ens3f0",
    altNames: ["enp55s0f0"],
    index: 4,
    mac: "24:8a:07:00:00:01",
    permanentMac: null,
    kind: null,
    up: true,
    carrier: true,
    mtu: 1500,
    master: "bond0",
    device: pf0,
    switchId: "9c03",
    portName: "p0",
    tcOffload: { on: true, fixed: false },
    channels: { combined: 63, max: 64 },
  });
  assert.equal(second?.channels, null);
});

test("before kernel 5.14 the device under a netdev comes from sysfs, and only hardware is looked up there", (t) => {
  const root = makeTree(t, {
    "sys/class/net/ens3f0/device": `-> ../../../${pf0}`,
    "sys/class/net/veth0/device": "-> ../../../nonsense",
  });
  const kernel = fakeKernel(
    root,
    fakeNetlink({ links: [link(4, "ens3f0"), link(5, "veth0", { kind: "veth" }), link(6, "lo")] }),
  );
  assert.deepEqual(
    findLinks(kernel).map(({ device }) => device),
    [pf0, null, null],
  );
});

test("an address that is no Ethernet address is none, and a name that cannot be given back is left out", (t) => {
  const links = [
    link(4, "ib0", { mac: "80:00:00:48:fe:80:00:00:00:00:00:00:24:8a:07:03:00:b4:30:8a" }),
    link(5, "\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd"),
  ];
  const kernel = fakeKernel(makeTree(t, {}), fakeNetlink({ links }));
  const netdevs = netdevsOf(findLinks(kernel), kernel);
  assert.deepEqual(
    netdevs.map(({ name, mac }) => [name, mac]),
    [["ib0", null]],
  );
});

test("on a kernel without ethtool over netlink, offload and channels are unknown, with the reason", (t) => {
  const kernel = fakeKernel(makeTree(t, {}), fakeNetlink({ links: [link(4, "ens3f0")] }));
  const refuse = () => {
    throw new NetlinkError({
      request: "list",
      errno: 2,
      extack: "this kernel has no ethtool netlink family",
      attribute: null,
    });
  };
  const old = {
    ...kernel,
    netlink: {
      ...kernel.netlink,
      ethtool: { ...kernel.netlink.ethtool, listFeatures: refuse, listChannels: refuse },
    },
  };
  const [netdev] = netdevsOf(findLinks(old), old);
  const reason = { unknown: "list: ENOENT: this kernel has no ethtool netlink family" };
  assert.deepEqual([netdev?.tcOffload, netdev?.channels], [reason, reason]);
});

test("a bond is told with its slaves' links and its LACP partner", (t) => {
  const lacp = { aggregator: 1, ports: 2, partnerMac: "00:1c:73:00:00:99" };
  const links = [
    link(7, "bond0", { kind: "bond", bond: bond("802.3ad", { lacp, lacpRate: "fast" }) }),
    link(4, "ens3f0", slaveOf(7)),
    link(5, "ens3f1", slaveOf(7, "down")),
    link(6, "vlan5", { master: 7, kind: "vlan" }),
    link(8, "bond1", { kind: "bond", bond: bond("active-backup"), up: false }),
  ];
  const monitoring = { miimon: 100, arpInterval: 0, updelay: 0, downdelay: 0 };
  assert.deepEqual(bondsOf(findLinks(fakeKernel(makeTree(t, {}), fakeNetlink({ links })))), [
    {
      name: "bond0",
      mode: "802.3ad",
      xmitHashPolicy: "layer3+4",
      up: true,
      slaves: [
        { netdev: "ens3f0", up: true },
        { netdev: "ens3f1", up: false },
      ],
      lacp: { ports: 2, partner: "00:1c:73:00:00:99", rate: "fast" },
      monitoring,
    },
    {
      name: "bond1",
      mode: "active-backup",
      xmitHashPolicy: null,
      up: false,
      slaves: [],
      lacp: null,
      monitoring,
    },
  ]);
});

test("a VF's settings are what its PF says, and unknown where it does not say", () => {
  const pf = link(4, "ens3f0", {
    vfs: [vf(0, { mac: "02:00:00:00:00:01", trust: null, linkState: "unknown (9)" })],
  });
  assert.deepEqual(vfSettingsOf(pf, 0), {
    mac: "02:00:00:00:00:01",
    trust: null,
    spoofCheck: false,
    linkState: null,
  });
  assert.deepEqual(vfSettingsOf(pf, 1), {
    unknown: "the driver of ens3f0 does not tell the settings of VF 1",
  });
  assert.deepEqual(vfSettingsOf(null, 0), { unknown: "the PF has no netdev to ask" });
  const infiniband = link(4, "ib0", { vfs: [vf(0, { mac: "00:01:02:03:04:05:06:07" })] });
  assert.deepEqual(vfSettingsOf(infiniband, 0), {
    unknown: "the hardware address of VF 0 is no Ethernet address",
  });
});
