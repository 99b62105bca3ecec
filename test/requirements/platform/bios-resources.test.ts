import assert from "node:assert/strict";
import { test } from "node:test";
import { pciAddress } from "../../../src/host/state/values.ts";
import { biosResources } from "../../../src/requirements/platform/bios-resources.ts";
import { fresh } from "../../support/hosts.ts";
import { adviceOf, brief, checkHost, pfOf, vfOf } from "../view.ts";
import { apply, auto, found, platformOf } from "./platform.ts";

test("what the kernel said about a port counts as long as its VFs are not there", async () => {
  const world = fresh(undefined, "no-mmio");
  assert.deepEqual(found(world, auto), []);
  await apply(world, auto);
  const [one] = found(world, auto, "bios-resources");
  assert.deepEqual([one?.severity, one?.nics, one?.subject], ["error", ["data"], "ens3f0 (0000:37:00.0)"]);
  assert.match(one?.actual ?? "", /^too little address space \(MMIO\): the kernel says: .*MMIO/);
  assert.match(adviceOf(found(world, auto, "bios-resources")), /above-4G decoding/);
  world.hidden.behaviours = [];
  await apply(world, auto);
  assert.equal(vfOf(world, 0, 1).index, 1);
  assert.deepEqual(found(world, auto), []);
});

test("too few bus numbers are another setting, and what was said of other devices is not this port's", () => {
  const world = fresh();
  const text = "SR-IOV: bus number out of range";
  const said = (device: string, sign: "bus-number" | "virtualization") => {
    platformOf(world).biosSigns = [{ sign, device: pciAddress(device), text }];
    return checkHost(biosResources, auto, world);
  };
  assert.deepEqual(brief(said("0000:37:00.0", "bus-number")), [
    { actual: `too little PCI bus numbers: the kernel says: ${text}`, severity: "error", remedy: "person" },
  ]);
  assert.match(adviceOf(said("0000:37:00.0", "bus-number")), /ARI on in the BIOS.*pci=assign-busses/);
  assert.deepEqual(said("0000:5d:00.0", "bus-number"), []);
  assert.deepEqual(said("0000:37:00.0", "virtualization"), []);
});

test("a port that offers no VF, and a log that cannot be read", () => {
  const world = fresh();
  platformOf(world).biosSigns = { unknown: "the kernel log cannot be read: EPERM" };
  const unseen = { severity: "unknown", remedy: "person" };
  assert.deepEqual(brief(found(world, auto)), [
    { actual: "the kernel log cannot be read: EPERM", ...unseen },
  ]);
  world.state.platform = { unknown: "nobody looked" };
  assert.deepEqual(brief(checkHost(biosResources, auto, world)), [{ actual: "nobody looked", ...unseen }]);
  const { sriov } = pfOf(world);
  assert.ok(sriov !== null);
  sriov.total = 0;
  assert.deepEqual(brief(checkHost(biosResources, auto, world)), [
    { actual: "sriov_totalvfs is 0", severity: "error", remedy: "person" },
  ]);
  // What has no SR-IOV at all is `model`'s to tell.
  pfOf(world).sriov = null;
  assert.deepEqual(checkHost(biosResources, auto, world), []);
});
