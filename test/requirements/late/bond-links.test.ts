import assert from "node:assert/strict";
import { test } from "node:test";
import type { Bond } from "../../../src/host/state/state.ts";
import { bondLinks } from "../../../src/requirements/late/bond-links.ts";
import { booted, vfLagSpec } from "../../support/hosts.ts";
import { brief, check } from "../view.ts";

const nobody = { ports: 1, partner: "00:00:00:00:00:00" };
const bothDown = ["ens3f0", "ens3f1"].map((netdev) => ({ netdev, up: false }));

/** What the requirement says when the bond is like this. */
async function found(change: Partial<Bond>) {
  const world = await booted(vfLagSpec);
  const [bond] = world.state.bonds;
  assert.ok(bond !== undefined);
  Object.assign(bond, change);
  return brief(check(bondLinks, vfLagSpec, world));
}

test("a bond that is up, with links and a partner, needs nothing", async () => {
  assert.deepEqual(await found({}), []);
});

test("a bond that is down is an error, and nothing else is said of it", async () => {
  assert.deepEqual(await found({ up: false, slaves: bothDown }), [
    { actual: "down", severity: "error", remedy: "person" },
  ]);
});

test("one port without a link is a warning: the other one carries on", async () => {
  const slaves = [
    { netdev: "ens3f0", up: true },
    { netdev: "ens3f1", up: false },
  ];
  assert.deepEqual(await found({ slaves }), [{ actual: "link down", severity: "warning", remedy: "person" }]);
});

test("no port with a link is an error", async () => {
  assert.deepEqual(await found({ slaves: bothDown }), [
    { actual: "no link on ens3f0 and ens3f1", severity: "error", remedy: "person" },
  ]);
});

test("LACP that nobody answers is an error, in the mode that has LACP", async () => {
  const silence = [{ actual: "none answers", severity: "error", remedy: "person" }];
  assert.deepEqual(await found({ lacp: nobody }), silence);
  assert.deepEqual(await found({ lacp: null }), silence);
  assert.deepEqual(await found({ mode: "active-backup", lacp: null }), []);
});

test("a port with a link that LACP does not use is a warning", async () => {
  const alone = { ports: 1, partner: "00:1c:73:00:00:99" };
  assert.deepEqual(await found({ lacp: alone }), [
    { actual: "LACP uses 1", severity: "warning", remedy: "person" },
  ]);
});
