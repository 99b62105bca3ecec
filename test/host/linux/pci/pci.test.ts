import assert from "node:assert/strict";
import { test } from "node:test";
import { findPf, findPfs } from "../../../../src/host/linux/pci/pci.ts";
import { pciAddress } from "../../../../src/host/state/values.ts";
import { connectX5, connectX5Pf, connectX5Vf, makeTree, type Tree } from "../tree.ts";

const pf0 = "0000:37:00.0";

function host(test: Parameters<typeof makeTree>[0], devices: Tree): string {
  return makeTree(test, { "bus/pci/devices": devices });
}

test("a PF is told with its VFs, in the order of their numbers", (t) => {
  const vfs = Array.from({ length: 11 }, (_, n) => `0000:37:0${n < 6 ? 0 : 1}.${(n + 2) % 8}`);
  const [pf, ...rest] = findPfs(host(t, connectX5(pf0, vfs)));
  assert.equal(rest.length, 0, "a VF is no PF");
  assert.deepEqual(
    { ...pf, vfs: pf?.vfs.map(({ index, address }) => `${index} ${address}`) },
    {
      address: pf0,
      vendor: "15b3",
      product: "1017",
      model: "ConnectX-5",
      driver: "mlx5_core",
      iommuGroup: 41,
      numaNode: 1,
      sriov: { total: 16, count: 11, autoprobe: true, offset: 2, stride: 1, vfProduct: "1018" },
      vfs: vfs.map((vf, index) => `${index} ${vf}`),
    },
  );
});

test("a VF is told with its driver, the driver it is reserved for, and its IOMMU group", (t) => {
  const vf = connectX5Vf(pf0, 77, { driver: "-> ../../drivers/vfio-pci", driver_override: "vfio-pci\n" });
  const [pf] = findPfs(host(t, { ...connectX5(pf0, ["0000:37:00.2"]), "0000:37:00.2": vf }));
  assert.deepEqual(pf?.vfs[0], {
    index: 0,
    address: "0000:37:00.2",
    vendor: "15b3",
    product: "1018",
    driver: "vfio-pci",
    driverOverride: "vfio-pci",
    iommuGroup: 77,
  });
});

test("an unbound VF of a host without IOMMU has neither driver, nor override, nor group", (t) => {
  const { iommu_group: _, ...vf } = connectX5Vf(pf0, 77);
  const [pf] = findPfs(host(t, { ...connectX5(pf0, ["0000:37:00.2"]), "0000:37:00.2": vf }));
  const { driver, driverOverride, iommuGroup } = pf?.vfs[0] ?? {};
  assert.deepEqual(
    { driver, driverOverride, iommuGroup },
    { driver: null, driverOverride: null, iommuGroup: null },
  );
});

test("what is no NIC with SR-IOV is no PF", (t) => {
  const nic = { class: "0x020000\n", vendor: "0x8086\n", device: "0x10c9\n" };
  const sysRoot = host(t, {
    "0000:00:00.0": { class: "0x060000\n", vendor: "0x8086\n", device: "0x1234\n", sriov_totalvfs: "8\n" },
    "0000:01:00.0": nic,
    "0000:02:00.0": { ...nic, sriov_totalvfs: "7\n", sriov_numvfs: "0\n" },
    "0000:03:00.0": { ...nic, class: "0x020700\n", sriov_totalvfs: "7\n", sriov_numvfs: "0\n" },
    "0000:04:00.0": { ...nic, class: "0x028000\n", sriov_totalvfs: "7\n", sriov_numvfs: "0\n" },
    "not an address": { ...nic, sriov_totalvfs: "7\n" },
  });
  const found = findPfs(sysRoot).map(({ address, model }) => `${address} ${model}`);
  assert.deepEqual(found, ["0000:02:00.0 82576", "0000:03:00.0 82576"]);
});

test("a ConnectX without an SR-IOV capability (firmware SRIOV_EN off) is a PF without SR-IOV", (t) => {
  const { sriov_totalvfs: _, ...pf } = connectX5Pf();
  const [found] = findPfs(host(t, { [pf0]: pf }));
  assert.equal(found?.sriov, null);
});

test("kernels and machines that lack attributes have null for them", (t) => {
  const {
    sriov_drivers_autoprobe: _a,
    sriov_vf_device: _d,
    sriov_offset: _o,
    sriov_stride: _s,
    ...pf
  } = connectX5Pf();
  const [found] = findPfs(host(t, { [pf0]: { ...pf, numa_node: "-1\n" } }));
  assert.equal(found?.numaNode, null);
  assert.deepEqual(found?.sriov, {
    total: 16,
    count: 0,
    autoprobe: null,
    offset: null,
    stride: null,
    vfProduct: null,
  });
});

test("nonsense in sysfs is skipped", (t) => {
  const sysRoot = host(t, {
    ...connectX5(pf0, ["0000:37:00.2"], {
      virtfn1: "-> ../../../elsewhere",
      virtfn2: "a file",
      virtfnX: "-> ../0000:37:00.4",
      virtfn3: "-> ../0000:37:00.5",
    }),
    "0000:38:00.0": { class: "0x020000\n", vendor: "none\n", device: "0x1017\n", sriov_totalvfs: "8\n" },
    "0000:39:00.0": {
      class: "0x020000\n",
      vendor: "0x15b3\n",
      device: "0x1017\n",
      sriov_totalvfs: "many\n",
      sriov_numvfs: "0\n",
    },
  });
  const found = findPfs(sysRoot);
  assert.deepEqual(
    found.map(({ address, sriov, vfs }) => [address, sriov?.total ?? null, vfs.map((vf) => vf.address)]),
    [
      [pf0, 16, ["0000:37:00.2"]],
      ["0000:39:00.0", null, []],
    ],
  );
  assert.deepEqual(findPfs(`${sysRoot}/nowhere`), []);
});

test("a function on which an action is under way is not asked what the kernel would answer only afterwards", (t) => {
  const vf = connectX5Vf(pf0, 77, { driver_override: "vfio-pci\n" });
  const devices = {
    ...connectX5(pf0, ["0000:37:00.2", "0000:37:00.3"], { sriov_numvfs: "0\n" }),
    "0000:37:00.2": vf,
  };
  const found = findPf(host(t, devices), pciAddress(pf0), () => true);
  assert.equal(found?.sriov?.count, 2, "the links that are there");
  assert.equal(found?.vfs[0]?.driverOverride, null);
});
