import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { ActionError } from "../../../../src/host/host.ts";
import { findFirmware } from "../../../../src/host/linux/firmware/firmware.ts";
import { LinuxHost } from "../../../../src/host/linux/host.ts";
import { ProgramError, type RunProgram, runProgram } from "../../../../src/host/linux/system/program.ts";
import type { FirmwareCard } from "../../../../src/host/state/firmware.ts";
import { isUnknown } from "../../../../src/host/state/observed.ts";
import { HostState } from "../../../../src/host/state/state.ts";
import { pciAddress } from "../../../../src/host/state/values.ts";
import { reconcile } from "../../../../src/reconcile/reconcile.ts";
import { verdicts } from "../../../../src/verdict/verdict.ts";
import { cardRows, FakeCards, layouts } from "../../../support/fake-card.ts";
import { spec } from "../../../support/hosts.ts";
import { fakeKernel, fakeNetlink, pciLink } from "../fake-kernel.ts";
import { addTree, connectX5, makeTree, type Tree } from "../tree.ts";

/**
 * The real host's way to a card's firmware, on a made-up tree with cards of the tests' own, and with the real
 * program.
 */

const first = pciAddress("0000:37:00.0");
const second = pciAddress("0000:37:00.1");
const links = [pciLink(4, "ens3f0", first), pciLink(5, "ens3f1", second)];
const wanted = spec(`
version: 1
nics:
  - {name: data, mode: sriov, ports: [ens3f0], vfs: 8}
  - {name: other, mode: sriov, ports: [ens3f1], vfs: 32}
firmware: {}
`);

const total = (vfs: number): Tree => ({ sriov_totalvfs: `${vfs}\n` });

/** A host with a two-port card that offers so many VFs; and the same machine after a boot. */
function machine(t: TestContext, cards: FakeCards, vfs: number) {
  const devices = { ...connectX5(first, [], total(vfs)), ...connectX5(second, [], total(vfs)) };
  const root = makeTree(t, {
    sys: { "bus/pci/devices": devices, "kernel/security/lockdown": "[none] integrity confidentiality\n" },
  });
  const open = () => LinuxHost.open({ ...fakeKernel(root, fakeNetlink({ links }), { run: cards.run }) });
  const boot = () => {
    cards.boot();
    const count = cards.cards.get(first)?.find(({ name }) => name === "NUM_OF_VFS")?.current ?? "0";
    for (const pf of [first, second])
      writeFileSync(join(root, "sys/bus/pci/devices", pf, "sriov_totalvfs"), `${count}\n`);
  };
  return { root, open, boot };
}

async function firmwareOf(host: LinuxHost): Promise<FirmwareCard[]> {
  const { firmware } = HostState.parse(JSON.parse(JSON.stringify(await host.observe())));
  assert.ok(!isUnknown(firmware), JSON.stringify(firmware));
  return firmware;
}

for (const [kind, layout] of Object.entries(layouts)) {
  test(`from too few VFs to enough: asked, set, read back, rebooted (in the ${kind} layout)`, async (t) => {
    const cards = new FakeCards({ [first]: cardRows(4) });
    cards.layout = layout;
    const { open, boot } = machine(t, cards, 4);
    {
      using host = open();
      const [card, ...more] = await firmwareOf(host);
      assert.deepEqual(more, []);
      assert.deepEqual(
        { ...card, configuration: null },
        {
          card: "0000:37:00",
          pfs: [first, second],
          asked: first,
          tool: "mstconfig",
          version: "4.21.0",
          configuration: null,
        },
      );
      const [outcome] = await reconcile(host, wanted, { stages: ["firmware"] });
      assert.deepEqual(
        outcome?.steps.flatMap(({ actions }) => actions),
        [{ kind: "set-firmware", pf: first, tool: "mstconfig", settings: { NUM_OF_VFS: "32" } }],
      );
      assert.deepEqual(outcome?.failures, []);
      assert.deepEqual(
        outcome?.left.map(({ requirement, remedy, nics, actual }) => [
          requirement,
          remedy.kind,
          nics,
          actual,
        ]),
        [
          [
            "firmware",
            "reboot",
            ["data", "other"],
            "NUM_OF_VFS is 4, 32 from the next boot on: set, and waiting for a boot",
          ],
        ],
      );
    }
    assert.deepEqual(cards.asked, [
      "mstconfig --version",
      `mstconfig -d ${first} -e query`,
      `mstconfig -d ${first} -y set NUM_OF_VFS=32`,
      `mstconfig -d ${first} -e query`,
      "mstconfig --version",
      `mstconfig -d ${first} -e query`,
    ]);
    boot();
    using host = open();
    const state = await host.observe();
    assert.deepEqual(
      verdicts(wanted, state, ["firmware"]).map(({ deviations }) => deviations),
      [[], []],
    );
    assert.deepEqual(
      state.pfs.map(({ sriov }) => sriov?.total),
      [32, 32],
    );
  });
}

