import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { lagFromLog } from "../../src/drivers/mlx5/lag-log.ts";
import type { KernelRecord } from "../../src/host/linux/log/kernel-records.ts";
import { network } from "../../src/host/simulated/events.ts";
import { known } from "../../src/host/state/observed.ts";
import type { HostState } from "../../src/host/state/state.ts";
import { afterEarly, vfLagSpec } from "../support/hosts.ts";
import { capture, dmesg } from "../support/kernel-log.ts";

/** A host whose eSwitches are in switchdev mode and whose bond is made, and what the log tells of its LAG. */
async function host(change: (state: HostState) => void = () => {}): Promise<HostState> {
  const world = await afterEarly(vfLagSpec);
  network(world);
  change(world.state);
  return world.state;
}

function lagOf(log: readonly KernelRecord[], state: HostState): string {
  const pf = state.pfs[0];
  assert.ok(pf !== undefined);
  const lag = lagFromLog(log, pf, state);
  if ("unknown" in lag) return `unknown: ${lag.unknown}`;
  assert.equal(lag.source, "kernel-log");
  return [lag.state, lag.type, lag.mapping.join(" "), lag.sharedFdb]
    .filter((word) => word !== null && word !== "")
    .join(" ");
}

/** A boot in which all comes in its order; each era has its own words. */
const boots = {
  "5.0 to 5.2": `
[    3.100000] mlx5_core 0000:37:00.0: firmware version: 16.35.2000
[    3.200000] mlx5_core 0000:37:00.1: firmware version: 16.35.2000
[   20.000000] mlx5_core 0000:37:00.0: E-Switch: E-Switch enable SRIOV: nvfs(2) mode (1)
[   20.100000] mlx5_core 0000:37:00.0: E-Switch: SRIOV enabled: active vports(3)
[   21.000000] mlx5_core 0000:37:00.0: E-Switch: disable SRIOV: active vports(3) mode(1)
[   21.100000] mlx5_core 0000:37:00.0: E-Switch: E-Switch enable SRIOV: nvfs(2) mode (2)
[   23.100000] mlx5_core 0000:37:00.1: E-Switch: E-Switch enable SRIOV: nvfs(2) mode (2)
[   40.000000] bond0: Enslaving ens3f0 as a backup interface with an up link
[   40.500000] mlx5_core 0000:37:00.0: lag map port 1:2 port 2:2
[   40.600000] bond0: Enslaving ens3f1 as a backup interface with an up link
[   40.700000] mlx5_core 0000:37:00.0: modify lag map port 1:1 port 2:2`,
  "5.3 to 5.13": `
[    3.100000] mlx5_core 0000:37:00.0: firmware version: 16.35.2000
[    3.200000] mlx5_core 0000:37:00.1: firmware version: 16.35.2000
[   21.000000] mlx5_core 0000:37:00.0: E-Switch: Disable: mode(LEGACY), nvfs(2), active vports(3)
[   21.100000] mlx5_core 0000:37:00.0: E-Switch: Enable: mode(OFFLOADS), nvfs(2), active vports(3)
[   23.100000] mlx5_core 0000:37:00.1: E-Switch: Enable: mode(OFFLOADS), nvfs(2), active vports(3)
[   40.000000] bond0: (slave ens3f0): Enslaving as a backup interface with an up link
[   40.500000] bond0: (slave ens3f1): Enslaving as a backup interface with an up link
[   40.600000] mlx5_core 0000:37:00.0: lag map port 1:2 port 2:2
[   40.700000] mlx5_core 0000:37:00.0: modify lag map port 1:1 port 2:2`,
  "5.14 to 5.18, with a shared FDB": `
[   40.000000] bond0: (slave ens3f0): Enslaving as a backup interface with an up link
[   40.500000] bond0: (slave ens3f1): Enslaving as a backup interface with an up link
[   40.600000] mlx5_core 0000:37:00.0: lag map port 1:1 port 2:2 shared_fdb:1 mode:queue_affinity
[   40.700000] mlx5_core 0000:37:00.0: Operation mode is single FDB`,
  "a later driver on an older kernel": `
[    3.100000] mlx5_core 0000:37:00.0: firmware version: 16.35.2000
[   40.000000] bond0: (slave ens3f0): Enslaving as a backup interface with an up link
[   40.500000] bond0: (slave ens3f1): Enslaving as a backup interface with an up link
[   40.600000] mlx5_core 0000:37:00.0: lag map: port 1:1 port 2:2
[   40.600100] mlx5_core 0000:37:00.0: shared_fdb:1 mode:queue_affinity`,
};
/** The ports in a form that nobody has seen yet. */
const unseenForm = boots["a later driver on an older kernel"].replace(
  "lag map: port 1:1 port 2:2",
  "lag map 1=1 2=2",
);
const boot = boots["5.3 to 5.13"];
const fails = `
[   50.000000] mlx5_core 0000:37:00.0: lag map port 1:1 port 2:2
[   50.000001] mlx5_core 0000:37:00.0: mlx5_create_lag:248:(pid 9): Failed to create LAG (-22)
[   50.000002] mlx5_core 0000:37:00.0: mlx5_activate_lag:264:(pid 9): Failed to activate VF LAG Make sure all VFs are unbound prior to VF LAG activation or deactivation`;

