import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { grubDropIn, grubDropInPath } from "../../src/boot/grub.ts";
import type { Action } from "../../src/host/actions/action.ts";
import { reboot } from "../../src/host/simulated/events.ts";
import { observeWorld, SimulatedHost } from "../../src/host/simulated/host.ts";
import type { World } from "../../src/host/simulated/world.ts";
import { known } from "../../src/host/state/observed.ts";
import type { BootLoader, Platform } from "../../src/host/state/platform.ts";
import { rehearse } from "../../src/reconcile/plan.ts";
import { reconcile } from "../../src/reconcile/reconcile.ts";
import { evaluateHost } from "../../src/requirements/evaluate.ts";
import type { Deviation } from "../../src/requirements/requirement.ts";
import { verdicts } from "../../src/verdict/verdict.ts";
import { fresh, spec } from "../support/hosts.ts";
import { actionsOf, adviceOf, pfOf } from "./view.ts";

const nics = "version: 1\nnics: [{name: data, mode: sriov, ports: [ens3f0], vfs: 2}]\n";
const auto = spec(`${nics}kernel: {iommu: auto}`);
const pages = spec(
  `${nics}kernel: {iommu: auto, hugepages: {size: 1G, count: 16}, maxCstate: 1, arguments: ["pci=realloc"]}`,
);
const off = spec(`${nics}kernel: {iommu: off}`);
const silent = spec(nics);

