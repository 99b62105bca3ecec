import assert from "node:assert/strict";
import { test } from "node:test";
import type { World } from "../../../src/host/simulated/world.ts";
import { novaPci } from "../../../src/requirements/openstack/nova-pci.ts";
import type { Spec } from "../../../src/spec/schema.ts";
import { booted, vfLagSpec } from "../../support/hosts.ts";
import { adviceOf, checkHost, pfOf } from "../view.ts";
import { onPhysnet } from "./physnet.ts";

/** Nova's device_spec and the VFs that exist. */

const vfLag = onPhysnet(vfLagSpec);

function warnings(world: World, wanted: Spec): string[] {
  return checkHost(novaPci, wanted, world).map(
    ({ subject, actual, severity, remedy }) => `${severity} ${remedy.kind}: ${subject}: ${actual}`,
  );
}

async function host(...rules: readonly string[]): Promise<World> {
  const world = await booted(vfLag);
  world.state.openStack = { sriovAgent: null, nova: { file: "/etc/nova/nova.conf", rules: [...rules] } };
  return world;
}

async function withNova(...rules: readonly string[]): Promise<string[]> {
  return warnings(await host(...rules), vfLag);
}

for (const line of [
  '{"address": "0000:37:*.*", "physical_network": "physnet2"}',
  '{"address": ":37:", "physical_network": "physnet2"}',
  '{"address": "*:37:*.*", "physical_network": "physnet2"}',
  '{"vendor_id": "15b3", "product_id": "1018", "physical_network": "physnet2"}',
  '[{"devname": "ens3f0", "physical_network": "physnet2"}, {"address": "0000:37:00.1", "physical_network": "physnet2"}]',
  '{"address": {"bus": "37"}, "physical_network": "physnet2"}',
])
  test(`${line}: nothing to say`, async () => assert.deepEqual(await withNova(line), []));

test("one port's VFs are not matched", async () => {
  const world = await host('{"devname": "ens3f0", "physical_network": "physnet2"}');
  assert.deepEqual(warnings(world, vfLag), [
    "warning person: ens3f1 (0000:37:00.1): 2 of 2 VFs are not matched in /etc/nova/nova.conf",
  ]);
  const found = checkHost(novaPci, vfLag, world);
  assert.deepEqual(
    found.map(({ expected, nics }) => [expected, nics]),
    [["physnet2", ["data"]]],
  );
  assert.match(
    adviceOf(found),
    /^\[pci\] device_spec = \{"address":"0000:37:00\.1","physical_network":"physnet2"\} in Nova's configuration/,
  );
});

test("VFs that are declared and not there are not counted", async () => {
  const world = await host('{"devname": "ens3f0", "physical_network": "physnet2"}');
  pfOf(world, 1).vfs.pop();
  assert.deepEqual(warnings(world, vfLag), [
    "warning person: ens3f1 (0000:37:00.1): 1 of 1 VF is not matched in /etc/nova/nova.conf",
  ]);
});

test("a port's address stands for its VFs only where it is whole: not with a wildcard, nor without its domain", async () => {
  const missing = [
    "warning person: ens3f1 (0000:37:00.1): 2 of 2 VFs are not matched in /etc/nova/nova.conf",
  ];
  assert.deepEqual(await withNova('{"address": "0000:37:00.*", "physical_network": "physnet2"}'), missing);
  const other = '{"devname": "ens3f0", "physical_network": "physnet2"}';
  assert.deepEqual(await withNova(other, '{"address": "37:00.1", "physical_network": "physnet2"}'), missing);
});

test("of another network, of none, or by the PF's product instead of the VF's", async () => {
  assert.match(
    (await withNova('{"address": "0000:37:00.*", "physical_network": "physnet3"}')).join(),
    /2 VFs are on physnet3/,
  );
  assert.match(
    (await withNova('{"address": "0000:37:*.*", "physical_network": null}')).join(),
    /2 VFs are on tunnels \(null\)/,
  );
  assert.match((await withNova('{"address": "0000:37:00.*"}')).join(), /2 VFs are without physical_network/);
  assert.match(
    (await withNova('{"vendor_id": "15b3", "product_id": "1017", "physical_network": "physnet2"}')).join(),
    /not matched/,
  );
});

test("rules that Nova refuses, and such as vflag cannot read", async () => {
  assert.deepEqual(await withNova("{broken"), [
    "warning person: [pci] in /etc/nova/nova.conf: nova-compute refuses them: not JSON: {broken",
  ]);
  assert.match(
    (await withNova('{"devname": "ens3f0", "address": "*:*:*.*"}')).join(),
    /refuses them: devname and address in one rule/,
  );
  assert.deepEqual(await withNova('{"address": "$my_address"}'), []);
  assert.deepEqual(await withNova('{"address": {"bus": "(?#any)"}}'), []);
});

test("the first rule that matches decides, as for Nova", async () => {
  const [first, second] = ["physnet3", "physnet2"].map((physnet) =>
    JSON.stringify({ address: "*:37:*.*", physical_network: physnet }),
  );
  assert.equal((await withNova(first ?? "", second ?? "")).length, 2);
  assert.deepEqual(await withNova(second ?? "", first ?? ""), []);
});

test("a host without it, or a spec without physnet, is not spoken of", async () => {
  assert.deepEqual(await withNova(), []);
  const world = await booted(vfLagSpec);
  world.state.openStack = { sriovAgent: null, nova: { file: "x", rules: ['{"devname": "eth9"}'] } };
  assert.deepEqual(warnings(world, vfLagSpec), []);
  world.state.openStack = { unknown: "not looked at" };
  assert.deepEqual(warnings(world, vfLag), []);
});
