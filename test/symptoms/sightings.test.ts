import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { release } from "../../src/host/simulated/events.ts";
import { type FaultName, inject } from "../../src/host/simulated/faults.ts";
import { observeWorld, SimulatedHost } from "../../src/host/simulated/host.ts";
import { logKernel } from "../../src/host/simulated/machine/kernel-log.ts";
import { logOvs } from "../../src/host/simulated/machine/ovs.ts";
import type { World } from "../../src/host/simulated/world.ts";
import { reconcile } from "../../src/reconcile/reconcile.ts";
import { plain } from "../../src/report/terminal/style.ts";
import { failureLines } from "../../src/report/text/failure-lines.ts";
import { verdictText } from "../../src/report/text/verdict-text.ts";
import { requirementById, stages } from "../../src/requirements/stages.ts";
import type { Spec } from "../../src/spec/schema.ts";
import { symptomIn, symptoms } from "../../src/symptoms/catalogue.ts";
import { type Verdict, verdicts } from "../../src/verdict/verdict.ts";
import { afterEarly, booted, fresh, vfLagSpec } from "../support/hosts.ts";
import { capture, dmesg } from "../support/kernel-log.ts";

const pf = "0000:37:00.0";
const mlx5 = (text: string) => `mlx5_core ${pf}: ${text}`;

function judge(world: World, wanted: Spec = vfLagSpec): Verdict {
  const [verdict] = verdicts(wanted, observeWorld(world));
  assert.ok(verdict !== undefined);
  return verdict;
}

function seen(world: World): (string | null)[] {
  return judge(world).sightings.map(({ symptom }) => symptom);
}

function text(world: World): string {
  const state = observeWorld(world);
  return verdictText(vfLagSpec, state, verdicts(vfLagSpec, state), plain);
}

async function faulty(...faults: readonly FaultName[]): Promise<World> {
  return booted(vfLagSpec, fresh(), ...faults);
}

/**
 * A host whose LAG went away because a third slave joined, so that `lag` and `bond` are wrong; nothing is
 * logged of it.
 */
const broken = () => booted(vfLagSpec, fresh(undefined, "firmware-frees-lag"), "third-slave");

