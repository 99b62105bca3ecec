import assert from "node:assert/strict";
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { LinuxHost } from "../../../../src/host/linux/host.ts";
import { isUnknown, known } from "../../../../src/host/state/observed.ts";
import { bond, fakeKernel, fakeNetlink, link, pciLink, slaveOf } from "../fake-kernel.ts";
import { connectX5, makeTree } from "../tree.ts";

/**
 * A host of kernel 5.10, whose debugfs has no directory of the LAG, as the boot stages and `verify` see it.
 */

const ports = ["0000:37:00.0", "0000:37:00.1"] as const;
const boot = [
  ...ports.map((port) => `mlx5_core ${port}: firmware version: 16.35.2000`),
  ...ports.map((port) => `mlx5_core ${port}: E-Switch: Enable: mode(OFFLOADS), nvfs(2), active vports(3)`),
  "bond0: (slave ens3f0): Enslaving as a backup interface with an up link",
  "bond0: (slave ens3f1): Enslaving as a backup interface with an up link",
  `mlx5_core ${ports[0]}: lag map port 1:1 port 2:2`,
];
const record = (text: string, at: number) => `6,${at},${at + 1}000000,-;${text}\n`;

function host(t: TestContext, release = "5.10.0-28-amd64") {
  const root = makeTree(t, {
    "sys/bus/pci/devices": { ...connectX5(ports[0]), ...connectX5(ports[1]) },
    "sys/kernel/debug/mlx5": { [ports[0]]: {}, [ports[1]]: {} },
    "proc/sys/kernel": { osrelease: `${release}\n` },
    "dev/kmsg": boot.map(record).join(""),
  });
  const netlink = fakeNetlink({
    links: [
      link(2, "bond0", { kind: "bond", bond: bond("802.3ad") }),
      pciLink(4, "ens3f0", ports[0], { switchId: "9c03", portName: "p0", ...slaveOf(2) }),
      pciLink(5, "ens3f1", ports[1], { switchId: "9c03", portName: "p1", ...slaveOf(2) }),
    ],
    eswitches: Object.fromEntries(
      ports.map((port) => [
        `pci/${port}`,
        { mode: "switchdev" as const, inline: "none" as const, encap: "basic" as const },
      ]),
    ),
  });
  const kernel = fakeKernel(root, netlink, { devRoot: join(root, "dev") });
  const say = (text: string, at: number) => appendFileSync(join(root, "dev/kmsg"), record(text, at));
  return { kernel, say };
}

test("the boot stages know the LAG of an old kernel by its log, without asking the journal or any program", async (t) => {
  const { kernel, say } = host(t);
  using linux = LinuxHost.open({ ...kernel, looks: "nics" });
  const state = await linux.observe();
  assert.deepEqual(
    state.pfs.map(({ lag }) => [known(lag)?.state, known(lag)?.type, known(lag)?.source]),
    [
      ["active", "switchdev", "kernel-log"],
      ["active", "switchdev", "kernel-log"],
    ],
  );
  assert.ok(isUnknown(state.kernelLog) && isUnknown(state.ovsLog));
  const pf = state.pfs[0]?.address ?? assert.fail();
  await linux.perform({ kind: "activate-lag", pf, seconds: 1 });
  say("bond0: (slave ens3f1): Releasing backup interface", boot.length);
  assert.ok(isUnknown((await linux.observe()).pfs[0]?.lag));
  await assert.rejects(
    linux.perform({ kind: "activate-lag", pf, seconds: 0.2 }),
    /does not tell the LAG: the bond changed/,
  );
});

test("verify has the lines as well", async (t) => {
  const { kernel } = host(t);
  using linux = LinuxHost.open(kernel);
  const { kernelLog, pfs } = await linux.observe();
  assert.ok(!isUnknown(kernelLog) && kernelLog.complete && kernelLog.lines.length === boot.length);
  assert.equal(known(pfs[0]?.lag ?? null)?.type, "switchdev");
});

test("a kernel that shows the LAG in debugfs is not judged by its log", async (t) => {
  const { kernel } = host(t, "6.1.0-28-amd64");
  using linux = LinuxHost.open(kernel);
  assert.equal((await linux.observe()).pfs[0]?.lag, null);
});
