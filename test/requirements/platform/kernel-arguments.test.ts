import assert from "node:assert/strict";
import { test } from "node:test";
import { grubDropIn, grubDropInPath } from "../../../src/boot/grub.ts";
import type { Action } from "../../../src/host/actions/action.ts";
import { reboot } from "../../../src/host/simulated/events.ts";
import { known } from "../../../src/host/state/observed.ts";
import type { BootLoader } from "../../../src/host/state/platform.ts";
import { kernelArguments } from "../../../src/requirements/platform/kernel-arguments.ts";
import { fresh } from "../../support/hosts.ts";
import { actionsOf, adviceOf, brief, checkHost, pfOf } from "../view.ts";
import { apply, auto, found, loaderOf, off, pages, platformOf, silent, withKernel } from "./platform.ts";

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
  assert.deepEqual(
    found(world, pages, "kernel-arguments").map(({ severity, remedy }) => [severity, remedy.kind]),
    [["warning", "reboot"]],
  );
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

test("a drop-in that nobody wants any more is told as one of another spec", async () => {
  const world = fresh(undefined, "iommu-off");
  await apply(world, pages);
  const [one, ...more] = checkHost(kernelArguments, off, world);
  assert.deepEqual(
    [one?.expected, one?.actual, more],
    ["no arguments of vflag's", "made of another spec", []],
  );
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
  for (const running of [[], ["intel_iommu=on"]]) {
    platformOf(world).arguments = running;
    assert.deepEqual(kinds(actionsOf(found(world, auto, "kernel-arguments"))), ["update-boot-loader"]);
  }
  const other = fresh();
  known(other.state.files)?.push({ path: grubDropInPath, text, mode: 0o644 });
  assert.deepEqual(found(other, auto), []);
  loaderOf(other).outdated = true;
  assert.deepEqual(kinds(actionsOf(found(other, auto))), ["update-boot-loader"]);
});

test("a person's file under the name of vflag's drop-in stays", () => {
  const world = fresh(undefined, "iommu-off");
  known(world.state.files)?.push({ path: grubDropInPath, text: "GRUB_TIMEOUT=1\n", mode: 0o644 });
  for (const lacking of ["intel_iommu=on iommu=pt", "intel_iommu=on"]) {
    known(loaderOf(world).entries)?.[0]?.arguments.push(...(lacking.endsWith("pt") ? [] : ["iommu=pt"]));
    const findings = found(world, auto, "kernel-arguments");
    assert.deepEqual(brief(findings), [
      { actual: `without ${lacking}`, severity: "warning", remedy: "person" },
    ]);
    assert.match(adviceOf(findings), /vflag\.cfg is not made by vflag: give it another name/);
  }
  assert.deepEqual(found(world, off), []);
  loaderOf(world).entries = { unknown: "grub.cfg starts no kernel" };
  assert.deepEqual(brief(found(world, auto, "kernel-arguments")), [
    { actual: "without intel_iommu=on iommu=pt", severity: "unknown", remedy: "person" },
  ]);
});

test("one entry of several that lacks them is enough", () => {
  const world = fresh();
  known(loaderOf(world).entries)?.push({ title: "older kernel", arguments: ["quiet", "iommu=pt"] });
  assert.deepEqual(
    found(world, auto).map(({ subject, actual, severity, bites }) => [subject, actual, severity, bites]),
    [["the next boot's kernel", "without intel_iommu=on", "warning", "at the next boot"]],
  );
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
  const wide = withKernel('iommu: auto, arguments: ["console=ttyS0", "nosmt=force"]');
  known(loaderOf(world).entries)?.[0]?.arguments.push("console=tty0");
  assert.deepEqual(
    found(world, wide).map(({ remedy }) => remedy.kind),
    ["person"],
  );
  assert.match(adviceOf(found(world, wide)), /grubby would replace console=tty0/);
  loaderOf(world).entries = { unknown: "grubby: no end after 30 s" };
  assert.deepEqual(found(world, auto), []);
  assert.deepEqual(brief(found(world, wide)), [
    { actual: "without console=ttyS0 nosmt=force", severity: "unknown", remedy: "person" },
  ]);
});

test("systemd-boot and unknown loaders: what to write where", () => {
  const world = fresh(undefined, "iommu-off");
  const advice = (change: Partial<BootLoader>, kind = "person") => {
    Object.assign(loaderOf(world), change);
    const findings = found(world, auto, "kernel-arguments");
    assert.deepEqual(
      findings.map(({ remedy }) => remedy.kind),
      [kind],
    );
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
    advice(
      { kind: "systemd-boot", entries: [{ title: "a", arguments: ["intel_iommu=on", "iommu=pt"] }] },
      "reboot",
    ),
    /set for the next boot/,
  );
});

test("AMD: the IOMMU is on by itself, only iommu=pt is asked for; other architectures have no arguments for it", () => {
  const world = fresh(undefined, "iommu-off");
  platformOf(world).cpu = { vendor: "AuthenticAMD", virtualization: "svm" };
  assert.match(found(world, auto, "kernel-arguments")[0]?.actual ?? "", /^without iommu=pt$/);
  assert.match(adviceOf(found(world, auto, "iommu")), /turn IOMMU \(AMD-Vi\) on in the BIOS/);
  assert.match(
    found(world, withKernel("iommu: intel"), "kernel-arguments")[0]?.actual ?? "",
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
    const gone = found(world, wanted, "kernel-arguments").slice(0, 1);
    assert.deepEqual(brief(gone), [
      { actual: `${argument} is there, and gone at the next boot`, severity: "warning", remedy: "reboot" },
    ]);
    // One entry of two.
    known(loaderOf(world).entries)?.push({ title: "older kernel", arguments: words });
    const stays = found(world, wanted, "kernel-arguments").slice(0, 1);
    assert.deepEqual(brief(stays), [
      { actual: `${argument} is there`, severity: "warning", remedy: "person" },
    ]);
    assert.match(adviceOf(stays), /take it out of \/etc\/default\/grub/);
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
  const missing =
    "default_hugepagesz=1G hugepagesz=1G hugepages=16 intel_idle.max_cstate=1 processor.max_cstate=1 pci=realloc";
  assert.deepEqual(
    found(world, pages).map(({ actual }) => actual),
    [`without ${missing}`],
  );
});

test("what could not be seen is unknown where something is wanted, with the reason", () => {
  const world = fresh();
  platformOf(world).arguments = { unknown: "/proc is not mounted" };
  const unseen = [{ actual: "/proc is not mounted", severity: "unknown", remedy: "person" }];
  assert.deepEqual(brief(found(world, auto)), unseen);
  assert.deepEqual(found(world, silent), []);
  for (const part of ["cpu", "bootLoader"] as const) {
    const other = fresh();
    platformOf(other)[part] = { unknown: "/proc is not mounted" };
    assert.deepEqual(brief(checkHost(kernelArguments, auto, other)), unseen, part);
  }
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

function kinds(actions: readonly Action[]): string[] {
  return actions.map(({ kind }) => kind);
}