describe("kernel arguments", () => {
  test("a host that has them needs nothing, and no drop-in", () => {
    assert.deepEqual(found(fresh(), auto), []);
  });

  test("Debian: drop-in and update-grub, then a reboot, then all holds; what is there is kept", async () => {
    const world = fresh(undefined, "iommu-off");
    assert.deepEqual(kinds(actionsOf(found(world, pages, "kernel-arguments"))), [
      "write-file",
      "update-boot-loader",
    ]);
    await apply(world, pages);
    const [left] = found(world, pages, "kernel-arguments");
    assert.equal(left?.remedy.kind, "reboot");
    reboot(world);
    assert.deepEqual(found(world, pages), []);
    const all = known(platformOf(world).arguments)?.join(" ");
    assert.match(
      all ?? "",
      /^BOOT_IMAGE=\S+ root=\S+ ro quiet intel_iommu=on iommu=pt default_hugepagesz=1G hugepagesz=1G hugepages=16 /,
    );
    assert.match(all ?? "", /intel_idle.max_cstate=1 processor.max_cstate=1 pci=realloc$/);
    assert.notEqual(pfOf(world).iommuGroup, null);
  });

  test("killed after any action, and run again, it ends the same", async () => {
    const story = async (killAfter: number) => {
      const world = fresh(undefined, "iommu-off");
      await apply(world, pages);
      await apply(world, auto, killAfter);
      await apply(world, auto);
      return known(loaderOf(world).entries)?.[0]?.arguments.slice(2).join(" ");
    };
    for (const actions of [0, 1, 2, 99])
      assert.equal(await story(actions), "quiet intel_iommu=on iommu=pt", `killed after ${actions}`);
  });

  test("nothing wanted any more: the drop-in goes, also when killed in between", async () => {
    for (const actions of [0, 1, 2, 99]) {
      const world = fresh(undefined, "iommu-off");
      await apply(world, pages);
      await apply(world, off, actions);
      await apply(world, off);
      assert.deepEqual(
        known(world.state.files)?.filter(({ path }) => path === grubDropInPath),
        [],
      );
      assert.equal(
        known(loaderOf(world).entries)?.[0]?.arguments.slice(2).join(" "),
        "quiet",
        `killed after ${actions}`,
      );
    }
  });

  test("without the section nothing is wanted, and a drop-in that is there stays", async () => {
    const world = fresh(undefined, "iommu-off");
    await apply(world, auto);
    assert.deepEqual(found(world, silent, "kernel-arguments"), []);
  });

  test("a drop-in whose arguments are not in grub.cfg, or that is newer than it, is taken over again", () => {
    const world = fresh(undefined, "iommu-off");
    const text = grubDropIn([["intel_iommu=on"], ["iommu=pt"]]);
    known(world.state.files)?.push({ path: grubDropInPath, text, mode: 0o644 });
    assert.deepEqual(kinds(actionsOf(found(world, auto, "kernel-arguments"))), ["update-boot-loader"]);
    loaderOf(world).entries = { unknown: "grub.cfg starts no kernel" };
    assert.deepEqual(kinds(actionsOf(found(world, auto, "kernel-arguments"))), ["update-boot-loader"]);
    const other = fresh();
    known(other.state.files)?.push({ path: grubDropInPath, text, mode: 0o644 });
    assert.deepEqual(found(other, auto), []);
    loaderOf(other).outdated = true;
    assert.deepEqual(kinds(actionsOf(found(other, auto))), ["update-boot-loader"]);
  });

  test("a person's file under the name of vflag's drop-in stays", () => {
    const world = fresh(undefined, "iommu-off");
    known(world.state.files)?.push({ path: grubDropInPath, text: "GRUB_TIMEOUT=1\n", mode: 0o644 });
    assert.deepEqual(actionsOf(found(world, auto)), []);
    assert.match(
      adviceOf(found(world, auto, "kernel-arguments")),
      /vflag\.cfg is not made by vflag: give it another name/,
    );
    assert.deepEqual(found(world, off), []);
  });

  test("one entry of several that lacks them is enough", () => {
    const world = fresh();
    known(loaderOf(world).entries)?.push({ title: "older kernel", arguments: ["quiet", "iommu=pt"] });
    const [first] = found(world, auto);
    assert.equal(first?.actual, "without intel_iommu=on");
    assert.equal(first?.severity, "warning");
  });

  test("RHEL-like: grubby with what is missing; what it would replace is left to a person", async () => {
    const world = fresh(undefined, "iommu-off");
    loaderOf(world).kind = "grubby";
    assert.deepEqual(actionsOf(found(world, auto, "kernel-arguments")), [
      { kind: "set-kernel-arguments", add: ["intel_iommu=on", "iommu=pt"], remove: [] },
    ]);
    await apply(world, auto);
    reboot(world);
    assert.deepEqual(found(world, auto), []);
    const wide = spec(`${nics}kernel: {iommu: auto, arguments: ["console=ttyS0"]}`);
    known(loaderOf(world).entries)?.[0]?.arguments.push("console=tty0");
    assert.deepEqual(actionsOf(found(world, wide)), []);
    assert.match(adviceOf(found(world, wide)), /grubby would replace console=tty0/);
    loaderOf(world).entries = { unknown: "grubby: no end after 30 s" };
    assert.deepEqual(found(world, auto), []);
    assert.deepEqual(
      found(world, wide).map(({ severity }) => severity),
      ["unknown"],
    );
  });

  test("systemd-boot and unknown loaders: what to write where", () => {
    const world = fresh(undefined, "iommu-off");
    const advice = (change: Partial<BootLoader>) => {
      Object.assign(loaderOf(world), change);
      const findings = found(world, auto, "kernel-arguments");
      assert.deepEqual(actionsOf(findings), []);
      return adviceOf(findings);
    };
    assert.match(
      advice({ kind: "systemd-boot" }),
      /add intel_iommu=on iommu=pt to the line in \/etc\/kernel\/cmdline .*kernel-install add/,
    );
    assert.match(
      advice({ kind: "unknown", entries: { unknown: "not known" } }),
      /does not know this host's boot loader: add intel_iommu=on iommu=pt/,
    );
    assert.match(
      advice({ kind: "systemd-boot", entries: [{ title: "a", arguments: ["intel_iommu=on", "iommu=pt"] }] }),
      /set for the next boot/,
    );
  });

  test("AMD: the IOMMU is on by itself, only iommu=pt is asked for; other architectures have no arguments for it", () => {
    const world = fresh(undefined, "iommu-off");
    platformOf(world).cpu = { vendor: "AuthenticAMD", virtualization: "svm" };
    assert.match(found(world, auto, "kernel-arguments")[0]?.actual ?? "", /^without iommu=pt$/);
    assert.match(adviceOf(found(world, auto, "iommu")), /turn IOMMU \(AMD-Vi\) on in the BIOS/);
    assert.match(
      found(world, spec(`${nics}kernel: {iommu: intel}`), "kernel-arguments")[0]?.actual ?? "",
      /intel_iommu=on/,
    );
    platformOf(world).cpu = { vendor: null, virtualization: null };
    assert.deepEqual(found(world, auto, "kernel-arguments"), []);
  });

  test("options among others count, and - is _", () => {
    const world = fresh();
    platformOf(world).arguments = ["intel-iommu=on,sm_on", "iommu=noforce,pt"];
    assert.deepEqual(found(world, auto), []);
  });

  test("arguments that undo it are named, with what to do; once they are gone from the loader a reboot suffices", () => {
    const rows: readonly (readonly [argument: string, wanted: typeof auto])[] = [
      ["intel_iommu=off", auto],
      ["iommu=off", auto],
      ["iommu=nopt", auto],
      ["pci=nomsi,realloc", silent],
      ["pci=noari", auto],
      ["default_hugepagesz=2M", pages],
      ["hugepagesz=1024M hugepages=8", pages],
      ["processor.max_cstate=9", pages],
    ];
    for (const [argument, wanted] of rows) {
      const world = fresh();
      const words = argument.split(" ");
      platformOf(world).arguments = [...(known(platformOf(world).arguments) ?? []), ...words];
      const gone = found(world, wanted, "kernel-arguments")[0];
      assert.ok(gone?.actual.startsWith(`${argument} is there, and gone`), `${argument}: ${gone?.actual}`);
      assert.equal(gone?.remedy.kind, "reboot");
      known(loaderOf(world).entries)?.[0]?.arguments.push(...words);
      const stays = found(world, wanted, "kernel-arguments")[0];
      assert.equal(stays?.actual, `${argument} is there`);
      assert.match(
        adviceOf([...(stays === undefined ? [] : [stays])]),
        /take it out of \/etc\/default\/grub/,
      );
    }
    assert.deepEqual(found(fresh(), off), []);
  });

  test("pages of another size are no conflict", () => {
    const world = fresh();
    platformOf(world).arguments = [
      ...(known(platformOf(world).arguments) ?? []),
      "hugepagesz=2M",
      "hugepages=512",
    ];
    assert.ok(found(world, pages).every(({ actual }) => !actual.includes("is there")));
  });

  test("what could not be seen is unknown where something is wanted, with the reason", () => {
    const world = fresh();
    platformOf(world).arguments = { unknown: "/proc is not mounted" };
    assert.deepEqual(
      found(world, auto).map(({ severity, actual }) => [severity, actual]),
      [["unknown", "/proc is not mounted"]],
    );
    assert.deepEqual(found(world, silent), []);
    world.state.platform = { unknown: "nobody looked" };
    assert.deepEqual(
      found(world, auto).map(({ requirement, severity }) => [requirement, severity]),
      [
        ["cpu-virtualization", "unknown"],
        ["bios-resources", "unknown"],
        ["kernel-arguments", "unknown"],
      ],
    );
  });
});

