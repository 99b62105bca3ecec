import assert from "node:assert/strict";
import { existsSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, test } from "node:test";
import { withoutAnsible } from "./ansible.ts";
import { expect, folder, kayobe, ownFiles, snapshot, sriov, throughAnsible, write } from "./test-tree.ts";

/** One way through `vflag kayobe` with the real ansible-inventory; the others are in `tree.long.ts`. */
describe("with the real ansible-inventory", { skip: withoutAnsible }, () => {
  test("the sources' mapping at global, group and host level gives each host its own", async () => {
    write("etc/inventory/group_vars/all/sriov.yml", "sriov_physnet_mappings:\n  p4p1: physnet2\n");
    write(
      "etc/inventory/group_vars/compute_sriov/sriov.yml",
      "sriov_physnet_mappings:\n  ens3f0: physnet2\n  ens3f1: physnet3\n",
    );
    write("etc/inventory/host_vars/h3/sriov.yml", "sriov_physnet_mappings:\n  eno6: physnet2\n");
    const diff = (await expect(2, kayobe("diff"))).stdout;
    assert.match(diff, /\+\+\+ inventory\/host_vars\/h3\/vflag-openstack\.yml/);
    assert.match(diff, /note {6}h1, h2, h3: rules by name alone offer the port itself too/);
    await expect(0, kayobe("write"));
    assert.deepEqual(ownFiles(), ["group_vars/all", "group_vars/compute_sriov", "host_vars/h3"]);
    assert.deepEqual(throughAnsible(), {
      h1: { rules: [{ devname: "p4p1", physical_network: "physnet2" }], mappings: ["physnet2:p4p1"] },
      h2: {
        rules: [
          { devname: "ens3f0", physical_network: "physnet2" },
          { devname: "ens3f1", physical_network: "physnet3" },
        ],
        mappings: ["physnet2:ens3f0", "physnet3:ens3f1"],
      },
      h3: { rules: [{ devname: "eno6", physical_network: "physnet2" }], mappings: ["physnet2:eno6"] },
    });
    const before = snapshot();
    assert.match(
      (await expect(0, kayobe("write"))).stdout,
      /Nothing is to be changed in etc: 3 hosts as declared/,
    );
    await expect(0, kayobe("diff"));
    assert.deepEqual(snapshot(), before);

    // The host is as its group again: what it needed is gone.
    rmSync(join(folder, "etc/inventory/host_vars/h3/sriov.yml"));
    await expect(0, kayobe("write"));
    assert.deepEqual(ownFiles(), ["group_vars/all", "group_vars/compute_sriov"]);
    assert.equal(existsSync(join(folder, "etc/inventory/host_vars/h3")), false);
  });
});

test("without ansible-inventory the remedy is named", async () => {
  write("etc/inventory/group_vars/compute/vflag.yml", sriov("ens3f0", "physnet2"));
  const path = [dirname(process.execPath), "/nowhere"].join(":");
  const { stderr } = await expect(1, kayobe("diff"), { PATH: path });
  assert.match(
    stderr,
    /ansible-inventory is not installed[\s\S]*apt-get install --no-install-recommends ansible-core/,
  );
});
