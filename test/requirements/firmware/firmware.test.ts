import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setFirmware } from "../../../src/host/simulated/card/firmware.ts";
import { reboot } from "../../../src/host/simulated/events.ts";
import { observeWorld, SimulatedHost } from "../../../src/host/simulated/host.ts";
import type { World } from "../../../src/host/simulated/world.ts";
import type { FirmwareParameter } from "../../../src/host/state/firmware.ts";
import { isUnknown } from "../../../src/host/state/observed.ts";
import { rehearse } from "../../../src/reconcile/plan.ts";
import { reconcile } from "../../../src/reconcile/reconcile.ts";
import { evaluateHost } from "../../../src/requirements/evaluate.ts";
import { stages } from "../../../src/requirements/stages.ts";
import type { Spec } from "../../../src/spec/schema.ts";
import { verdicts } from "../../../src/verdict/verdict.ts";
import { booted, dualPort, fresh, spec } from "../../support/hosts.ts";
import { actionsOf, adviceOf, brief, pfOf, uplinkOf } from "../view.ts";
import { configuration, offering, parameter } from "./offering.ts";

const nics = (mode: string, vfs: number) =>
  mode === "vf-lag"
    ? `nics: [{name: data, mode: vf-lag, ports: [ens3f0, ens3f1], vfs: ${vfs}, bond: bond0}]`
    : `nics: [{name: data, mode: ${mode}, ports: [ens3f0, ens3f1], vfs: ${vfs}}]`;
const managed = (vfs: number, mode = "sriov") => spec(`{version: 1, ${nics(mode, vfs)}, firmware: {}}`);
const byHand = (vfs: number) => spec(`{version: 1, ${nics("sriov", vfs)}, firmware: {manage: false}}`);

function found(wanted: ReturnType<typeof spec>, world: World) {
  return evaluateHost(wanted, observeWorld(world), ["firmware"]);
}

describe("the number of VFs", () => {
  const rows: readonly [
    story: string,
    now: number,
    next: number,
    expected: [severity: string, remedy: string] | null,
  ][] = [
    ["is as wanted", 8, 8, null],
    ["is larger, and stays so", 32, 32, null],
    ["is larger, and stays large enough", 32, 8, null],
    ["is too small", 4, 4, ["error", "actions"]],
    ["is too small, and will be too small", 4, 6, ["error", "actions"]],
    ["is too small until the next boot", 4, 8, ["error", "reboot"]],
    ["is enough until the next boot", 16, 4, ["warning", "actions"]],
    // Names are compared, not what they contain: 80 is no 8.
    ["is many times what is wanted", 80, 80, null],
  ];
  for (const [story, now, next, expected] of rows) {
    test(story, () => {
      const answers = brief(found(managed(8), offering(now, next)));
      assert.deepEqual(
        answers.map(({ severity, remedy }) => [severity, remedy]),
        expected === null ? [] : [expected],
      );
    });
  }

  test("is one for all ports of a card: the largest that any NIC wants there", () => {
    const two = spec(`version: 1
nics:
  - {name: data, mode: sriov, ports: [ens3f0], vfs: 6}
  - {name: other, mode: sriov, ports: [ens3f1], vfs: 12}
firmware: {}`);
    const deviations = found(two, offering(4));
    assert.deepEqual(actionsOf(deviations), [
      { kind: "set-firmware", pf: "0000:37:00.0", tool: "mstconfig", settings: { NUM_OF_VFS: "12" } },
    ]);
    assert.deepEqual(
      deviations.map(({ nics }) => nics),
      [["data", "other"]],
    );
  });

  test("of another card concerns nobody", () => {
    const world = fresh([dualPort, { model: "ConnectX-5", ports: 2 }], "firmware-short");
    const only = spec(
      "{version: 1, nics: [{name: data, mode: sriov, ports: [ens4f1], vfs: 8}], firmware: {}}",
    );
    assert.deepEqual(
      actionsOf(found(only, world)).map((action) => "pf" in action && action.pf),
      ["0000:5d:00.0"],
    );
  });
});