describe("a LAG by the kernel log", () => {
  for (const [era, text] of Object.entries(boots)) {
    test(`${era}: it was made, and nothing happened since`, async () => {
      const shared = text.includes("shared_fdb:1") ? " true" : "";
      assert.equal(lagOf(dmesg(text), await host()), `active switchdev 1:1 2:2${shared}`);
    });
  }

  test("it was made, and its ports are told in a form that is not known", async () => {
    assert.equal(lagOf(dmesg(unseenForm), await host()), "active switchdev true");
  });

  test("what the log of one card says is not said of another", async () => {
    assert.match(
      lagOf(dmesg(boot.replaceAll("0000:37", "0000:38")), await host()),
      /^unknown: .*driver's start/,
    );
  });

  test("one that failed is disabled, until it is made after all", async () => {
    const state = await host();
    assert.equal(lagOf(dmesg(boot + fails), state), "disabled");
    const again = "\n[   60.000000] mlx5_core 0000:37:00.0: lag map port 1:1 port 2:2";
    assert.equal(lagOf(dmesg(boot + fails + again), state), "active switchdev 1:1 2:2");
  });

  test("one that the driver could not take down is gone for the driver", async () => {
    const text =
      "\n[   60.000000] mlx5_core 0000:37:00.0: mlx5_deactivate_lag:291:(pid 9): Failed to deactivate VF LAG; driver restart required";
    assert.equal(lagOf(dmesg(boot + text), await host()), "disabled");
  });

  test("nothing said since the driver's start: none was ever made", async () => {
    assert.equal(lagOf(dmesg(boot.split("\n").slice(0, 3).join("\n")), await host()), "disabled");
  });

  test("one that was made without VFs and before switchdev is of type roce", async () => {
    const lines = boot.split("\n").filter((line) => !line.includes("E-Switch"));
    assert.equal(lagOf(dmesg(lines.join("\n")), await host()), "active roce 1:1 2:2");
  });
});