describe("the simulated host's faults are recognised by what its driver says", () => {
  test("vf-lag-refused: VFs were bound when the bond formed", async () => {
    const world = await faulty("vfs-bound-early");
    assert.deepEqual(seen(world), ["vf-lag-refused"]);
    assert.match(
      text(world),
      /✗ lag .*\n(?: {6}.*\n)*? {6}seen {2}\[ +[\d.]+\] mlx5_core 0000:37:00\.0: .*Failed to activate VF LAG.*\n {6}means the firmware makes no LAG while a VF has a driver/,
    );
    assert.equal(judge(world).sightings[0]?.device, pf);
  });

  test("and once the LAG is active it is history", async () => {
    const world = await faulty("vfs-bound-early");
    await reconcile(new SimulatedHost(world), vfLagSpec, { stages });
    world.hidden.clock += 10;
    assert.ok(
      observeWorld(world).kernelLog !== null &&
        /Failed to activate/.test(JSON.stringify(observeWorld(world).kernelLog)),
    );
    assert.deepEqual([judge(world).answer, seen(world)], ["works", []]);
  });

  test("roce-lag-refused: the bond came first, and the firmware refused", () => {
    const world = fresh(undefined, "lag-refused", "bonded-early");
    assert.deepEqual(seen(world), ["roce-lag-refused"]);
  });

  test("lag-stuck: the bond changed while VFs were bound, and the firmware kept its LAG until a reboot", async () => {
    const world = await faulty("lag-stuck", "third-slave");
    assert.deepEqual(seen(world), ["lag-stuck"]);
    release(world, "eno1");
    assert.notEqual(judge(world).answer, "works");
    assert.deepEqual(seen(world), ["lag-stuck"], "that the firmware refuses another follows from it");
    assert.match(text(world), /do {4}drain the guests' VFs, then reboot/);
  });

  test("encap-while-vfs-driven: switchdev was set while a VF had a driver", async () => {
    const world = await afterEarly(vfLagSpec);
    const host = new SimulatedHost(world);
    await host.perform({
      kind: "set-eswitch-mode",
      pf: observeWorld(world).pfs[0]?.address ?? assert.fail(),
      mode: "legacy",
    });
    const vf = world.state.pfs[0]?.vfs[0] ?? assert.fail();
    vf.driver = "mlx5_core";
    await assert.rejects(
      host.perform({
        kind: "set-eswitch-mode",
        pf: world.state.pfs[0]?.address ?? assert.fail(),
        mode: "switchdev",
      }),
    );
    // Not firmware-refused and eswitch-tables-refused: they are the same, said less well.
    assert.deepEqual(seen(world), ["encap-while-vfs-driven"]);
    vf.driver = null;
    await host.perform({
      kind: "set-eswitch-mode",
      pf: world.state.pfs[0]?.address ?? assert.fail(),
      mode: "switchdev",
    });
    assert.deepEqual(seen(world), [], "it was set since");
  });

  test("mode-change-out-of-memory: a port lost its netdev", async () => {
    const world = fresh(undefined, "mode-change-out-of-memory");
    await reconcile(new SimulatedHost(world), vfLagSpec, { stages });
    assert.deepEqual(seen(world), ["mode-change-out-of-memory"]);
  });

  test("no-mmio: the BIOS left no room", async () => {
    const world = fresh(undefined, "no-mmio");
    await reconcile(new SimulatedHost(world), vfLagSpec, { stages });
    assert.deepEqual(seen(world), ["no-mmio"]);
  });

  test("vf-probe-failed: the driver did not take a VF", async () => {
    const world = await booted(vfLagSpec, fresh(undefined, "bind-fails"));
    assert.deepEqual([...new Set(seen(world))], ["vf-probe-failed"]);
    assert.ok(judge(world).sightings.some(({ device, times }) => device === "0000:37:00.2" && times >= 2));
    const shown = text(world).match(/seen .*/g) ?? [];
    const expected =
      /^seen {2}\[[^|]* 0000:37:08\.3: probe with driver mlx5_core failed with error -110 \(and of 3 other functions\)$/;
    assert.match(shown.join("|"), expected);
  });
});

/** Lines in the words of different kernels, on a host where what they explain is wrong. */
const lines: Readonly<Record<string, readonly string[]>> = {
  "lag-not-made": [
    mlx5("mlx5_create_lag:248:(pid 7): Failed to create LAG (-22)"),
    mlx5("Failed to create LAG (-5)"),
  ],
  "lag-not-changed": [mlx5("_mlx5_modify_lag:412:(pid 7): Failed to modify LAG (-5)")],
  "single-fdb-refused": [mlx5("mlx5_create_lag:583:(pid 7): Can't enable single FDB mode")],
  "lag-representors-lost": [mlx5("mlx5_do_bond:912:(pid 7): Failed to enable lag")],
  "lag-port-selection": [
    mlx5("mlx5_activate_lag:618:(pid 7): Failed to create LAG port selection(-95)"),
    mlx5("mlx5_lag_create_port_sel_table:62:(pid 7): Failed to create port selection table"),
  ],
  "lag-drop-rule": [mlx5("mlx5_lag_drop_rule_setup:469:(pid 7): Failed to create lag drop rule, error: -12")],
  "kernel-without-vf-lag": [mlx5("mlx5_do_bond:345:(pid 7): LAG is not supported with SRIOV")],
  "lag-not-registered": [mlx5("mlx5_lag_dev_alloc:270:(pid 7): Failed to register LAG netdev notifier")],
  "multiport-eswitch": [mlx5("add_mpesw_rule:25:(pid 7): Failed to create LAG in MPESW mode (-22)")],
  "lag-by-routes": [
    mlx5("mlx5_lag_fib_route_event:172:(pid 7): Multipath offload require two ports of the same HCA"),
  ],
  "eswitch-tables-refused": [mlx5("E-Switch: Failed to create slow path FDB Table err -12")],
  "mode-change-undone": [
    mlx5("mlx5e_netdev_init_profile:5787:(pid 756): mlx5e_priv_init failed, err=-12"),
    mlx5("enp1s0f0np0: mlx5e_netdev_change_profile: new profile init failed, -12"),
    mlx5("mlx5e_create_flow_steering:1314:(pid 756): Failed to create arfs tables, err=-12"),
  ],
  "mode-change-interrupted": [
    mlx5("enp1s0f0np0: mlx5e_netdev_change_profile: failed to rollback to orig profile, -4"),
  ],
  "mode-change-device-in-error": [
    mlx5("enp1s0f0np0: mlx5e_netdev_change_profile: new profile init failed, -67"),
    mlx5("enp1s0f0np0: mlx5e_netdev_change_profile: failed to rollback to orig profile, -67"),
    mlx5("enp1s0f0np0: mlx5e_netdev_change_profile: failed to rollback to orig profile, -5"),
    mlx5("enp1s0f0np0: mlx5e_netdev_change_profile: failed to rollback to orig profile, -110"),
  ],
  "no-bus-numbers": [
    mlx5("SR-IOV: bus number out of range"),
    mlx5("can't enable 63 VFs (bus 05 out of range of [bus 04])"),
  ],
  "vfs-by-module-only": [
    mlx5("Driver doesn't support SRIOV configuration via sysfs."),
    mlx5("driver does not support SR-IOV configuration via sysfs"),
  ],
  "vfs-refused-while-down": [`bnxt_en ${pf} ens5f0np0: Reject SRIOV config request since if is down!`],
  "vfs-changed-in-place": [mlx5("4 VFs already enabled. Disable before enabling 8 VFs")],
  "vfs-not-enabled": [
    mlx5("mlx5_device_enable_sriov:97:(pid 7): failed to enable VF 3 (-110)"),
    mlx5("Failed to enable PCI sriov: -12"),
  ],
  "card-unhealthy": [
    mlx5("poll_health:852:(pid 0): device's health compromised - reached miss count"),
    mlx5("poll_health:836:(pid 0): Fatal error 3 detected"),
  ],
  "firmware-timeout": [
    mlx5("wait_func:1151:(pid 9): ENABLE_HCA(0x104) timeout. Will cause a leak of a command resource"),
  ],
  "firmware-refused": [
    mlx5(
      "mlx5_cmd_out_err:808:(pid 9): CREATE_EQ(0x301) op_mod(0x0) failed, status no resources(0xf), syndrome (0x1b7d36), err(-12)",
    ),
    mlx5(
      "mlx5_cmd_check:771:(pid 9): MODIFY_VPORT(0x751) op_mod(0x0) failed, status bad parameter(0x3), syndrome (0x5add95)",
    ),
  ],
  "iommu-fault": [
    "DMAR: [DMA Read NO_PASID] Request device [37:00.2] fault addr 0xbd000000 [fault reason 0x06] PTE Read access is not set",
    "AMD-Vi: Event logged [IO_PAGE_FAULT device=0000:37:00.2 domain=0x0000 address=0x0 flags=0x0020]",
  ],
  "bios-virtualization": ["kvm: disabled by bios"],
  "offloaded-filters": [`mlx5_core ${pf} ens3f0: Active offloaded tc filters, can't turn hw_tc_offload off`],
  "no-lacp-partner": [
    "bond0: Warning: No 802.3ad response from the link partner for any adapters in the bond",
  ],
  "bond-link-down": [
    "bond0: (slave ens3f1): link status definitely down, disabling slave",
    "bond0: link status definitely down for interface ens3f1, disabling it",
  ],
  "slave-refused": ["bond0: (slave ens3f1): Error: Device can not be enslaved while up"],
  "mirred-to-down-device": ["tc mirred to Houston: device br-ex is down"],
};

describe("each symptom of the kernel log is recognised, in the words of several kernels", () => {
  for (const [id, texts] of Object.entries(lines)) {
    for (const said of texts) {
      test(`${id}: ${said.slice(0, 60)}`, async () => {
        const world = await wrong(id);
        logKernel(world, 3, said);
        const { sightings } = judge(
          world,
          id === "mirred-to-down-device"
            ? { ...vfLagSpec, ovs: { hwOffload: true, engine: "auto" } }
            : vfLagSpec,
        );
        const found = sightings.find(({ symptom }) => symptom === id);
        assert.equal(found?.text, said, JSON.stringify(sightings));
        assert.ok(found.means !== null && found.remedy !== null && found.seconds !== null);
      });
    }
  }

  test("every symptom of the kernel log has its line here, or is provoked above", () => {
    const provoked = [
      "vf-lag-refused",
      "roce-lag-refused",
      "lag-stuck",
      "encap-while-vfs-driven",
      "mode-change-out-of-memory",
      "no-mmio",
      "vf-probe-failed",
    ];
    const all = symptoms.filter(({ shows }) => shows === "kernel-log").map(({ id }) => id);
    assert.deepEqual(all.toSorted(), [...Object.keys(lines), ...provoked].toSorted());
  });
});

/** A host where one of the requirements that the symptom explains does not hold. */
async function wrong(id: string): Promise<World> {
  const explains = symptoms.find((symptom) => symptom.id === id)?.explains ?? [];
  if (
    explains.includes("vf-count") ||
    explains.includes("eswitch-mode") ||
    explains.includes("cpu-virtualization")
  ) {
    return explains.includes("cpu-virtualization") ? fresh(undefined, "virtualization-off") : fresh();
  }
  if (explains.includes("tc-offload")) return faulty("tc-offload-off");
  const world = await broken();
  for (const slave of world.state.bonds[0]?.slaves ?? []) slave.up = slave.netdev !== "ens3f1";
  const bridge = world.state.netdevs.find(({ name }) => name === "br-ex");
  if (bridge !== undefined) bridge.up = false;
  return world;
}

describe("only what concerns the NIC and still matters", () => {
  test("a host that works says nothing, whatever its driver said on the way", async () => {
    const world = await faulty();
    assert.deepEqual(seen(world), []);
    for (const said of [
      mlx5("Failed to create LAG (-22)"),
      mlx5("E-Switch: Failed to create slow path FDB Table err -22"),
    ])
      logKernel(world, 3, said);
    logKernel(world, 6, mlx5("lag map: port 1:1 port 2:2"));
    assert.deepEqual(
      seen(world),
      ["eswitch-tables-refused"],
      "a mode change that failed after the last that succeeded matters by itself",
    );
    assert.equal(judge(world).answer, "works");
    assert.match(
      text(world),
      /! eswitch-tables-refused {2}\[ +[\d.]+\] mlx5_core .*\n {6}means .*\n {6}do {4}/,
    );
  });

  test("what matters by itself is told of a NIC that works", async () => {
    for (const id of ["card-unhealthy", "firmware-timeout", "lag-drop-rule", "lag-not-changed"]) {
      const world = await faulty();
      logKernel(world, 3, lines[id]?.[0] ?? assert.fail());
      assert.deepEqual(seen(world), [id]);
    }
  });

  test("a start of the driver ends it", async () => {
    const world = await faulty();
    logKernel(world, 3, lines["card-unhealthy"]?.[0] ?? assert.fail());
    logKernel(world, 6, mlx5("firmware version: 22.41.1000"));
    assert.deepEqual(seen(world), []);
  });

  test("another card's lines are not this NIC's", async () => {
    const world = await broken();
    logKernel(world, 3, "mlx5_core 0000:5d:00.0: mlx5_activate_lag:1:(pid 2): Failed to activate VF LAG");
    logKernel(world, 3, "bond1: (slave eth8): link status definitely down, disabling slave");
    logKernel(world, 3, "DMAR: [DMA Read] Request device [5d:00.2] fault addr 0");
    assert.deepEqual(seen(world), []);
  });

  test("errors that are not known are shown as they are, at most three, and only where the NIC does not work", async () => {
    const world = await broken();
    for (let n = 1; n <= 5; n++) logKernel(world, 3, mlx5(`frobnicate:1:(pid 2): the flux is ${n}`));
    logKernel(world, 6, mlx5("something harmless"));
    const { sightings } = judge(world);
    assert.deepEqual(
      sightings.map(({ symptom, means, text: said }) => [symptom, means, said.slice(-1)]),
      [3, 4, 5].map((n) => [null, null, String(n)]),
    );
    assert.match(text(world), /seen {2}\[.*the flux is 5 \(not known to vflag\)/);
    const works = await faulty();
    logKernel(works, 3, mlx5("frobnicate:1:(pid 2): the flux is off"));
    assert.deepEqual(seen(works), []);
  });

  test("a line cannot give orders to the terminal", async () => {
    const world = await broken();
    logKernel(world, 3, mlx5("evil \u001b[2J\u202e"));
    assert.ok(!/[\u001b\u202e]/u.test(text(world)));
  });

  test("without a log nothing is said of it", async () => {
    const world = await broken();
    world.state.kernelLog = { unknown: "not looked at" };
    assert.deepEqual(seen(world), []);
  });
});

describe("Open vSwitch's log", () => {
  const withOvs: Spec = { ...vfLagSpec, ovs: { hwOffload: true, engine: "auto" } };
  const ids = (world: World) =>
    judge(world, withOvs).sightings.map(({ symptom, log }) => (log === "ovs-log" ? symptom : null));

  test("ovs-block-missing: the bond's ingress block got lost", async () => {
    assert.deepEqual(ids(await booted(withOvs, fresh(), "ingress-block-missing")), ["ovs-block-missing"]);
  });

  test("ovs-stale-port: a port whose representor is gone for good", async () => {
    assert.deepEqual(ids(await booted(withOvs, fresh(), "stale-port")), ["ovs-stale-port"]);
  });

  test("ovs-bond-not-offloaded: the card refuses flows, and all that can be seen is right", async () => {
    const world = await booted(withOvs, fresh(undefined, "firmware-frees-lag"), "flows-refused");
    assert.deepEqual([ids(world), judge(world, withOvs).answer], [["ovs-bond-not-offloaded"], "works"]);
    world.state.observedAt = "2026-01-01T09:00:00.000Z";
    assert.deepEqual(ids(world), [], "of hours ago");
    inject(world, "third-slave");
    assert.deepEqual(ids(world), ["ovs-bond-not-offloaded"], "it is explained by what is wrong");
  });

  const said: Readonly<Record<string, string>> = {
    "ovs-offload-failed": "failed to offload flow: Invalid argument: ens3f0npf0vf1",
    "ovs-recirculation": "flow_put: recirc_id sharing not supported",
    "ovs-action-not-offloaded": "netdev_tc_flow_put: 0: OVS_ACTION_ATTR_SET_MASKED",
    "ovs-qdisc-failed": "failed adding ingress qdisc required for offloading: No such file or directory",
  };
  for (const [id, line] of Object.entries(said)) {
    test(`${id}: ${line}`, async () => {
      const world = await booted(withOvs, fresh(), "ingress-block-missing");
      world.state.ovsLog = { from: "a test", sinceStart: true, lines: [] };
      logOvs(world, "ERR", "netdev_offload_tc", line);
      assert.deepEqual(ids(world), [id]);
    });
  }

  const slow: Readonly<Record<string, readonly [module: string, line: string]>> = {
    "ovs-tunnel-not-offloaded": [
      "netdev_offload",
      "failed to offload flow: No such file or directory: vxlan_sys_4789",
    ],
    "ovs-tc-answer": ["tc", "failed to parse ct action options"],
  };
  for (const [id, [module, line]] of Object.entries(slow)) {
    test(`${id}: ${line}`, async () => {
      const world = await booted(withOvs);
      const both = {
        flows: 1,
        packets: 5000,
        bytes: 1,
        idle: 0.1,
        layer: "ovs",
        offloaded: "no",
        kind: "traffic",
        example: "",
      } as const;
      world.state.flows = {
        ...{ listed: 1, notUnderstood: 0, cut: null },
        tallies: [{ ...both, inPort: "ens3f0npf0vf0", to: ["vxlan_sys_4789"] }],
        tunnels: [{ type: "vxlan", address: "10.1.0.5", via: ["bond0"] }],
      };
      logOvs(world, "ERR", module, line);
      assert.deepEqual(ids(world), [id]);
      // Neither is it a line of a NIC whose tunnels leave elsewhere, or whose flows are all in hardware.
      world.state.flows = { ...world.state.flows, tallies: [], tunnels: [] };
      assert.deepEqual(ids(world), []);
    });
  }

  test("a representor's lost qdisc is not the bond's lost block", async () => {
    const world = await booted(withOvs);
    logOvs(world, "ERR", "dpif_netlink", "failed to offload flow: No such file or directory: ens3f0npf0vf1");
    assert.deepEqual(ids(world), ["ovs-offload-failed"]);
    logOvs(world, "ERR", "dpif_netlink", "failed to offload flow: No such file or directory: bond0");
    assert.deepEqual(ids(world), ["ovs-block-missing"]);
  });

  test("what is said of other ports is not this NIC's", async () => {
    const world = await booted(withOvs, fresh(), "tc-offload-off");
    for (const name of ["eth77", "bond01", "ens3f0x"])
      logOvs(world, "ERR", "dpif_netlink", `failed to offload flow: Operation not supported: ${name}`);
    assert.deepEqual(ids(world), []);
  });
});

test("what is known to explain it is not lost among lines that nobody knows", () => {
  const world = fresh();
  logKernel(world, 4, `bnxt_en ${pf} ens3f0: Reject SRIOV config request since if is down!`);
  for (let nth = 0; nth < 5; nth++) logKernel(world, 3, mlx5(`something strange ${nth}`));
  assert.deepEqual(seen(world), ["vfs-refused-while-down"]);
});

describe("captures of others", () => {
  const recognised = (name: string) =>
    dmesg(
      capture(name)
        .split("\n")
        .map((line, index) =>
          line.startsWith("[") ? line : `[ ${index}.0] ${line.replace(/^.*kernel: |^Warning: /, "")}`,
        )
        .join("\n"),
    ).map(
      (line) =>
        symptoms.find(({ patterns }) => patterns.some((pattern) => pattern.test(line.text)))?.id ?? null,
    );
  const expected = {
    "switchdev-failed-cx6lx-vf-race.txt": ["encap-while-vfs-driven", "eswitch-tables-refused"],
    "numvfs-enomem-mmio.txt": ["no-mmio", "vfs-not-enabled"],
    "bond-enslave-warnings.txt": ["over-64-vfs", "bond-mode-not-offloaded"],
    "connectx3-sysfs-unsupported.txt": ["vfs-by-module-only"],
    "dmesg-cx5ex-kernel5.7-switchdev-vfs-lag-failover.txt": [],
    "dmesg-lag-hash-mode-activebackup.txt": [],
    "dmesg-vflag-seed-blog-2020.txt": [],
  };
  for (const [name, ids] of Object.entries(expected))
    test(name, () =>
      assert.deepEqual([...new Set(recognised(name).filter((id) => id !== null))].toSorted(), ids.toSorted()),
    );
});

describe("what a refused action says", () => {
  test("is told with its meaning", async () => {
    const world = fresh(undefined, "eswitch-busy");
    const reasons: readonly (readonly [string, string | undefined])[] = [
      ["Can't change mode, E-Switch is busy", "eswitch-busy"],
      ["mlx5_core: Can't change eswitch mode during firmware reset", "eswitch-busy"],
      ["Changing fs mode is not supported when eswitch offloads enabled.", "steering-in-switchdev"],
      [
        `the LAG is disabled; kernel: ${mlx5("Failed to deactivate VF LAG; driver restart required")}; kernel: ${mlx5("Failed to activate VF LAG")}`,
        "lag-stuck",
      ],
      ["mlx5_core: Software managed steering is not supported by current device.", "steering-not-offered"],
      ["Permission denied", undefined],
    ];
    for (const [reason, id] of reasons) assert.equal(symptomIn(reason)?.id, id, reason);
    const action = {
      kind: "set-eswitch-mode",
      pf: world.state.pfs[0]?.address ?? assert.fail(),
      mode: "switchdev",
    } as const;
    const step = {
      stage: "early",
      requirement: "eswitch-mode",
      nic: "data",
      actions: [action],
      deviations: [],
    } as const;
    const failure = { step, action, code: "EBUSY", reason: reasons[0]?.[0] ?? "" };
    assert.match(
      failureLines([failure], plain).join("\n"),
      /means offloaded rules, a firmware reset.* \(vflag explain eswitch-busy\)/,
    );
  });
});

describe("the catalogue", () => {
  test("names are of one symptom or requirement, and what they name exists", () => {
    const ids = symptoms.map(({ id }) => id);
    assert.equal(new Set(ids).size, ids.length);
    for (const { id, explains, partOf = [], patterns, shows, looks, references } of symptoms) {
      assert.match(id, /^[a-z0-9-]+$/);
      assert.equal(requirementById(id), undefined, id);
      for (const requirement of explains)
        assert.ok(requirementById(requirement) !== undefined, `${id}: ${requirement}`);
      for (const other of partOf) assert.ok(ids.includes(other), `${id}: ${other}`);
      assert.equal(patterns.length === 0, shows === "state", id);
      assert.ok(references.length > 0 && explains.length > 0, id);
      if (patterns.length > 0)
        assert.ok(
          patterns.some((pattern) => pattern.test(looks)),
          `${id} does not look like ${looks}`,
        );
    }
  });
});
