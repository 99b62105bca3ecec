import assert from "node:assert/strict";
import { test } from "node:test";
import type { World } from "../../../src/host/simulated/world.ts";
import { known } from "../../../src/host/state/observed.ts";
import { vfCount } from "../../../src/requirements/early/vf-count.ts";
import { afterEarly, dualPort, fresh, spec } from "../../support/hosts.ts";
import { configuration, offering, parameter } from "../firmware/offering.ts";
import { actionsOf, adviceOf, brief, check, hold, pfOf, vfOf } from "../view.ts";

const vfs = (count: number, port = "ens3f0") =>
  spec(`{version: 1, nics: [{name: data, mode: sriov, ports: [${port}], vfs: ${count}}]}`);
const pf = pfOf(fresh()).address;
const set = (count: number) => ({ kind: "set-vf-count", pf, count });

test("as many as declared need nothing, and a port without SR-IOV is `model`'s to tell", async () => {
  assert.deepEqual(check(vfCount, vfs(2), await afterEarly(vfs(2))), []);
  const world = fresh();
  pfOf(world).sriov = null;
  assert.deepEqual(check(vfCount, vfs(2), world), []);
});

test("another number is set, by way of none, and no driver probes VFs as they appear", async () => {
  const world = fresh();
  const found = check(vfCount, vfs(2), world);
  assert.deepEqual(brief(found), [{ actual: "0 VFs", severity: "error", remedy: "actions" }]);
  assert.deepEqual(actionsOf(found), [{ kind: "set-vf-autoprobe", pf, on: false }, set(2)]);
  assert.match(adviceOf(found), /above-4G decoding or ARI is off in the BIOS/);
  await afterEarly(vfs(1), world);
  const more = check(vfCount, vfs(2), world);
  assert.deepEqual([more[0]?.expected, more[0]?.actual], ["2 VFs", "1 VF"]);
  assert.deepEqual(actionsOf(more), [set(0), set(2)]);
  // Old drivers have no such switch.
  Object.assign(pfOf(world).sriov ?? {}, { autoprobe: null });
  assert.deepEqual(actionsOf(check(vfCount, vfs(3), world)), [set(0), set(3)]);
});

test("VFs in use keep their number, and a person is told whose they are", async () => {
  const world = await afterEarly(vfs(2));
  hold(vfOf(world, 0, 1));
  const found = check(vfCount, vfs(4), world);
  assert.deepEqual(brief(found), [{ actual: "2 VFs", severity: "error", remedy: "person" }]);
  assert.match(
    adviceOf(found),
    /only when no VF is in use: VF 1 \(0000:37:00\.3\) in use by process 4711 \(qemu-kvm\)\. Move or stop/,
  );
  assert.deepEqual(check(vfCount, vfs(2), world), []);
});

test("too few in the firmware: a reboot where it is set already, the command where it is not, else the BIOS", () => {
  const found = (world: World) => check(vfCount, vfs(8), world);
  const few = (remedy: string) => [
    { actual: "0 VFs, and the NIC offers 4 at most", severity: "error", remedy },
  ];
  assert.deepEqual(brief(check(vfCount, vfs(4), offering(4))), [
    { actual: "0 VFs", severity: "error", remedy: "actions" },
  ]);
  assert.deepEqual(brief(found(offering(4, 8))), few("reboot"));
  assert.match(
    adviceOf(found(offering(4, 8))),
    /^NUM_OF_VFS=8 is set in the firmware and waits for a boot; if the old values are still there/,
  );
  assert.deepEqual(brief(found(offering(4, 4))), few("person"));
  assert.match(adviceOf(found(offering(4, 4))), /^mstconfig -d 0000:37:00.0 -y set SRIOV_EN=1 NUM_OF_VFS=8 /);
  // More than this port wants may be there for another one.
  const off = offering(4, 16);
  configuration(off).parameters["SRIOV_EN"] = parameter("false");
  assert.match(adviceOf(found(off)), / set SRIOV_EN=1 NUM_OF_VFS=16 /);
  // What the firmware has is enough, and the kernel shows less: the BIOS is next.
  const short = offering(4);
  configuration(short).parameters["NUM_OF_VFS"] = parameter("16");
  assert.deepEqual(brief(found(short)), few("person"));
  assert.match(adviceOf(found(short)), /^the firmware's values are enough: see SR-IOV, .* in the BIOS/);
  const dpu = [{ ...dualPort, model: "BlueField-2" }];
  assert.match(adviceOf(found(offering(4, 8, dpu))), /switch the host off and on: a DPU/);
});

test("a firmware that was not asked: what to raise in it, and that vflag can, where it has the tool", () => {
  const offer = /Where the spec has `firmware: \{manage: true\}`, vflag sets it$/;
  const advice = (world: World) => {
    const found = check(vfCount, vfs(200), world);
    assert.deepEqual(
      found.map(({ severity, remedy }) => [severity, remedy.kind]),
      [["error", "person"]],
    );
    assert.match(adviceOf(found), /^raise NUM_OF_VFS \(and set SRIOV_EN\) in the NIC's firmware to 200/);
    return adviceOf(found);
  };
  const mellanox = fresh();
  mellanox.state.firmware = [];
  assert.match(advice(mellanox), offer);
  const silent = offering(4);
  for (const card of known(silent.state.firmware) ?? []) card.configuration = { unknown: "-E- no" };
  assert.doesNotMatch(advice(silent), offer);
  assert.doesNotMatch(advice(fresh([{ model: "82576", ports: 2 }])), offer);
});
