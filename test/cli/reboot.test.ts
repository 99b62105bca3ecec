import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { expectVflag } from "../support/command.ts";

/** What needs a reboot, as an operator lives through it on the command line. */
const spec = `version: 1
nics:
  - name: data
    mode: vf-lag
    ports: [ens3f0, ens3f1]
    vfs: 2
    bond: bond0
kernel: {iommu: auto, hugepages: {size: 1G, count: 16}}
`;
const onHost = ["--host", "host.json", "--spec", "vflag.yaml"];
let folder = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "vflag-cli-"));
  writeFileSync(join(folder, "vflag.yaml"), spec);
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("a reboot as part of a plan", () => {
  test("apply says why and what follows; after the reboot all of it has come true", async () => {
    await expect(0, ["simulate", "new", "host.json", "--bond", "bond0", "--fault", "iommu-off"]);
    await expect(2, ["verify", ...onHost], /iommu {2}IOMMU: there is no IOMMU group[\s\S]*does not work/);
    await expect(
      2,
      ["plan", ...onHost],
      /vflag render grub > \/etc\/default\/grub\.d\/vflag\.cfg[\s\S]*update-grub[\s\S]*A reboot is needed/,
    );
    const { stdout } = await expect(2, ["apply", ...onHost]);
    assert.equal(
      stdout.slice(stdout.indexOf("Reboot needed")),
      `Reboot needed (vflag does not do it):
  host: the running kernel: without intel_iommu=on iommu=pt default_hugepagesz=1G hugepagesz=1G hugepages=16
  host: IOMMU: there is no IOMMU group
At the next boot then follow:
  before networking (vflag-early.service):
    data  each port has the declared number of VFs                 4 actions
    data  the eSwitch is in switchdev mode (legacy in mode sriov)  2 actions
  after networking has made the bond (vflag-late.service):
    data  the NIC's LAG is active, of type switchdev                   1 action
    data  VFs may be bound to drivers (sriov_drivers_autoprobe is 1)   2 actions
    data  every VF is bound to its driver, or to vfio-pci for a guest  4 actions
After it, \`vflag verify\` shows whether all holds.
`,
    );
    const again = JSON.parse((await expect(2, ["apply", ...onHost, "-o", "json"])).stdout);
    assert.deepEqual(
      again.reboot.phases.map(({ after }: { after: string }) => after),
      ["reboot", "networking"],
    );
    assert.equal(again.reboot.because[0].requirement, "kernel-arguments");

    await expect(0, ["simulate", "reboot", "host.json"]);
    await expect(0, ["boot", "early", ...onHost]);
    await expect(0, ["simulate", "network", "host.json"]);
    await expect(0, ["boot", "late", ...onHost]);
    const verdict = await expect(0, ["verify", ...onHost], /data {2}vf-lag {2}works/);
    assert.doesNotMatch(verdict.stdout, /kernel-arguments|iommu/);
    await expect(0, ["plan", ...onHost], /Nothing to do/);
    const applied = await expect(0, ["apply", ...onHost], /Nothing was to be done/);
    assert.doesNotMatch(applied.stdout, /Reboot needed/);
    const state = JSON.parse((await expect(0, ["inspect", "--host", "host.json", "-o", "json"])).stdout);
    assert.ok(
      state.platform.arguments
        .join(" ")
        .endsWith("ro quiet intel_iommu=on iommu=pt default_hugepagesz=1G hugepagesz=1G hugepages=16"),
    );
  });

  test("a NIC that works is no reason to be silent: exit code 2 until the reboot", async () => {
    await expect(0, ["simulate", "new", "host.json", "--bond", "bond0"]);
    await expect(2, ["apply", ...onHost], /Reboot needed/);
    await expect(0, ["simulate", "network", "host.json"]);
    const { stdout } = await expect(2, ["apply", ...onHost], /Reboot needed/);
    assert.match(stdout, /the running kernel: without default_hugepagesz=1G hugepagesz=1G hugepages=16/);
    await expect(0, ["verify", ...onHost], /data {2}vf-lag {2}works/);
  });

  test("a verify after the reboot shows what did not come true", async () => {
    await expect(0, [
      "simulate",
      "new",
      "host.json",
      "--bond",
      "bond0",
      "--fault",
      "iommu-off",
      "virtualization-off",
    ]);
    await expect(2, ["apply", ...onHost], /Reboot needed/);
    await expect(0, ["simulate", "reboot", "host.json"]);
    await expect(2, ["verify", ...onHost], /turn VT-d on in the BIOS/);
  });
});

describe("vflag render grub", () => {
  test("prints what apply writes", async () => {
    await expect(0, ["simulate", "new", "host.json", "--bond", "bond0", "--fault", "iommu-off"]);
    const { stdout } = await expect(0, ["render", "grub", ...onHost], /"intel_iommu=on" "iommu=pt"/);
    await expect(2, ["apply", ...onHost]);
    const { state } = JSON.parse(readFileSync(join(folder, "host.json"), "utf8"));
    const file = state.files.find(({ path }: { path: string }) => path === "/etc/default/grub.d/vflag.cfg");
    assert.equal(file.text, stdout);
  });

  test("says what is missing", async () => {
    writeFileSync(join(folder, "vflag.yaml"), spec.replace(/kernel.*\n/, ""));
    await expect(0, ["simulate", "new", "host.json"]);
    await expect(1, ["render", "grub", ...onHost], /has no section kernel/);
    await expect(1, ["render", "grub", "--host", "host.json", "--spec", "none.yaml"], /no such file/);
  });
});

function expect(status: number, words: readonly string[], shows?: RegExp) {
  return expectVflag(folder, status, words, shows);
}
