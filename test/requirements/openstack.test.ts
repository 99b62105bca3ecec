import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { observeWorld } from "../../src/host/simulated/host.ts";
import type { World } from "../../src/host/simulated/world.ts";
import type { Spec } from "../../src/spec/schema.ts";
import { verdicts } from "../../src/verdict/verdict.ts";
import { booted, spec, vfLagSpec } from "../support/hosts.ts";

const onPhysnet = (wanted: Spec): Spec => ({
  ...wanted,
  nics: wanted.nics.map((nic) => ({ ...nic, physnet: "physnet2" })),
});
const vfLag = onPhysnet(vfLagSpec);
const sriov = onPhysnet(
  spec("version: 1\nnics:\n  - {name: data, mode: sriov, ports: [ens3f0, ens3f1], vfs: 2}\n"),
);

function warnings(world: World, wanted: Spec): string[] {
  const [verdict] = verdicts(wanted, observeWorld(world));
  assert.notEqual(verdict?.answer, "unknown");
  return (verdict?.deviations ?? [])
    .filter(({ requirement }) => requirement === "nova-pci" || requirement === "neutron-sriov-agent")
    .map(({ subject, actual, severity }) => `${severity}: ${subject}: ${actual}`);
}

async function withNova(...rules: readonly string[]): Promise<string[]> {
  const world = await booted(vfLag);
  world.state.openStack = { sriovAgent: null, nova: { file: "/etc/nova/nova.conf", rules: [...rules] } };
  return warnings(world, vfLag);
}

describe("Nova's device_spec and the VFs that exist", () => {
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
    assert.deepEqual(await withNova('{"devname": "ens3f0", "physical_network": "physnet2"}'), [
      "warning: ens3f1 (0000:37:00.1): 2 of 2 VFs are not matched in /etc/nova/nova.conf",
    ]);
  });

  test("a port's address stands for its VFs only where it is whole: not with a wildcard, nor without its domain", async () => {
    const missing = ["warning: ens3f1 (0000:37:00.1): 2 of 2 VFs are not matched in /etc/nova/nova.conf"];
    assert.deepEqual(await withNova('{"address": "0000:37:00.*", "physical_network": "physnet2"}'), missing);
    const other = '{"devname": "ens3f0", "physical_network": "physnet2"}';
    assert.deepEqual(
      await withNova(other, '{"address": "37:00.1", "physical_network": "physnet2"}'),
      missing,
    );
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
    assert.match(
      (await withNova('{"address": "0000:37:00.*"}')).join(),
      /2 VFs are without physical_network/,
    );
    assert.match(
      (await withNova('{"vendor_id": "15b3", "product_id": "1017", "physical_network": "physnet2"}')).join(),
      /not matched/,
    );
  });

  test("rules that Nova refuses, and such as vflag cannot read", async () => {
    assert.deepEqual(await withNova("{broken"), [
      "warning: [pci] in /etc/nova/nova.conf: nova-compute refuses them: not JSON: {broken",
    ]);
    assert.match(
      (await withNova('{"devname": "ens3f0", "address": "*:*:*.*"}')).join(),
      /refuses them: devname and address in one rule/,
    );
    assert.deepEqual(await withNova('{"address": "$my_address"}'), []);
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
});

test("Neutron's SR-IOV agent maps the ports of a NIC in mode sriov, and of no other mode", async () => {
  const world = await booted(sriov);
  const mappings = [
    { physnet: "physnet2", device: "ens3f0" },
    { physnet: "physnet3", device: "ens3f1" },
  ];
  world.state.openStack = { sriovAgent: { file: "/etc/sriov_agent.ini", mappings }, nova: null };
  assert.deepEqual(warnings(world, sriov), [
    "warning: ens3f1 (0000:37:00.1): physnet3 in /etc/sriov_agent.ini",
  ]);
  world.state.openStack = { sriovAgent: { file: "/etc/sriov_agent.ini", mappings: [] }, nova: null };
  assert.equal(warnings(world, sriov).length, 2);
  const other = await booted(vfLag);
  other.state.openStack = world.state.openStack;
  assert.deepEqual(warnings(other, vfLag), []);
});