test("a card is asked once, however often the host is looked at, until it is set", async (t) => {
  const cards = new FakeCards({ [first]: cardRows(16) });
  using host = machine(t, cards, 16).open();
  for (let n = 0; n < 3; n++) await host.observe();
  assert.equal(cards.asked.filter((line) => line.endsWith("query")).length, 1);
  await host.perform({ kind: "set-firmware", pf: first, tool: "mstconfig", settings: { NUM_OF_VFS: "20" } });
  const [card] = await firmwareOf(host);
  assert.equal(
    card !== undefined && !isUnknown(card.configuration) && card.configuration.parameters["NUM_OF_VFS"]?.next,
    "20",
  );
});

test("cards are asked anew when other ports are there", async (t) => {
  const cards = new FakeCards({ [first]: cardRows(16), "0000:5d:00.0": cardRows(8) });
  const { root, open } = machine(t, cards, 16);
  using host = open();
  assert.equal((await firmwareOf(host)).length, 1);
  addTree(join(root, "sys/bus/pci/devices"), connectX5("0000:5d:00.0"));
  assert.deepEqual(
    (await firmwareOf(host)).map(({ card }) => card),
    ["0000:37:00", "0000:5d:00"],
  );
});

test("setting the same again does no harm", async (t) => {
  using host = machine(t, new FakeCards({ [first]: cardRows(16) }), 16).open();
  for (let n = 0; n < 2; n++) {
    await host.perform({
      kind: "set-firmware",
      pf: first,
      tool: "mstconfig",
      settings: { SRIOV_EN: "true", NUM_OF_VFS: "20", LINK_TYPE_P2: "ETH" },
    });
  }
});

test("cards are asked at the same time", async () => {
  const [left, right] = [pciAddress("0000:37:00.0"), pciAddress("0000:5d:00.0")];
  let [now, most] = [0, 0];
  const cards = new FakeCards({ [left]: cardRows(4), [right]: cardRows(4) });
  const run: typeof cards.run = async (argv) => {
    most = Math.max(most, ++now);
    await new Promise((resolve) => setImmediate(resolve));
    now--;
    return cards.run(argv);
  };
  const found = await findFirmware({ run, sysRoot: "/nowhere" }, state(left, right), "auto");
  assert.ok(!isUnknown(found));
  assert.deepEqual(
    found.map(({ card }) => card),
    ["0000:37:00", "0000:5d:00"],
  );
  assert.equal(most, 2);
});

describe("a set that did not do what was asked is an error", () => {
  const action = {
    kind: "set-firmware",
    pf: first,
    tool: "mstconfig",
    settings: { NUM_OF_VFS: "20" },
  } as const;
  const refused = async (
    t: TestContext,
    prepare: (cards: FakeCards) => unknown,
    settings: object,
    said: RegExp,
  ) => {
    const cards = new FakeCards({ [first]: cardRows(16) });
    prepare(cards);
    using host = machine(t, cards, 16).open();
    await assert.rejects(host.perform({ ...action, settings }), (error) => {
      assert.ok(error instanceof ActionError);
      assert.match(error.message, said);
      return true;
    });
  };
  test("the card has no such setting", (t) =>
    refused(
      t,
      ({ cards }) => cards.get(first)?.splice(0, 10),
      { LINK_TYPE_P1: "ETH" },
      /^mstconfig -d 0000:37:00.0 -y set LINK_TYPE_P1=2: exit code 3: -E- The Device doesn't support LINK_TYPE_P1 parameter$/,
    ));
  test("the card takes no such value", (t) =>
    refused(t, () => {}, { NUM_OF_VFS: "1000" }, /exit code 3: -E- .*NUM_OF_VFS/));
  test("the program says that it is done, and it is not", (t) =>
    refused(
      t,
      (cards) => Object.assign(cards, { forgets: true }),
      { NUM_OF_VFS: "20" },
      /it said that this is done, but NUM_OF_VFS is 16 for the next boot, not 20$/,
    ));
  test("what is no value reaches no program", (t) =>
    refused(t, () => {}, { NUM_OF_VFS: "20 --force" }, /is no value of NUM_OF_VFS/));
  test("there is no such program", (t) =>
    refused(
      t,
      (cards) => Object.assign(cards, { program: "mlxconfig" }),
      { NUM_OF_VFS: "20" },
      /mstconfig .*ENOENT/,
    ));
});

