import assert from "node:assert/strict";
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { findHolders, type NamespaceView } from "../../../../src/host/linux/guests/holders.ts";
import { findHostUsers } from "../../../../src/host/linux/guests/host-users.ts";
import { findOpenFiles } from "../../../../src/host/linux/guests/open-files.ts";
import { findLinks } from "../../../../src/host/linux/links/links.ts";
import { findPfs } from "../../../../src/host/linux/pci/pci.ts";
import type { Link } from "../../../../src/netlink/index.ts";
import { fakeKernel, fakeNetlink, link, pciLink } from "../fake-kernel.ts";
import { connectX5, connectX5Vf, makeTree, type Tree } from "../tree.ts";

const pf = "0000:37:00.0";
const address = "0000:37:00.2";

const qemu = { comm: "qemu-system-x86\n", "fd/0": "-> /dev/null", "fd/24": "-> anon_inode:[vfio-device]" };

interface World {
  /** The VF's own entries. */
  readonly vf: Tree;
  readonly proc?: Tree;
  readonly links?: Link[];
  readonly sys?: Tree;
  readonly namespaces?: NamespaceView;
}

const noNamespaces: NamespaceView = {
  list: () => assert.fail("nobody asked for namespaces"),
  devicesIn: () => [],
};

function holders(
  test: Parameters<typeof makeTree>[0],
  { vf, proc = {}, links = [], sys = {}, namespaces = noNamespaces }: World,
) {
  const devices = { ...connectX5(pf, [address]), [address]: connectX5Vf(pf, 12, vf) };
  const kernel = fakeKernel(
    makeTree(test, { sys: { "bus/pci/devices": devices, ...sys }, proc }),
    fakeNetlink({ links }),
  );
  const vfs = findPfs(kernel.sysRoot).flatMap((found) => found.vfs);
  return [...findHolders(vfs, kernel, findLinks(kernel), namespaces).values()][0];
}

const vfio = { driver: "-> ../../../bus/pci/drivers/vfio-pci" };
const mlx5 = { driver: "-> ../../../bus/pci/drivers/mlx5_core" };

test("an unbound VF is free, and nobody's files are looked at", (t) => {
  assert.deepEqual(holders(t, { vf: {} }), []);
});

test("a VF bound to vfio-pci is held by the process that has its group open", (t) => {
  const proc = {
    "4711": { ...qemu, "fd/23": "-> /dev/vfio/12" },
    "4712": { ...qemu, "fd/23": "-> /dev/vfio/13" },
    sys: {},
    "1": { comm: "init\n" },
  };
  assert.deepEqual(holders(t, { vf: vfio, proc }), [
    { kind: "process", pid: 4711, command: "qemu-system-x86" },
  ]);
});

test("a group device that was removed from the process's own /dev still counts", (t) => {
  const proc = { "4711": { ...qemu, "fd/23": "-> /dev/vfio/12 (deleted)" } };
  assert.deepEqual(holders(t, { vf: vfio, proc }), [
    { kind: "process", pid: 4711, command: "qemu-system-x86" },
  ]);
});

test("a device that was opened by another name is known by its number", (t) => {
  const root = makeTree(t, {
    proc: { "4711": { ...qemu, "fd/23": "-> /dev/null", "fd/24": "-> /dev/zero" } },
  });
  const sameDevice = "/dev/./null";
  const { holders } = findOpenFiles(new Set([sameDevice]), `${root}/proc`);
  assert.deepEqual([...holders], [[sameDevice, [{ pid: 4711, command: "qemu-system-x86" }]]]);
});

