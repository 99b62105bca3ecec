import assert from "node:assert/strict";
import { test } from "node:test";
import type { World } from "../../../src/host/simulated/world.ts";
import type { OpenStack } from "../../../src/host/state/openstack.ts";
import { neutronSriovAgent } from "../../../src/requirements/openstack/neutron-sriov-agent.ts";
import { booted, spec, vfLagSpec } from "../../support/hosts.ts";
import { adviceOf, checkHost, pfOf } from "../view.ts";
import { onPhysnet } from "./physnet.ts";

const plain = spec("version: 1\nnics:\n  - {name: data, mode: sriov, ports: [ens3f0, ens3f1], vfs: 2}\n");
const wanted = onPhysnet(plain);

/** A host that works, whose agent maps these ports. */
async function withMappings(mappings: Readonly<Record<string, string>> | null): Promise<World> {
  const world = await booted(plain);
  const list = Object.entries(mappings ?? {}).map(([device, physnet]) => ({ physnet, device }));
  const sriovAgent = mappings === null ? null : { file: "/etc/sriov_agent.ini", mappings: list };
  world.state.openStack = { sriovAgent, nova: null };
  return world;
}

function warnings(world: World, asked = wanted): string[] {
  return checkHost(neutronSriovAgent, asked, world).map(
    ({ subject, actual, severity, remedy }) => `${severity} ${remedy.kind}: ${subject}: ${actual}`,
  );
}

test("the agent maps the ports of a NIC in mode sriov, and of no other mode", async () => {
  assert.deepEqual(warnings(await withMappings({ ens3f0: "physnet2", ens3f1: "physnet2" })), []);
  const other = await withMappings({ ens3f0: "physnet2", ens3f1: "physnet3" });
  const [one, ...more] = checkHost(neutronSriovAgent, wanted, other);
  assert.deepEqual(more, []);
  assert.deepEqual([one?.expected, one?.nics], ["physnet2", ["data"]]);
  assert.deepEqual(warnings(other), [
    "warning person: ens3f1 (0000:37:00.1): physnet3 in /etc/sriov_agent.ini",
  ]);
  assert.match(
    adviceOf(checkHost(neutronSriovAgent, wanted, other)),
    /^add physnet2:ens3f1 to physical_device_mappings .*, then restart its SR-IOV agent$/,
  );
  const none = await withMappings({});
  assert.deepEqual(
    warnings(none),
    [0, 1].map((port) => `warning person: ens3f${port} (0000:37:00.${port}): not in /etc/sriov_agent.ini`),
  );
  const lag = await booted(vfLagSpec);
  lag.state.openStack = none.state.openStack;
  assert.deepEqual(warnings(lag, onPhysnet(vfLagSpec)), []);
});

test("a port may be mapped to several, and one without a netdev has no name to be mapped by", async () => {
  const world = await withMappings({});
  const mappings = ["physnet2", "physnet3"].flatMap((physnet) =>
    ["ens3f0", "ens3f1"].map((device) => ({ physnet, device })),
  );
  const agent = { file: "/etc/sriov_agent.ini", mappings };
  world.state.openStack = { sriovAgent: agent, nova: null };
  assert.deepEqual(warnings(world), []);
  const byAddress = onPhysnet(
    spec('{version: 1, nics: [{name: data, mode: sriov, ports: [{address: "0000:37:00.1"}], vfs: 2}]}'),
  );
  world.state.openStack = { sriovAgent: { ...agent, mappings: [] }, nova: null };
  assert.equal(warnings(world, byAddress).length, 1);
  pfOf(world, 1).netdev = null;
  assert.deepEqual(warnings(world, byAddress), []);
});

test("a host without the agent, one nobody looked at, or a spec without physnet, is not spoken of", async () => {
  assert.deepEqual(warnings(await withMappings(null)), []);
  const world = await withMappings({});
  assert.deepEqual(warnings(world, plain), []);
  const tunnels = { ...plain, nics: plain.nics.map((nic) => ({ ...nic, physnet: null })) };
  assert.deepEqual(warnings(world, tunnels), []);
  const unseen: OpenStack = { sriovAgent: { unknown: "EACCES" }, nova: null };
  for (const openStack of [unseen, { unknown: "not looked at" }]) {
    world.state.openStack = openStack;
    assert.deepEqual(warnings(world), []);
  }
});
