import assert from "node:assert/strict";
import { test } from "node:test";
import { SimulatedHost } from "../../src/host/simulated/host.ts";
import type { VirtualFunction } from "../../src/host/state.ts";
import { vfsBound } from "../../src/requirements/vfs-bound.ts";
import { booted, fresh, spec, vfLagSpec } from "../support/hosts.ts";
import { actionsOf, brief, check, pfOf, vfOf } from "./view.ts";

/** What the requirement says when one VF is like this. */
async function found(change: Partial<VirtualFunction>) {
  const world = await booted(vfLagSpec);
  const vf = vfOf(world, 1, 0);
  Object.assign(vf, { driver: null, holders: [] }, change);
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
  assert.deepEqual(brief(findings), [{ actual: "bound to uio_pci_generic", severity: "warning", remedy: "person" }]);
});

test("one that somebody uses is as it should be, whatever drives it", async () => {
  const holders: VirtualFunction["holders"] = [{ kind: "process", pid: 815, command: "testpmd" }];
  assert.deepEqual((await found({ driver: "uio_pci_generic", holders })).findings, []);
});

test("one that is with vfio-pci waits for a guest, and needs nothing", async () => {
  assert.deepEqual((await found({ driver: "vfio-pci" })).findings, []);
  assert.deepEqual((await found({ driver: "vfio-pci", holders: { unknown: "/proc could not be read" } })).findings, []);
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
