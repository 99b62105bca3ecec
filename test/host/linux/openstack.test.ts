import assert from "node:assert/strict";
import { test } from "node:test";
import { findOpenStack, mappingsIn, pciRulesIn } from "../../../src/host/linux/openstack.ts";
import { makeTree } from "./tree.ts";

test("the SR-IOV agent's mappings, of their section only", () => {
  const text = `
[DEFAULT]
physical_device_mappings = physnet9:eth9
# physical_device_mappings = physnet8:eth8
[sriov_nic]
physical_device_mappings = physnet2:ens3f0, physnet2:ens3f1 ,
exclude_devices =
`;
  assert.deepEqual(mappingsIn(text), [
    { physnet: "physnet2", device: "ens3f0" },
    { physnet: "physnet2", device: "ens3f1" },
  ]);
  assert.deepEqual(mappingsIn("[sriov_nic]\nphysical_device_mappings =\n"), []);
});

test("Nova's entries: one a line, a list over several, the older names, and addresses in its own language", () => {
  const text = `
[DEFAULT]
pci_passthrough_whitelist = {"devname": "ens9f0", "physical_network": "physnet9"}
[pci]
device_spec = {"address": "0000:37:00.*", "physical_network": "physnet2"}
device_spec = {"vendor_id": "0x15B3", "product_id": "1018", "physical_network": null}
passthrough_whitelist = [{"devname": "ens3f0"},
   {"address": {"domain": ".*", "bus": "37"}, "physical_network": "physnet2"}]
device_spec = {broken
[database]
device_spec = {"devname": "no"}
`;
  assert.deepEqual(pciRulesIn(text), [
    '{"address": "0000:37:00.*", "physical_network": "physnet2"}',
    '{"vendor_id": "0x15B3", "product_id": "1018", "physical_network": null}',
    "{broken",
    '[{"devname": "ens3f0"},\n{"address": {"domain": ".*", "bus": "37"}, "physical_network": "physnet2"}]',
    '{"devname": "ens9f0", "physical_network": "physnet9"}',
  ]);
});

test("Kolla's files come before the distribution's; what is not there is no configuration; nothing else of a file is kept", (t) => {
  const root = makeTree(t, {
    "etc/kolla/nova-compute/nova.conf":
      '[DEFAULT]\ntransport_url = rabbit://u:secret@h\n[pci]\ndevice_spec = {"devname": "ens3f0"}\n',
    "etc/nova/nova.conf": "[pci]\n",
  });
  const found = findOpenStack(root);
  assert.deepEqual(found, {
    sriovAgent: null,
    nova: { file: "/etc/kolla/nova-compute/nova.conf", rules: ['{"devname": "ens3f0"}'] },
  });
  assert.ok(!JSON.stringify(found).includes("secret"));
});