describe("the IOMMU", () => {
  test("without groups no NIC works: first the arguments, then a reboot, then the BIOS", async () => {
    const world = fresh(undefined, "iommu-off");
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

  test("a port that is in no group, while there are some, concerns its NIC only", () => {
    const world = fresh();
    pfOf(world).iommuGroup = null;
    const [one] = found(world, auto, "iommu");
    assert.deepEqual([one?.severity, one?.nics, one?.subject], ["error", ["data"], "ens3f0 (0000:37:00.0)"]);
  });

  test("a kernel started with iommu=off is sent to kernel-arguments, not to the BIOS", () => {
    const world = fresh(undefined, "iommu-off");
    platformOf(world).arguments = ["iommu=off", "intel_iommu=on", "iommu=pt"];
    assert.match(adviceOf(found(world, auto, "iommu")), /started with iommu=off: see kernel-arguments/);
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
});

describe("BIOS and services", () => {
  test("what the kernel said about a port counts as long as its VFs are not there", async () => {
    const world = fresh(undefined, "no-mmio");
    assert.deepEqual(found(world, auto), []);
    await apply(world, auto);
    const [one] = found(world, auto, "bios-resources");
    assert.equal(one?.severity, "error");
    assert.match(adviceOf(found(world, auto, "bios-resources")), /above-4G decoding/);
    world.hidden.behaviours = [];
    await apply(world, auto);
    assert.deepEqual(found(world, auto), []);
  });

  test("a port that offers no VF, and a log that cannot be read", () => {
    const world = fresh();
    platformOf(world).biosSigns = { unknown: "the kernel log cannot be read: EPERM" };
    assert.deepEqual(
      found(world, auto).map(({ severity }) => severity),
      ["unknown"],
    );
    const { sriov } = pfOf(world);
    assert.ok(sriov !== null);
    sriov.total = 0;
    assert.deepEqual(
      found(world, auto).map(({ actual }) => actual),
      ["sriov_totalvfs is 0"],
    );
  });

  test("openibd is disabled by apply; the interface manager has to be masked by a person", async () => {
    const world = fresh(undefined, "openibd");
    assert.deepEqual(actionsOf(found(world, auto)), [
      { kind: "disable-unit", unit: "openibd.service", reload: true },
    ]);
    await apply(world, auto);
    assert.deepEqual(found(world, auto), []);
    const manager = {
      name: "mlnx_interface_mgr@lo.service",
      path: "/usr/lib/systemd/system/mlnx_interface_mgr@.service",
      active: "inactive",
      result: "success",
    };
    world.state.units = [{ ...manager, enabled: "static" }];
    assert.match(adviceOf(found(world, auto)), /systemctl mask mlnx_interface_mgr@\.service/);
    world.state.units = [{ ...manager, enabled: "masked" }];
    assert.deepEqual(found(world, auto), []);
    world.state.units = [{ ...manager, name: "openibd.service", enabled: "generated", active: "active" }];
    assert.match(adviceOf(found(world, auto)), /systemctl disable openibd/);
    world.state.units = { unknown: "no systemd" };
    assert.deepEqual(
      found(world, auto).map(({ severity }) => severity),
      ["unknown"],
    );
  });
});

/** What is off beneath the NICs. */
function found(world: World, wanted: typeof auto, requirement?: string): Deviation[] {
  const all = evaluateHost(wanted, observeWorld(world), ["platform"]);
  return requirement === undefined ? all : all.filter((deviation) => deviation.requirement === requirement);
}

/** @param killAfter that many actions, the run ends */
async function apply(world: World, wanted: typeof auto, killAfter = Number.POSITIVE_INFINITY): Promise<void> {
  const host = new SimulatedHost(world);
  let done = 0;
  const killed = new Error("killed");
  const perform = async (action: Action) => {
    if (done++ >= killAfter) throw killed;
    await host.perform(action);
  };
  await reconcile({ observe: () => host.observe(), perform }, wanted, {
    stages: ["platform", "early"],
  }).catch((error: unknown) => {
    if (error !== killed) throw error;
  });
}

function kinds(actions: readonly Action[]): string[] {
  return actions.map(({ kind }) => kind);
}

function platformOf(world: World): Platform {
  const platform = known(world.state.platform);
  assert.ok(platform !== undefined);
  return platform;
}

function loaderOf(world: World): BootLoader {
  const loader = known(platformOf(world).bootLoader);
  assert.ok(loader !== undefined);
  return loader;
}