test("a file on a server's file system is not asked what it is: the server may be gone", (t) => {
  type Mount = readonly [point: string, type: string];
  const sameDevice = "/dev/./null";
  const asked = (...mounts: readonly Mount[]) => {
    const mountinfo = mounts
      .map(([point, type], index) => `${index} 0 0:${index} / ${point} rw shared:2 - ${type} source rw\n`)
      .join("");
    const root = makeTree(t, { proc: { "4711": { ...qemu, mountinfo, "fd/23": "-> /dev/null" } } });
    return findOpenFiles(new Set([sameDevice]), `${root}/proc`).holders.has(sameDevice);
  };
  const local: Mount = ["/", "ext4"];
  const server: Mount = ["/", "fuse.fuse-overlayfs"];
  assert.ok(asked(local, ["/de", "nfs4"]));
  assert.ok(!asked(local, ["/dev", "nfs4"]));
  assert.ok(!asked(server), "the root itself");
  assert.ok(asked(server, ["/dev", "tmpfs"]), "a file system of this host is mounted over it");
  assert.ok(!asked(local, ["/dev", "tmpfs"], ["/dev", "ceph"]), "the last one is on top");
});

test("a process that has it open twice is named once, and every process is named", (t) => {
  const proc = {
    "4711": { ...qemu, "fd/23": "-> /dev/vfio/12", "fd/25": "-> /dev/vfio/12" },
    "99": { comm: "virtqemud\n", "fd/7": "-> /dev/vfio/noiommu-12" },
  };
  const found = holders(t, { vf: vfio, proc });
  assert.deepEqual(
    Array.isArray(found) && found.map((holder) => holder.kind === "process" && holder.pid).sort(),
    [4711, 99],
  );
});

test("a VF bound to vfio-pci that nobody has open is free", (t) => {
  assert.deepEqual(holders(t, { vf: vfio, proc: { "4711": qemu } }), []);
});

test("on a real machine a process is found by a file that it has open", (t) => {
  const path = join(makeTree(t, { file: "" }), "file");
  const file = openSync(path, "r");
  t.after(() => closeSync(file));
  const [holder, ...others] =
    findOpenFiles(new Set([path, "/no/such/file"]), "/proc").holders.get(path) ?? [];
  assert.equal(holder?.pid, process.pid);
  assert.equal(others.length, 0);
});

test("the IOMMUFD way: the device itself is open, with a variant driver", (t) => {
  const vf = { driver: "-> ../../../bus/pci/drivers/mlx5_vfio_pci", "vfio-dev/vfio3": {} };
  const proc = { "4711": { ...qemu, "fd/23": "-> /dev/vfio/devices/vfio3" } };
  assert.deepEqual(holders(t, { vf, proc }), [{ kind: "process", pid: 4711, command: "qemu-system-x86" }]);
});

test("without an IOMMU group nobody can tell who has a vfio device", (t) => {
  const devices = {
    ...connectX5(pf, [address]),
    [address]: { ...connectX5Vf(pf, 12, vfio), iommu_group: "-> nonsense" },
  };
  const kernel = fakeKernel(makeTree(t, { sys: { "bus/pci/devices": devices }, proc: {} }));
  const vfs = findPfs(kernel.sysRoot).flatMap((found) => found.vfs);
  assert.deepEqual([...findHolders(vfs, kernel, [], noNamespaces).values()][0], {
    unknown: "it is bound to vfio-pci and in no IOMMU group",
  });
});

test("when /proc cannot be read, who holds the VF is unknown, not nobody", (t) => {
  const devices = { ...connectX5(pf, [address]), [address]: connectX5Vf(pf, 12, vfio) };
  const kernel = fakeKernel(makeTree(t, { sys: { "bus/pci/devices": devices } }));
  const vfs = findPfs(kernel.sysRoot).flatMap((found) => found.vfs);
  const found = [...findHolders(vfs, kernel, [], noNamespaces).values()][0];
  assert.match(found !== undefined && "unknown" in found ? found.unknown : "", /ENOENT.*proc/);
});

test("a VF given to Xen is unknown", (t) => {
  const vf = { driver: "-> ../../../bus/pci/drivers/pciback" };
  assert.deepEqual(holders(t, { vf }), { unknown: "pciback has given it away, and nobody can see to whom" });
});

test("a VF with its netdev here is free", (t) => {
  const links = [pciLink(9, "ens3f0v0", address)];
  assert.deepEqual(holders(t, { vf: { ...mlx5, "net/ens3f0v0": {} }, links }), []);
});

