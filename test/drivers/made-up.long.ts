import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { makeTree } from "../host/linux/tree.ts";
import { Sources } from "../house/sources.ts";

/**
 * A driver is one folder and one line of the registry: the program with one more, of a NIC that nobody makes.
 */

/**
 * It has an eSwitch, makes VFs by sysfs, has a module of its own for them, and bears no two changes of mode
 * at once.
 */
const driver = `import type { Driver } from "../driver.ts";
import { generic } from "../generic/driver.ts";
import { switchdevNic } from "../generic/profiles.ts";

export const quux: Driver = {
  ...generic,
  name: "quux",
  models: [{ name: "Quux 9000", vendor: "f00d", product: "9000", vfProduct: "9001", vfLag: false }],
  vfDriver: "quuxvf",
  profileOf: () => ({ ...switchdevNic, vfLag: false, steering: [], totalVfs: 12, seconds: { ...switchdevNic.seconds, probeVf: 2 } }),
};
`;

function withQuux(t: TestContext): Sources {
  const sources = new Sources(t);
  sources.add("src/drivers/quux/driver.ts", driver);
  const line = 'import { quux } from "./quux/driver.ts";';
  sources.insert("src/drivers/registry.ts", "readonly Driver[] = [", "quux, ", line);
  return sources;
}

test("a made-up driver's NIC is planned, set up and verified", (t) => {
  const sources = withQuux(t);
  const vflag = (...argv: readonly string[]) => sources.vflag(...argv);
  const folder = makeTree(t, {});
  const [host, spec] = [join(folder, "host.json"), join(folder, "vflag.yaml")];
  const made = vflag("simulate", "new", host, "--nic", "Quux 9000");
  assert.equal(made.status, 0, made.said);
  for (const mode of ["sriov", "switchdev"]) {
    writeFileSync(spec, `version: 1\nnics: [{name: data, mode: ${mode}, ports: [ens3f0, ens3f1], vfs: 3}]\n`);
    const plan = vflag("plan", "--host", host, "--spec", spec);
    assert.match(plan.said, /set pci\/0000:37:00\.0 mode switchdev|sriov_numvfs/, plan.said);
    const apply = vflag("apply", "--host", host, "--spec", spec);
    assert.equal(apply.status, 0, apply.said);
    const verify = vflag("verify", "--host", host, "--spec", spec);
    assert.equal(verify.status, 0, verify.said);
    const { state } = JSON.parse(readFileSync(host, "utf8"));
    for (const pf of state.pfs) {
      assert.deepEqual(
        [pf.driver, pf.model, pf.eswitch.mode],
        ["quux", "Quux 9000", mode === "sriov" ? "legacy" : "switchdev"],
      );
      assert.deepEqual(
        pf.vfs.map((vf: { driver: string; product: string }) => [vf.driver, vf.product]),
        Array(3).fill(["quuxvf", "9001"]),
      );
    }
  }
  const lag = `version: 1\nnics: [{name: data, mode: vf-lag, ports: [ens3f0, ens3f1], vfs: 3, bond: bond0}]\n`;
  writeFileSync(spec, lag);
  const refused = vflag("plan", "--host", host, "--spec", spec);
  assert.match(refused.said, /ConnectX-5 or later/, refused.said);
});