test("a spec without firmware asks nothing of it", () => {
  assert.deepEqual(found(spec(`{version: 1, ${nics("sriov", 8)}}`), offering(4)), []);
});

test("SR-IOV that is off is turned on, and the number of VFs with it where it is too small", () => {
  const world = fresh([dualPort], "no-virtualization");
  assert.deepEqual(
    actionsOf(found(managed(8), world)).map((action) => "settings" in action && action.settings),
    [{ SRIOV_EN: "true" }],
  );
  configuration(world).parameters["NUM_OF_VFS"] = parameter("4");
  assert.deepEqual(
    actionsOf(found(managed(8), world)).map((action) => "settings" in action && action.settings),
    [{ SRIOV_EN: "true", NUM_OF_VFS: "8" }],
  );
});

test("a person who keeps the firmware is told the exact command", () => {
  const [deviation, ...more] = found(byHand(8), offering(4));
  assert.deepEqual(more, []);
  assert.deepEqual(deviation?.remedy, {
    kind: "person",
    text: "mstconfig -d 0000:37:00.0 -y set NUM_OF_VFS=8; then reboot (if the old values are still there afterwards, switch the host off and on)",
  });
});

test("what this host may only read is left to the card's owner", () => {
  const world = offering(4);
  configuration(world).parameters["NUM_OF_VFS"] = parameter("4", "4", true);
  assert.match(adviceOf(found(managed(8), world)), /lets this host read NUM_OF_VFS only/);
});

test("a DPU needs its power cut", () => {
  const dpu = { ...dualPort, model: "BlueField-2" };
  assert.match(adviceOf(found(managed(8), offering(4, 8, [dpu]))), /^switch the host off and on: a DPU/);
  assert.doesNotMatch(adviceOf(found(managed(8), offering(4, 8))), /DPU/);
});

test("the choice between a reboot and a reset of the firmware is told, with its risk", () => {
  assert.match(
    adviceOf(found(managed(8), offering(4, 8))),
    /`mstfwreset -d 0000:37:00.0 reset` can load it without a reboot, but takes down all ports of the card .* vflag never does it/,
  );
});

test("a card that does not tell what it runs with is judged by what the kernel shows", () => {
  for (const [now, remedies] of [
    [4, ["reboot"]],
    [8, []],
  ] as const) {
    const world = offering(now, 8);
    Object.assign(configuration(world).parameters, {
      SRIOV_EN: parameter(null, "true"),
      NUM_OF_VFS: parameter(null, "8"),
    });
    assert.deepEqual(
      brief(found(managed(8), world)).map(({ remedy }) => remedy),
      remedies,
    );
  }
});

describe("where the firmware cannot be asked", () => {
  const unknowns: readonly [story: string, bend: (world: World) => void, said: RegExp][] = [
    [
      "there is no program",
      (world) => Object.assign(world.state, { firmware: { unknown: "neither is installed" } }),
      /^neither is installed$/,
    ],
    [
      "no card was found",
      (world) => Object.assign(world.state, { firmware: [] }),
      /^this card was not asked$/,
    ],
    [
      "the card does not answer",
      (world) =>
        Object.assign((!isUnknown(world.state.firmware) && world.state.firmware[0]) || {}, {
          configuration: { unknown: "-E- no" },
        }),
      /^-E- no$/,
    ],
    [
      "the card shows no number",
      (world) => Reflect.deleteProperty(configuration(world).parameters, "NUM_OF_VFS"),
      /does not show NUM_OF_VFS$/,
    ],
    [
      "the number is none",
      (world) => Object.assign(configuration(world).parameters, { NUM_OF_VFS: parameter("many") }),
      /not a number: many$/,
    ],
  ];
  for (const [story, bend, said] of unknowns) {
    test(`${story}: a warning while the kernel shows enough VFs, else it is unknown`, () => {
      const [enough, few] = [offering(8), offering(4)];
      for (const world of [enough, few]) bend(world);
      const [warning, ...more] = brief(found(managed(8), enough));
      assert.deepEqual([warning?.severity, warning?.remedy, more], ["warning", "person", []]);
      assert.match(warning?.actual ?? "", said);
      const answers = brief(found(managed(8), few));
      assert.deepEqual(
        answers.map(({ severity, remedy }) => [severity, remedy]),
        [["unknown", "person"]],
      );
      assert.match(answers[0]?.actual ?? "", said);
      assert.match(
        adviceOf(found(managed(8), few)),
        /mstconfig -d 0000:37:00.0 -y set SRIOV_EN=1 NUM_OF_VFS=8/,
      );
    });
  }
});