test("a VF whose netdev is in a bridge is used by the host itself", (t) => {
  const links = [
    pciLink(20, "ens3f0v0", address, { master: 30 }),
    link(30, "br-storage", { kind: "bridge" }),
  ];
  assert.deepEqual(holders(t, { vf: { ...mlx5, "net/ens3f0v0": {} }, links }), [
    { kind: "master", name: "br-storage" },
  ]);
});

test("a VF whose driver is still probing has no net directory, and is free", (t) => {
  assert.deepEqual(holders(t, { vf: mlx5 }), []);
});

test("a VF whose netdev is in another namespace is held by that namespace", (t) => {
  const namespaces: NamespaceView = {
    list: () => [
      { name: "gone", path: "/gone" },
      { name: "other", path: "/other" },
      { name: "cni-5a1e", path: "/run/netns/cni-5a1e" },
      { name: "late", path: "/late" },
    ],
    devicesIn: ({ name }) => {
      if (name === "gone") throw new Error("it has ended");
      if (name === "late") assert.fail("all were found before");
      return name === "cni-5a1e" ? [address] : ["0000:37:00.9"];
    },
  };
  assert.deepEqual(holders(t, { vf: { ...mlx5, net: {} }, namespaces }), [
    { kind: "namespace", name: "cni-5a1e" },
  ]);
});

test("a VF whose netdev is away is held also when nobody knows where", (t) => {
  const namespaces: NamespaceView = { list: () => [], devicesIn: () => [] };
  assert.deepEqual(holders(t, { vf: { ...mlx5, net: {} }, namespaces }), [
    { kind: "namespace", name: "of unknown name" },
  ]);
});

for (const kind of ["macvtap", "ipvtap"]) {
  test(`a guest on a tap (${kind}) over the VF's netdev holds the VF`, (t) => {
    const links = [
      pciLink(9, "ens3f0v0", address),
      link(42, "tap-a", { kind, link: 9 }),
      link(43, "tap-b", { kind, link: 8 }),
    ];
    const proc = {
      "4711": { ...qemu, "fd/30": "-> /dev/tap42" },
      "4712": { ...qemu, "fd/30": "-> /dev/tap43" },
    };
    const vf = { ...mlx5, "net/ens3f0v0": {} };
    assert.deepEqual(holders(t, { vf, links, proc }), [
      { kind: "process", pid: 4711, command: "qemu-system-x86" },
    ]);
    assert.deepEqual(holders(t, { vf, links }), [], "nobody has it open");
  });

  test(`a tap (${kind}) over a port uses the port, whoever has it open`, (t) => {
    const links = [pciLink(4, "ens3f0", pf), link(42, "tap-a", { kind, link: 4 })];
    const kernel = fakeKernel(makeTree(t, {}), fakeNetlink({ links }));
    assert.deepEqual(findHostUsers(kernel, findLinks(kernel)).get(4), [
      { kind: "netdev", name: "tap-a", type: kind },
    ]);
  });
}

test("DPDK holds a VF through verbs while its netdev stays", (t) => {
  const links = [pciLink(9, "ens3f0v0", address)];
  const proc = { "815": { comm: "dpdk-testpmd\n", "fd/9": "-> /dev/infiniband/uverbs3" } };
  const found = holders(t, {
    vf: { ...mlx5, "net/ens3f0v0": {}, "infiniband_verbs/uverbs3": {} },
    links,
    proc,
  });
  assert.deepEqual(found, [{ kind: "process", pid: 815, command: "dpdk-testpmd" }]);
});

test("a guest holds a VF through vDPA", (t) => {
  const sys = { "bus/vdpa/devices/vdpa0": `-> ../../pci/devices/${address}/vdpa0` };
  const proc = { "4711": { ...qemu, "fd/31": "-> /dev/vhost-vdpa-0" } };
  const found = holders(t, { vf: { ...mlx5, "vdpa0/vhost-vdpa-0": {} }, sys, proc });
  assert.deepEqual(found, [{ kind: "process", pid: 4711, command: "qemu-system-x86" }]);
});