describe("never a false active", () => {
  const later: readonly (readonly [string, string])[] = [
    ["a slave left", "bond0: (slave ens3f1): Releasing backup interface"],
    ["a slave left, in the words of older kernels", "bond0: Releasing backup interface ens3f1"],
    ["a third slave joined", "bond0: (slave eno1): Enslaving as a backup interface with an up link"],
    ["a port joined again", "bond0: (slave ens3f0): Enslaving as a backup interface with an up link"],
    [
      "an eSwitch went to legacy mode",
      "mlx5_core 0000:37:00.1: E-Switch: Disable: mode(OFFLOADS), nvfs(2), active vports(3)",
    ],
    [
      "an eSwitch came back",
      "mlx5_core 0000:37:00.0: E-Switch: Enable: mode(OFFLOADS), nvfs(2), active vports(3)",
    ],
    [
      "the driver failed to change it",
      "mlx5_core 0000:37:00.0: mlx5_modify_lag:221:(pid 9): Failed to modify LAG (-5)",
    ],
  ];
  for (const [what, text] of later) {
    test(`${what} after it was made: not known`, async () => {
      assert.match(
        lagOf(dmesg(`${boot}\n[  90.000000] ${text}`), await host()),
        /^unknown: the kernel log does not tell the LAG: /,
      );
    });
  }

  test("the driver started anew after it was made: disabled", async () => {
    assert.equal(
      lagOf(
        dmesg(`${boot}\n[  90.000000] mlx5_core 0000:37:00.1: firmware version: 16.35.2000`),
        await host(),
      ),
      "disabled",
    );
  });

  test("whatever is missing at its beginning, it is never more than it was", async () => {
    const state = await host();
    const lines = boot.trim().split("\n");
    for (let from = 1; from <= lines.length; from++) {
      const found = lagOf(dmesg(lines.slice(from).join("\n"), { first: 700 + from }), state);
      // Up to the first port's joining all that matters is there; after it neither the type nor the bond can
      // be told.
      if (from <= 3) assert.equal(found, "active switchdev 1:1 2:2", `without the first ${from} lines`);
      else assert.doesNotMatch(found, /switchdev|disabled/, `without the first ${from} lines`);
    }
  });

  test("a gap after it was made: not known", async () => {
    const records = [
      ...dmesg(boot),
      ...dmesg("[  99.000000] mlx5_core 0000:37:00.0 ens3f0: Link up", { first: 900 }),
    ];
    assert.match(lagOf(records, await host()), /^unknown: .*something is missing in it before 99\.000 s/);
  });

  test("a bond or an eSwitch that is no more as it was", async () => {
    const changes: readonly ((state: HostState) => void)[] = [
      ({ bonds }) => bonds.splice(0),
      ({ bonds }) => bonds[0]?.slaves.pop(),
      ({ bonds }) => bonds[0]?.slaves.push({ netdev: "eno1", up: true }),
      ({ bonds }) => Object.assign(bonds[0] ?? {}, { mode: "balance-rr" }),
      ({ pfs }) => Object.assign(known(pfs[1]?.eswitch ?? null) ?? {}, { mode: "legacy" }),
    ];
    for (const change of changes)
      assert.match(lagOf(dmesg(boot), await host(change)), /^unknown: the kernel log/, String(change));
  });

  test("a LAG of ECMP routes, made before any port was in the bond, is not taken for the bond's", async () => {
    const lines = boot.trim().split("\n");
    const ecmp = [...lines.slice(0, 5), ...lines.slice(7, 8), ...lines.slice(5, 7)].join("\n");
    assert.equal(lagOf(dmesg(ecmp), await host()), "active 1:2 2:2");
  });

  test("captures of others say what they say", async () => {
    const state = await host();
    const seed = capture("dmesg-vflag-seed-blog-2020.txt");
    assert.match(
      lagOf(dmesg(seed, { first: 400 }), state),
      /^unknown: .*does not show how its ports came into bond0/,
    );
    const ecmp = capture("dmesg-cx5ex-kernel5.7-switchdev-vfs-lag-failover.txt").replaceAll(
      "0000:81",
      "0000:37",
    );
    assert.doesNotMatch(lagOf(dmesg(ecmp), state), /active/);
    const hash = capture("dmesg-lag-hash-mode-activebackup.txt").replaceAll("0000:17", "0000:37");
    assert.doesNotMatch(lagOf(dmesg(hash, { first: 5 }), state), /switchdev/);
  });
});