describe("what cannot be asked is unknown, and says why", () => {
  const ask = async (
    prepare: (cards: FakeCards) => unknown,
    choice: "auto" | "mlxconfig" | "mstconfig" = "auto",
    sysRoot = "/nowhere",
  ) => {
    const cards = new FakeCards({ [first]: cardRows(16) });
    prepare(cards);
    const found = await findFirmware({ run: cards.run, sysRoot }, state(first), choice);
    assert.ok(!isUnknown(found) && found[0] !== undefined);
    const { tool, configuration } = found[0];
    return { tool, unknown: isUnknown(configuration) ? configuration.unknown : null, asked: cards.asked };
  };
  const denied = {
    stderr: "write counter to semaphore: Permission denied\n",
    stdout: "-E- Failed to open the device\n",
  };

  test("the kernel's lockdown is on", async (t) => {
    const root = makeTree(t, { "kernel/security/lockdown": "none [integrity] confidentiality\n" });
    const { unknown } = await ask((cards) => Object.assign(cards, { fails: denied }), "auto", root);
    assert.equal(
      unknown,
      "mstconfig -d 0000:37:00.0 -e query: exit code 3: write counter to semaphore: Permission denied; -E- Failed to open the device. The kernel's lockdown is on (integrity; secure boot does that) and keeps programs from a card's registers: kernel_lockdown(7)",
    );
  });
  test("it is refused for another reason: lockdown is off", async (t) => {
    const root = makeTree(t, { "kernel/security/lockdown": "[none] integrity confidentiality\n" });
    const { unknown } = await ask((cards) => Object.assign(cards, { fails: denied }), "auto", root);
    assert.match(unknown ?? "", /Failed to open the device$/);
  });
  test("some settings could not be read", async () => {
    const stdout =
      "-E- Failed to query some of the TLVs:\n    Failed to query the next values of the following TLVs:\n    nv_vpi \n";
    const { unknown } = await ask((cards) => Object.assign(cards, { fails: { stderr: "", stdout } }));
    assert.match(unknown ?? "", /following TLVs:; nv_vpi$/);
  });
  test("some settings could not be read, and the table of the others is there: it counts where it has what is needed", async () => {
    const partly =
      "-E- Failed to query some of the TLVs:\n    Failed to query the current values of the following TLVs:\n    nv_rom_boot_conf2\n";
    const whole = await ask((cards) => Object.assign(cards, { partly }));
    assert.deepEqual([whole.tool, whole.unknown], ["mstconfig", null]);
    const rows = cardRows(16).filter(({ name }) => name !== "NUM_OF_VFS");
    const cut = await ask((cards) => Object.assign(cards, { partly, cards: new Map([[first, rows]]) }));
    assert.match(cut.unknown ?? "", /exit code 3: .*nv_rom_boot_conf2$/);
  });
  test("a table of a layout that is not known: its JSON is asked for, and what is not understood there either is told of the table", async () => {
    const json = JSON.stringify({ "Device #1": { tlv_configuration: { NUM_OF_VFS: { next_value: 16 } } } });
    for (const [answer, expected] of [
      [json, "16"],
      ["no JSON", undefined],
    ] as const) {
      const run: RunProgram = (argv) => {
        const stdout = argv.includes("-j")
          ? answer
          : argv.includes("query")
            ? "Device #1:\nSettings: of 2031\n"
            : "mstconfig, mstflint 9.0\n";
        return Promise.resolve({ code: 0, stdout, stderr: "" });
      };
      const found = await findFirmware({ run, sysRoot: "/nowhere" }, state(first), "auto");
      assert.ok(!isUnknown(found) && found[0] !== undefined);
      const { configuration } = found[0];
      if (isUnknown(configuration))
        assert.match(configuration.unknown, /-e query: not understood: no line "Configurations:"/);
      assert.equal(
        isUnknown(configuration) ? undefined : configuration.parameters["NUM_OF_VFS"]?.next,
        expected,
      );
    }
  });
  test("no program is installed", async () => {
    const { tool, unknown, asked } = await ask((cards) => Object.assign(cards, { program: "none" }));
    assert.deepEqual([tool, asked], [null, ["mstconfig --version", "mlxconfig --version"]]);
    assert.equal(
      unknown,
      "neither mstconfig nor mlxconfig is installed (mstconfig is in the package mstflint)",
    );
  });
  test("the one that the spec names is not installed", async () => {
    const { unknown, asked } = await ask(() => {}, "mlxconfig");
    assert.match(unknown ?? "", /^mlxconfig is not installed/);
    assert.deepEqual(asked, ["mlxconfig --version"]);
  });
  test("only mlxconfig is installed: it is asked", async () => {
    const { tool, unknown } = await ask((cards) => Object.assign(cards, { program: "mlxconfig" }));
    assert.deepEqual([tool, unknown], ["mlxconfig", null]);
  });
  test("the program does not end", async () => {
    const late = new ProgramError("ETIMEDOUT", "mstconfig: no end after 60 s, so it was killed");
    const run = (argv: readonly string[]) =>
      argv.includes("query") ? Promise.reject(late) : Promise.resolve({ stdout: "", stderr: "", code: 0 });
    const found = await findFirmware({ run, sysRoot: "/nowhere" }, state(first), "auto");
    assert.deepEqual(!isUnknown(found) && found[0]?.configuration, { unknown: late.message });
  });
});

