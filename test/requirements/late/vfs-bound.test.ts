import assert from "node:assert/strict";
import { test } from "node:test";
import { SimulatedHost } from "../../../src/host/simulated/host.ts";
import type { HostState, VirtualFunction } from "../../../src/host/state/state.ts";
import { vfsBound } from "../../../src/requirements/late/vfs-bound.ts";
import type { Spec } from "../../../src/spec/schema.ts";
import { booted, fresh, spec, vfLagSpec } from "../../support/hosts.ts";
import { actionsOf, brief, check, pfOf, vfOf } from "../view.ts";

/** What the requirement says when one VF is like this. */
async function found(change: Partial<VirtualFunction>, netdev = true) {
  const world = await booted(vfLagSpec);
  const vf = vfOf(world, 1, 0);
  Object.assign(vf, { driver: null, holders: [] }, change);
  if (!netdev) world.state.netdevs = world.state.netdevs.filter(({ device }) => device !== vf.address);
  const bind = { kind: "bind-vf", pf: pfOf(world, 1).address, vf: vf.address, driver: "mlx5_core" };
  return { findings: check(vfsBound, vfLagSpec, world), bind };
}

test("a VF without a driver is bound to the NIC's own", async () => {
  const { findings, bind } = await found({});
  assert.deepEqual(actionsOf(findings), [bind]);
});

test("one that is reserved for that very driver is bound too", async () => {
  const { findings, bind } = await found({ driverOverride: "mlx5_core" });
  assert.deepEqual(actionsOf(findings), [bind]);
});

test("one that is reserved for another driver is left alone, with a warning", async () => {
  const { findings } = await found({ driverOverride: "vfio-pci" });
  assert.deepEqual(brief(findings), [
    { actual: "unbound, reserved for vfio-pci (driver_override)", severity: "warning", remedy: "person" },
  ]);
});

test("one with a strange driver is left alone, with a warning", async () => {
  const { findings } = await found({ driver: "uio_pci_generic" });
  assert.deepEqual(brief(findings), [
    { actual: "bound to uio_pci_generic", severity: "warning", remedy: "person" },
  ]);
});

test("one whose driver made no netdev is bound again; who has it must be known for that", async () => {
  const { findings, bind } = await found({ driver: "mlx5_core" }, false);
  assert.deepEqual(brief(findings), [
    { actual: "bound to mlx5_core, and without a netdev", severity: "error", remedy: "actions" },
  ]);
  assert.deepEqual(actionsOf(findings), [{ ...bind, kind: "unbind-vf" }, bind]);
  const holders: VirtualFunction["holders"] = [{ kind: "namespace", name: "ns1" }];
  assert.deepEqual((await found({ driver: "mlx5_core", holders }, false)).findings, []);
  const unseen = await found({ driver: "mlx5_core", holders: { unknown: "/proc could not be read" } }, false);
  assert.deepEqual(
    brief(unseen.findings).map(({ severity, remedy }) => [severity, remedy]),
    [["unknown", "person"]],
  );
});

test("VFs of which none has a netdev are an error in mode sriov, and with an eSwitch a warning", async () => {
  const world = await booted(vfLagSpec);
  const vfs = new Set<string | null>(world.state.pfs.flatMap((pf) => pf.vfs.map(({ address }) => address)));
  world.state.netdevs = world.state.netdevs.filter(({ device }) => !vfs.has(device));
  const severities = (wanted: Spec) =>
    new Set(brief(check(vfsBound, wanted, world)).map(({ severity, remedy }) => `${severity} ${remedy}`));
  assert.deepEqual([...severities(vfLagSpec)], ["warning person"]);
  const sriov = spec("{version: 1, nics: [{name: data, mode: sriov, ports: [ens3f0, ens3f1], vfs: 2}]}");
  assert.deepEqual([...severities(sriov)], ["error actions"]);
});

test("one with a VFIO driver of the NIC's own is as Nova wants it, or nobody's", async () => {
  const look = async (openStack: HostState["openStack"], driver = "mlx5_vfio_pci") => {
    const world = await booted(vfLagSpec);
    Object.assign(vfOf(world, 1, 0), { driver, holders: [] });
    world.state.openStack = openStack;
    return brief(check(vfsBound, vfLagSpec, world)).map(({ actual, severity }) => `${severity}: ${actual}`);
  };
  const nova = (...rules: string[]) => ({ sriovAgent: null, nova: { file: "/etc/nova/nova.conf", rules } });
  const rule = '{"vendor_id": "15b3", "product_id": "101e"';
  assert.deepEqual(await look(nova(`${rule}, "managed": "no", "live_migratable": "yes"}`)), []);
  const unexpected = "bound to mlx5_vfio_pci, which Nova's configuration does not expect";
  assert.deepEqual(await look(nova(`${rule}, "managed": "yes"}`)), [`error: ${unexpected}`]);
  assert.deepEqual(await look(nova()), [`error: ${unexpected}`]);
  assert.deepEqual(await look(nova(), "pds-vfio-pci"), [
    `error: ${unexpected.replace("mlx5_vfio_pci", "pds-vfio-pci")}`,
  ]);
  const unseen = ["warning: bound to mlx5_vfio_pci, and Nova's configuration was not seen"];
  assert.deepEqual(await look({ sriovAgent: null, nova: null }), unseen);
  assert.deepEqual(await look({ unknown: "this command does not look at it" }), unseen);
});

test("one that somebody uses is as it should be, whatever drives it", async () => {
  const holders: VirtualFunction["holders"] = [{ kind: "process", pid: 815, command: "testpmd" }];
  assert.deepEqual((await found({ driver: "uio_pci_generic", holders })).findings, []);
});

test("one that is with vfio-pci waits for a guest, and needs nothing", async () => {
  assert.deepEqual((await found({ driver: "vfio-pci" })).findings, []);
  assert.deepEqual(
    (await found({ driver: "vfio-pci", holders: { unknown: "/proc could not be read" } })).findings,
    [],
  );
});

test("the VFs of an Intel port have a driver of their own name", async () => {
  const sriov = spec("{version: 1, nics: [{name: data, mode: sriov, ports: [ens3f0], vfs: 2}]}");
  const world = fresh([{ model: "82576", ports: 2 }]);
  const host = new SimulatedHost(world);
  const pf = pfOf(world).address;
  await host.perform({ kind: "set-vf-autoprobe", pf, on: false });
  await host.perform({ kind: "set-vf-count", pf, count: 2 });
  assert.deepEqual(
    actionsOf(check(vfsBound, sriov, world)),
    [0, 1].map((index) => ({ kind: "bind-vf", pf, vf: vfOf(world, 0, index).address, driver: "igbvf" })),
  );
});