describe("the kind of a port's link", () => {
  const withLinks = (first: FirmwareParameter, second: FirmwareParameter): World => {
    const world = offering(8);
    Object.assign(configuration(world).parameters, { LINK_TYPE_P1: first, LINK_TYPE_P2: second });
    return world;
  };
  const linked = (link: "ethernet" | "infiniband", wanted = managed(8)): Spec => ({
    ...wanted,
    nics: wanted.nics.map((nic) => ({ ...nic, link })),
  });
  const settingsOf = (world: World, wanted: Spec = linked("ethernet")) =>
    actionsOf(found(wanted, world)).map((action) => "settings" in action && action.settings);
  const eth = parameter("ETH");

  test("is Ethernet, by its name or its number", () => {
    assert.deepEqual(found(managed(8), withLinks(eth, parameter("2"))), []);
  });
  test("is InfiniBand: Ethernet is set for that port where it is declared, and only there", () => {
    const world = withLinks(eth, parameter("IB"));
    assert.deepEqual(settingsOf(world), [{ LINK_TYPE_P2: "ETH" }]);
    assert.deepEqual(
      brief(found(linked("ethernet"), world)).map(({ severity }) => severity),
      ["error"],
    );
    assert.deepEqual(found(managed(8), world), []);
    assert.deepEqual(found(managed(8), withLinks(parameter("1"), parameter("1"))), []);
  });
  test("is declared to be InfiniBand: it stays so, or is made so", () => {
    const infiniband = parameter("IB");
    assert.deepEqual(found(linked("infiniband"), withLinks(infiniband, infiniband)), []);
    assert.deepEqual(settingsOf(withLinks(infiniband, eth), linked("infiniband")), [{ LINK_TYPE_P2: "IB" }]);
    assert.match(
      found(linked("infiniband"), withLinks(infiniband, eth))[0]?.expected ?? "",
      /LINK_TYPE_P2 IB$/,
    );
  });
  test("will be InfiniBand: a warning, and Ethernet is set", () => {
    const world = withLinks(parameter("ETH", "IB"), eth);
    for (const wanted of [managed(8), linked("ethernet")])
      assert.deepEqual(settingsOf(world, wanted), [{ LINK_TYPE_P1: "ETH" }]);
    assert.deepEqual(
      brief(found(managed(8), world)).map(({ severity }) => severity),
      ["warning"],
    );
  });
  test("is set and waits for a boot", () => {
    assert.deepEqual(
      brief(found(managed(8), withLinks(eth, parameter("IB", "ETH")))).map(({ remedy }) => remedy),
      ["reboot"],
    );
  });
  test("of a port that nobody declared may be anything", () => {
    const one = spec(
      "{version: 1, nics: [{name: data, mode: sriov, ports: [ens3f0], vfs: 8}], firmware: {}}",
    );
    assert.deepEqual(found(one, withLinks(eth, parameter("IB"))), []);
  });
  test("of a ConnectX-3 is its driver's business: both ports are on one function", () => {
    const world = withLinks(parameter("IB"), parameter("IB"));
    for (const pf of world.state.pfs) pf.driver = "mlx4_core";
    assert.deepEqual(found(managed(8), world), []);
  });
  test("belongs to the port that the uplink's name tells, then devlink, then the PCI function", () => {
    const one = spec(
      '{version: 1, nics: [{name: data, mode: sriov, ports: [{address: "0000:37:00.0"}], vfs: 8, link: ethernet}], firmware: {}}',
    );
    const world = withLinks(eth, parameter("IB"));
    uplinkOf(world).portName = "p1";
    assert.deepEqual(settingsOf(world, one), [{ LINK_TYPE_P2: "ETH" }]);
    uplinkOf(world).portName = null;
    assert.ok(!isUnknown(world.state.devlinkPorts));
    for (const port of world.state.devlinkPorts)
      port.port = port.handle === `pci/${pfOf(world).address}` ? 1 : 0;
    assert.deepEqual(settingsOf(world, one), [{ LINK_TYPE_P2: "ETH" }]);
    world.state.devlinkPorts = [];
    assert.deepEqual(settingsOf(world, one), []);
  });
});

