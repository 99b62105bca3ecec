import assert from "node:assert/strict";
import { test } from "node:test";
import { reboot } from "../../../src/host/simulated/events.ts";
import { observeWorld } from "../../../src/host/simulated/host.ts";
import { known } from "../../../src/host/state/observed.ts";
import { rehearse } from "../../../src/reconcile/plan.ts";
import { iommu } from "../../../src/requirements/platform/iommu.ts";
import { verdicts } from "../../../src/verdict/verdict.ts";
import { afterEarly, fresh, spec } from "../../support/hosts.ts";
import { adviceOf, brief, checkHost, pfOf, vfOf } from "../view.ts";
import { apply, auto, found, loaderOf, off, platformOf, silent } from "./platform.ts";

test("it is asked unless the spec wants none", () => {
  const { state } = fresh();
  const reason = "the spec says kernel.iommu: off";
  assert.deepEqual(
    [silent, auto, off].map((wanted) => iommu.notAsked?.(wanted, state)),
    [null, null, reason],
  );
});

test("without groups no NIC works: first the arguments, then a reboot, then the BIOS", async () => {
  const world = fresh(undefined, "iommu-off");
  assert.deepEqual(brief(found(world, silent, "iommu")), [
    { actual: "there is no IOMMU group", severity: "error", remedy: "person" },
  ]);
  assert.match(adviceOf(found(world, silent, "iommu")), /add kernel: \{iommu: auto\} to the spec/);
  assert.match(
    adviceOf(found(world, auto, "iommu")),
    /the kernel needs intel_iommu=on: see kernel-arguments/,
  );
  assert.deepEqual(
    verdicts(auto, observeWorld(world)).map(({ answer, reason }) => [answer, reason?.requirement]),
    [["broken", "iommu"]],
  );
  await apply(world, auto);
  assert.equal(found(world, auto, "iommu")[0]?.remedy.kind, "reboot");
  reboot(world);
  assert.deepEqual(found(world, auto, "iommu"), []);
  const bios = fresh(undefined, "virtualization-off");
  assert.match(adviceOf(found(bios, auto, "iommu")), /turn VT-d on in the BIOS/);
  reboot(bios);
  assert.match(
    adviceOf(found(bios, auto, "cpu-virtualization")),
    /turn Intel Virtualization Technology \(VT-x\) and VT-d on in the BIOS/,
  );
  assert.deepEqual(found(bios, off), []);
});

test("one boot entry of several without the argument: a reboot alone is no remedy", async () => {
  const world = fresh(undefined, "iommu-off");
  await apply(world, auto);
  known(loaderOf(world).entries)?.push({ title: "older kernel", arguments: ["quiet"] });
  assert.equal(found(world, auto, "iommu")[0]?.remedy.kind, "person");
});

test("each vendor's BIOS has its own word for it", () => {
  const world = fresh(undefined, "virtualization-off");
  platformOf(world).cpu = { vendor: "AuthenticAMD", virtualization: "svm" };
  assert.equal(checkHost(iommu, auto, world)[0]?.remedy.kind, "person");
  assert.match(adviceOf(checkHost(iommu, auto, world)), /^turn IOMMU \(AMD-Vi\) on in the BIOS: /);
  platformOf(world).cpu = { vendor: null, virtualization: null };
  assert.match(adviceOf(checkHost(iommu, auto, world)), /^turn the IOMMU \(SMMU\) on in the BIOS: /);
});

test("a port that is in no group, while there are some, concerns its NIC only", () => {
  const world = fresh();
  pfOf(world).iommuGroup = null;
  const [one, ...more] = found(world, auto, "iommu");
  assert.deepEqual(more, []);
  assert.deepEqual([one?.severity, one?.nics, one?.subject], ["error", ["data"], "ens3f0 (0000:37:00.0)"]);
  assert.deepEqual(
    [one?.expected, one?.actual, one?.remedy.kind],
    ["in an IOMMU group", "in none of the 42 IOMMU groups", "person"],
  );
});

test("a VF that is in no group cannot be given to a guest either", async () => {
  const world = await afterEarly(auto);
  vfOf(world, 0, 1).iommuGroup = null;
  assert.deepEqual(
    found(world, auto, "iommu").map(({ subject, severity }) => [subject, severity]),
    [["VF 1 (0000:37:00.3) of ens3f0 (0000:37:00.0)", "error"]],
  );
});

test("how many groups there are is asked only where no port proves it", () => {
  const world = fresh();
  platformOf(world).iommuGroups = { unknown: "/sys/kernel/iommu_groups: EACCES" };
  assert.deepEqual(checkHost(iommu, auto, world), []);
  const nowhere = spec("{version: 1, nics: [{name: data, mode: sriov, ports: [ens9f0], vfs: 2}]}");
  const unseen = (actual: string) => [{ actual, severity: "unknown", remedy: "person" }];
  assert.deepEqual(brief(checkHost(iommu, nowhere, world)), unseen("/sys/kernel/iommu_groups: EACCES"));
  pfOf(world).iommuGroup = null;
  assert.deepEqual(brief(checkHost(iommu, auto, world)), unseen("/sys/kernel/iommu_groups: EACCES"));
  world.state.platform = { unknown: "nobody looked" };
  assert.deepEqual(brief(checkHost(iommu, auto, world)), unseen("nobody looked"));
});

test("a kernel started with iommu=off is sent to kernel-arguments, not to the BIOS", () => {
  const world = fresh(undefined, "iommu-off");
  platformOf(world).arguments = ["iommu=off", "intel_iommu=on", "iommu=pt"];
  assert.equal(found(world, auto, "iommu")[0]?.remedy.kind, "person");
  assert.match(adviceOf(found(world, auto, "iommu")), /started with iommu=off: see kernel-arguments/);
  // What undoes SR-IOV, and not the IOMMU, is not its cause.
  platformOf(world).arguments = ["pci=noari", "intel_iommu=on", "iommu=pt"];
  assert.match(adviceOf(found(world, auto, "iommu")), /^turn VT-d on in the BIOS/);
});

test("a kernel that has it on by default keeps it over a reboot without arguments", () => {
  const world = fresh();
  platformOf(world).arguments = ["quiet"];
  known(loaderOf(world).entries)?.forEach((entry) => {
    entry.arguments = ["quiet"];
  });
  reboot(world);
  assert.notEqual(platformOf(world).iommuGroups, 0);
  assert.deepEqual(found(world, silent), []);
});

test("a plan goes over the reboot: the arguments now, everything else again after it", async () => {
  const plan = await rehearse(auto, observeWorld(fresh(undefined, "iommu-off")));
  assert.deepEqual(
    plan.phases.map(({ after }) => after),
    ["now", "reboot", "networking"],
  );
  assert.ok(plan.phases[1]?.steps.some(({ requirement }) => requirement === "vf-count"));
  assert.deepEqual(
    plan.remaining.map(({ answer }) => answer),
    ["works"],
  );
});