test("no program is started for boot stages, for a spec without firmware, and on a host without such a card", async (t) => {
  const cards = new FakeCards({ [first]: cardRows(16) });
  const { root } = machine(t, cards, 16);
  const kernel = fakeKernel(root, fakeNetlink({ links }), { run: cards.run });
  for (const options of [{ looks: "nics" }, { firmwareTool: null }] as const) {
    using host = LinuxHost.open({ ...kernel, ...options });
    assert.ok(isUnknown((await host.observe()).firmware));
  }
  const other = state(first);
  for (const pf of other.pfs) pf.vendor = "8086";
  assert.deepEqual(await findFirmware({ run: cards.run, sysRoot: "/nowhere" }, other, "auto"), []);
  assert.deepEqual(cards.asked, []);
});

/** What the program of Debian's package mstflint says on a machine without a card: as far as it goes. */
describe("the real mstconfig", {
  skip: isInstalled() ? false : "mstconfig is not installed: apt-get install mstflint",
}, () => {
  const nowhere = pciAddress("0000:ff:1f.7");

  test("tells its version", async () => {
    const found = await findFirmware({ run: runProgram, sysRoot: "/sys" }, state(nowhere), "mstconfig");
    assert.ok(!isUnknown(found) && found[0] !== undefined);
    assert.equal(found[0].tool, "mstconfig");
    assert.match(found[0].version ?? "", /^\d+\.\d+\.\d+/);
  });

  test("of a card that is not there says why, and that is unknown", async () => {
    const found = await findFirmware({ run: runProgram, sysRoot: "/nowhere" }, state(nowhere), "auto");
    assert.ok(
      !isUnknown(found) && found[0] !== undefined && isUnknown(found[0].configuration),
      JSON.stringify(found),
    );
    assert.match(
      found[0].configuration.unknown,
      /^mstconfig -d 0000:ff:1f\.7 -e query: exit code [1-9]\d*: .*-E- Failed to open the device$/,
    );
  });

  test("sets nothing on a card that is not there, and the error has its words", async (t) => {
    const root = makeTree(t, {});
    using host = LinuxHost.open(fakeKernel(root, fakeNetlink(), { run: runProgram }));
    const action = {
      kind: "set-firmware",
      pf: nowhere,
      tool: "mstconfig",
      settings: { SRIOV_EN: "true", NUM_OF_VFS: "16" },
    } as const;
    await assert.rejects(
      host.perform(action),
      /mstconfig -d 0000:ff:1f\.7 -y set SRIOV_EN=1 NUM_OF_VFS=16: exit code [1-9]\d*: .*-E- Failed to open the device/,
    );
  });

  test("takes the options that are given to it: others it refuses in other words", async () => {
    const { stdout, code } = await runProgram(["mstconfig", "-d", nowhere, "--no-such-option", "query"]);
    assert.notEqual(code, 0);
    assert.match(stdout, /-E- invalid argument: --no-such-option/);
    const help = (await runProgram(["mstconfig", "--help"])).stdout;
    for (const option of ["-d|--dev", "-e|--enable_verbosity", "-y|--yes"])
      assert.ok(help.includes(option), option);
  });
});

/** Hosts with a NIC of vendor 15b3 at each address. */
function state(...addresses: readonly ReturnType<typeof pciAddress>[]) {
  const pf = (address: ReturnType<typeof pciAddress>) => ({
    address,
    vendor: "15b3",
    product: "1017",
    model: "ConnectX-5",
    driver: "mlx5_core",
    firmware: null,
    serial: null,
    iommuGroup: null,
    numaNode: null,
    netdev: null,
    sriov: null,
    vfs: [],
    users: [],
    eswitch: null,
    lag: null,
  });
  return { pfs: addresses.map(pf), netdevs: [] };
}

function isInstalled(): boolean {
  try {
    execFileSync("mstconfig", ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