describe("more than 64 VFs in the firmware", () => {
  const answers = (world: World, mode: string) =>
    brief(found(managed(2, mode), world)).map(({ severity, remedy }) => [severity, remedy]);
  test("warn for VF-LAG, with the reason", () => {
    assert.deepEqual(answers(offering(65), "vf-lag"), [["warning", "person"]]);
    assert.deepEqual(answers(offering(8, 65), "vf-lag"), [["warning", "person"]]);
    assert.match(
      found(managed(2, "vf-lag"), offering(65))[0]?.actual ?? "",
      /^NUM_OF_VFS is 65: .*more than 64 VFs/,
    );
  });
  test("are nothing to warn of for 64, for other modes, and where the LAG is active", async () => {
    assert.deepEqual(answers(offering(64), "vf-lag"), []);
    assert.deepEqual(answers(offering(127), "switchdev"), []);
    const world = await booted(managed(2, "vf-lag"), offering(127));
    assert.deepEqual(answers(world, "vf-lag"), []);
  });
});

describe("a faulty card is repaired by apply and a reboot", () => {
  for (const fault of ["firmware-short", "no-virtualization"] as const) {
    test(fault, async () => {
      const wanted = managed(8, "vf-lag");
      const world = fresh([dualPort], fault);
      const host = new SimulatedHost(world);
      const plan = await rehearse(wanted, await host.observe());
      assert.deepEqual(
        plan.phases.map(({ after }) => after),
        ["now", "reboot", "networking"],
      );
      assert.deepEqual(
        plan.remaining.map(({ answer }) => answer),
        ["works"],
      );
      await reconcile(host, wanted, { stages });
      reboot(world);
      await booted(wanted, world);
      assert.deepEqual(
        verdicts(wanted, await host.observe()).map(({ answer, deviations }) => [answer, deviations]),
        [["works", []]],
      );
    });
  }

  test("what is set for the next boot changes nothing before it", () => {
    const world = offering(4);
    setFirmware(world, "0000:37:00.0", { NUM_OF_VFS: "8" });
    assert.deepEqual(
      [pfOf(world).sriov?.total, configuration(world).parameters["NUM_OF_VFS"]?.current],
      [4, "4"],
    );
    reboot(world);
    assert.deepEqual(
      [pfOf(world).sriov?.total, configuration(world).parameters["NUM_OF_VFS"]?.current],
      [8, "8"],
    );
    setFirmware(world, "0000:37:00.1", { SRIOV_EN: "false" });
    reboot(world);
    assert.equal(pfOf(world).sriov, null);
  });

  test("a setting that the card does not have, or that is read-only, is refused", () => {
    const world = offering(4);
    assert.throws(
      () => setFirmware(world, "0000:37:00.0", { LINK_TYPE_P1: "ETH" }),
      /doesn't support LINK_TYPE_P1/,
    );
    configuration(world).parameters["NUM_OF_VFS"] = parameter("4", "4", true);
    assert.throws(() => setFirmware(world, "0000:37:00.0", { NUM_OF_VFS: "8" }), /read only/);
  });
});
