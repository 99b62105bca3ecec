import assert from "node:assert/strict";
import { test } from "node:test";
import { cpuVirtualization } from "../../../src/requirements/platform/cpu-virtualization.ts";
import { fresh } from "../../support/hosts.ts";
import { adviceOf, brief, checkHost } from "../view.ts";
import { auto, off, platformOf, silent } from "./platform.ts";

const look = (world = fresh()) => checkHost(cpuVirtualization, auto, world);

test("it is asked unless the spec wants no IOMMU", () => {
  const { state } = fresh();
  const reason = "the spec says kernel.iommu: off";
  assert.deepEqual(
    [silent, auto, off].map((wanted) => cpuVirtualization.notAsked?.(wanted, state)),
    [null, null, reason],
  );
});

test("a processor without the flag is a warning, in the words of its vendor's BIOS", () => {
  assert.deepEqual(look(), []);
  const table = [
    ["GenuineIntel", /^turn Intel Virtualization Technology \(VT-x\) and VT-d on in the BIOS; /],
    ["AuthenticAMD", /^turn SVM Mode and IOMMU on in the BIOS; /],
  ] as const;
  for (const [vendor, advice] of table) {
    const world = fresh();
    platformOf(world).cpu = { vendor, virtualization: null };
    assert.deepEqual(brief(look(world)), [
      { actual: "neither vmx nor svm in /proc/cpuinfo", severity: "warning", remedy: "person" },
    ]);
    assert.match(adviceOf(look(world)), advice);
  }
});

test("what the kernel said of it is told", () => {
  const world = fresh();
  platformOf(world).cpu = { vendor: "GenuineIntel", virtualization: null };
  const text = "x86/cpu: VMX (outside TXT) disabled by BIOS";
  platformOf(world).biosSigns = [
    { sign: "mmio", device: null, text: "not enough MMIO resources" },
    { sign: "virtualization", device: null, text },
  ];
  assert.deepEqual(
    look(world).map(({ actual }) => actual),
    [`off: the kernel says: ${text}`],
  );
});

test("other architectures tell it otherwise; a processor that was not looked at is not known", () => {
  const world = fresh();
  platformOf(world).cpu = { vendor: null, virtualization: null };
  assert.deepEqual(look(world), []);
  const unseen = (actual: string) => [{ actual, severity: "unknown", remedy: "person" }];
  platformOf(world).cpu = { unknown: "/proc is not mounted" };
  assert.deepEqual(brief(look(world)), unseen("/proc is not mounted"));
  world.state.platform = { unknown: "nobody looked" };
  assert.deepEqual(brief(look(world)), unseen("nobody looked"));
});
