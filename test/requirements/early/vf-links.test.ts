import assert from "node:assert/strict";
import { test } from "node:test";
import { vfLinks } from "../../../src/requirements/early/vf-links.ts";
import { afterEarly, fresh, vfLagSpec } from "../../support/hosts.ts";
import { adviceOf, brief, check, pfOf, uplinkOf } from "../view.ts";

test("a VF that the port counts and the bus does not have is missed, by its number", async () => {
  const world = await afterEarly(vfLagSpec);
  assert.deepEqual(check(vfLinks, vfLagSpec, world), []);
  pfOf(world, 1).vfs.shift();
  const found = check(vfLinks, vfLagSpec, world);
  assert.deepEqual(brief(found), [{ actual: "no link for VF 0", severity: "error", remedy: "person" }]);
  assert.deepEqual([found[0]?.subject, found[0]?.expected], ["ens3f1 (0000:37:00.1)", "2 virtfn links"]);
  pfOf(world, 1).vfs = [];
  assert.deepEqual(
    check(vfLinks, vfLagSpec, world).map(({ actual }) => actual),
    ["no link for VF 0, 1"],
  );
});

test("no VF is missed that was never made", () => {
  const world = fresh();
  assert.deepEqual(check(vfLinks, vfLagSpec, world), []);
  pfOf(world).sriov = null;
  assert.deepEqual(check(vfLinks, vfLagSpec, world), []);
});

test("VFs are made again by hand, but not those of a port in a bond: it needs a reboot", async () => {
  const world = await afterEarly(vfLagSpec, fresh(undefined, "missing-vf-link"));
  const [first, second] = [0, 1].map((port) => `see dmesg | grep ${pfOf(world, port).address} for why`);
  uplinkOf(world, 1).master = "bond0";
  assert.equal(
    adviceOf(check(vfLinks, vfLagSpec, world)),
    `${first}; when no VF is in use, write 0 to sriov_numvfs and apply again\n` +
      `${second} (the BIOS: SR-IOV, bus numbers; the card's firmware), put that right, then reboot`,
  );
});
