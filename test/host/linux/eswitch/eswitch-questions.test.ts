import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import { act } from "../../../../src/host/linux/act.ts";
import { findKernelOptions } from "../../../../src/host/linux/boot/kernel-options.ts";
import { setMode, setModeAgain } from "../../../../src/host/linux/eswitch/eswitch-actions.ts";
import { askMode, askSteering } from "../../../../src/host/linux/eswitch/eswitch-questions.ts";
import { keepRefused, readRefused } from "../../../../src/host/linux/eswitch/refused-settings.ts";
import { activateLag } from "../../../../src/host/linux/lag/activate-lag.ts";
import { withAgreedLags } from "../../../../src/host/linux/lag/lag.ts";
import type { Kernel } from "../../../../src/host/linux/system/kernel.ts";
import { isUnknown } from "../../../../src/host/state/observed.ts";
import type { Lag } from "../../../../src/host/state/state.ts";
import { pciAddress } from "../../../../src/host/state/values.ts";
import { NetlinkError } from "../../../../src/netlink/index.ts";
import { bond, fakeKernel, fakeNetlink, link, pciLink, slaveOf } from "../fake-kernel.ts";
import { connectX5, makeTree, type Tree } from "../tree.ts";

/** What the real host asks of a driver, hears from it, and keeps. */

const pf = pciAddress("0000:37:00.0");
const other = pciAddress("0000:37:00.1");
const handle = `pci/${pf}`;
const switchdev = { mode: "switchdev", inline: "none", encap: "basic" } as const;
const busy = (code: "EBUSY" | "EINVAL") =>
  refusal(code === "EBUSY" ? 16 : 22, "mlx5_core: Can't change mode, E-Switch is busy.");
const notSupported = (sentence: string) => refusal(95, sentence);

function refusal(errno: number, extack: string): NetlinkError {
  return new NetlinkError({ request: `set eSwitch mode of ${handle}`, errno, extack, attribute: null });
}

function made(
  t: Parameters<typeof makeTree>[0],
  { root: tree = {}, ...netlink }: Parameters<typeof fakeNetlink>[0] & { root?: Tree } = {},
) {
  const root = makeTree(t, { sys: { "bus/pci/devices": connectX5(pf) }, ...tree });
  const fake = fakeNetlink({
    links: [pciLink(4, "ens3f0", pf)],
    eswitches: { [handle]: switchdev },
    ...netlink,
  });
  return { root, fake, kernel: fakeKernel(root, fake) };
}

/** A kernel that answers requests with these errors first. */
function answering(kernel: Kernel, ...errors: readonly NetlinkError[]) {
  const left = [...errors];
  const asked: string[] = [];
  const request: Kernel["request"] = async (long) => {
    asked.push(long.kind === "setEswitch" ? `mode ${long.change.mode}` : `${long.name} ${long.value}`);
    const error = left.shift();
    if (error !== undefined) throw error;
    return kernel.request(long);
  };
  return { kernel: { ...kernel, request }, asked };
}

describe("what a driver is asked before something is taken apart", () => {
  test("steering: that the mode is in the way means that the card can", async (t) => {
    const { kernel } = made(t);
    const mode = notSupported(
      "mlx5_core: Software managed steering is not supported when eswitch offloads enabled.",
    );
    await askSteering(answering(kernel, mode).kernel, pf, "smfs");
    const card = notSupported("mlx5_core: Software managed steering is not supported by current device.");
    await assert.rejects(askSteering(answering(kernel, card).kernel, pf, "smfs"), { code: "EOPNOTSUPP" });
  });

  test("steering: in legacy mode, and of dmfs, nobody is asked, for the question would be the deed", async (t) => {
    const { kernel } = made(t, { eswitches: { [handle]: { ...switchdev, mode: "legacy" } } });
    const legacy = answering(kernel);
    await askSteering(legacy.kernel, pf, "smfs");
    const there = answering(made(t).kernel);
    await askSteering(there.kernel, pf, "dmfs");
    assert.deepEqual([legacy.asked, there.asked], [[], []]);
  });

  test("mode: the one that is there is set, which a busy eSwitch refuses", async (t) => {
    const free = answering(made(t).kernel);
    await askMode(free.kernel, pf, "switchdev");
    assert.deepEqual(free.asked, ["mode switchdev"]);
    await assert.rejects(askMode(answering(made(t).kernel, busy("EBUSY")).kernel, pf, "switchdev"), {
      code: "EBUSY",
    });
  });

  test("mode: not where it is another by now, nor under a bond, whose LAG would be taken down", async (t) => {
    const links = [
      pciLink(4, "ens3f0", pf, slaveOf(7)),
      link(7, "bond0", { kind: "bond", bond: bond("802.3ad") }),
    ];
    const bonded = answering(made(t, { links }).kernel);
    await assert.rejects(
      act(bonded.kernel, { kind: "ask-eswitch-mode", pf, mode: "switchdev" }, () => null),
      { code: "EBUSY", message: /ens3f0 .* is in bond0/ },
    );
    const changed = answering(made(t).kernel);
    await assert.rejects(
      act(changed.kernel, { kind: "ask-eswitch-mode", pf, mode: "legacy" }, () => null),
      { code: "EBUSY", message: /is in switchdev mode by now/ },
    );
    assert.deepEqual([bonded.asked, changed.asked], [[], []]);
  });
});

describe("a busy eSwitch", () => {
  test("has obeyed when it is asked to look at its LAG again", async (t) => {
    await setModeAgain(answering(made(t).kernel, busy("EBUSY")).kernel, pf);
    const disabled: Lag = {
      state: "disabled",
      type: null,
      source: "debugfs",
      portSelection: null,
      sharedFdb: null,
      mapping: [],
      members: [],
    };
    const found = answering(made(t).kernel, busy("EBUSY"));
    const lag = () =>
      found.asked.length === 0
        ? disabled
        : { ...disabled, state: "active" as const, type: "switchdev" as const };
    await activateLag(found.kernel, lag, pf, 2, 50);
    await assert.rejects(setModeAgain(answering(made(t).kernel, refusal(22, "mlx5_core: no")).kernel, pf), {
      code: "EINVAL",
    });
  });

  test("is asked again where its lock was held for a moment, and not where somebody uses it", async (t) => {
    const moment = answering(made(t).kernel, busy("EINVAL"));
    await setMode(moment.kernel, pf, "legacy");
    assert.deepEqual(moment.asked, ["mode legacy", "mode legacy"]);
    const used = answering(made(t).kernel, busy("EBUSY"));
    await assert.rejects(setMode(used.kernel, pf, "legacy"), { code: "EBUSY" });
    const failed = answering(made(t).kernel, refusal(22, "mlx5_core: Failed setting eswitch to legacy."));
    await assert.rejects(setMode(failed.kernel, pf, "legacy"), { code: "EINVAL" });
    assert.deepEqual([used.asked, failed.asked], [["mode legacy"], ["mode legacy"]]);
  });
});

test("a driver that looks only at bonds is not asked to look again, and that is said", async (t) => {
  const { kernel } = made(t, {
    root: { proc: { kallsyms: "ffffffff81000000 t mlx5_lag_netdev_event\t[mlx5_core]\n" } },
  });
  const disabled: Lag = {
    state: "disabled",
    type: null,
    source: "kernel-log",
    portSelection: null,
    sharedFdb: null,
    mapping: [],
    members: [],
  };
  const found = answering(kernel);
  await assert.rejects(
    activateLag(found.kernel, () => disabled, pf, 5, 20),
    { code: "ETIMEDOUT", message: /before 5\.15/ },
  );
  assert.deepEqual(found.asked, []);
});

test("after a change that could not be undone no other is asked for, on any port of the card, until the driver starts again", async (t) => {
  const { kernel, root } = made(t);
  const log = (...lines: string[]) => {
    const file = join(root, "dev");
    mkdirSync(file, { recursive: true });
    writeFileSync(
      join(file, "kmsg"),
      lines.map((line, index) => `6,${index},${1000 * index},-;${line}\n`).join(""),
    );
  };
  const failed = `mlx5_core ${other} ens3f1: failed to rollback to orig profile, -12`;
  const found = answering({ ...kernel, devRoot: join(root, "dev") });
  log(failed);
  const toLegacy = { kind: "set-eswitch-mode", pf, mode: "legacy" } as const;
  const perform = () => act(found.kernel, toLegacy, () => null);
  await assert.rejects(perform(), { code: "EBUSY", message: /only a reboot makes it safe/ });
  assert.deepEqual(found.asked, []);
  log(failed, `mlx5_core ${other}: firmware version: 22.35.1012`);
  await perform();
  assert.deepEqual(found.asked, ["mode legacy"]);
});

describe("what a card cannot do is kept", () => {
  const words =
    "set flow_steering_mode: EOPNOTSUPP: mlx5_core: Software managed steering is not supported by current device.";
  const action = { kind: "set-steering", pf, steering: "smfs" } as const;
  const state = {
    kernel: "6.1.0-50-amd64",
    pfs: [{ address: pf, driver: "mlx5_core", firmware: "22.35.1012" }],
  };

  test("once, whole, and read back", async (t) => {
    const filesRoot = makeTree(t, {});
    assert.deepEqual(readRefused({ filesRoot }), []);
    for (let n = 0; n < 2; n++) await keepRefused({ filesRoot }, action, "EOPNOTSUPP", words, state);
    const kept = {
      pf,
      setting: "steering",
      value: "smfs",
      words,
      kernel: state.kernel,
      firmware: "22.35.1012",
    };
    assert.deepEqual(readRefused({ filesRoot }), [kept]);
  });

  test("and not what the moment refused", async (t) => {
    const filesRoot = makeTree(t, {});
    await keepRefused(
      { filesRoot },
      action,
      "EOPNOTSUPP",
      "not supported when eswitch offloads enabled",
      state,
    );
    await keepRefused({ filesRoot }, action, "EBUSY", words, state);
    const encap = { kind: "set-encap", pf, encap: true } as const;
    await keepRefused(
      { filesRoot },
      encap,
      "EOPNOTSUPP",
      "mlx5_core: Can't set encapsulation when flows are configured",
      state,
    );
    assert.deepEqual(readRefused({ filesRoot }), []);
    await keepRefused(
      { filesRoot },
      encap,
      "EOPNOTSUPP",
      "set eSwitch: EOPNOTSUPP: operation not supported",
      state,
    );
    assert.equal(readRefused({ filesRoot }).length, 1);
  });

  test("a damaged file is as good as none", (t) => {
    const texts = [
      "",
      "{",
      "{}",
      "[1, null, {}]",
      '[{"pf": "x", "setting": "steering"}]',
      '[{"pf": "0000:37:00.0", "setting": "mode"}]',
    ];
    for (const text of texts) {
      const filesRoot = makeTree(t, { "var/lib/vflag/refused.json": text });
      assert.deepEqual(readRefused({ filesRoot }), [], text);
    }
  });
});

describe("what the kernel was built with", () => {
  const release = "6.1.0-50-amd64";
  const plain = "CONFIG_NET=y\nCONFIG_MLX5_CORE=m\n";
  const options = (t: Parameters<typeof makeTree>[0], tree: Tree) => {
    const root = makeTree(t, tree);
    return findKernelOptions(
      { sysRoot: join(root, "sys"), procRoot: join(root, "proc"), filesRoot: root },
      release,
    );
  };

  test("is read in /boot: on, off by name, and off because what it needs is off", (t) => {
    for (const [line, on] of [
      ["CONFIG_MLX5_CLS_ACT=y\n", true],
      ["# CONFIG_MLX5_CLS_ACT is not set\n", false],
      ["# CONFIG_NET_TC_SKB_EXT is not set\n", false],
    ] as const)
      assert.deepEqual(options(t, { [`boot/config-${release}`]: plain + line }), { CONFIG_MLX5_CLS_ACT: on });
  });

  test("or where the kernel itself shows it", (t) => {
    const root = makeTree(t, { proc: {} });
    writeFileSync(join(root, "proc/config.gz"), gzipSync(`${plain}CONFIG_MLX5_CLS_ACT=y\n`));
    const found = findKernelOptions(
      { sysRoot: join(root, "sys"), procRoot: join(root, "proc"), filesRoot: root },
      release,
    );
    assert.deepEqual(found, { CONFIG_MLX5_CLS_ACT: true });
  });

  test("is not known where no file is whole, and of the vendor's own driver", (t) => {
    const vendors = {
      sys: { "module/mlx5_core/version": "24.10-1.1.4\n" },
      [`boot/config-${release}`]: plain,
    };
    for (const tree of [
      {},
      { [`boot/config-${release}`]: "" },
      { [`boot/config-${release}`]: "CONFIG_NET=y\n" },
      vendors,
    ])
      assert.ok(isUnknown(options(t, tree)));
  });
});

describe("the LAG of a card's ports", () => {
  const lag = (state: "active" | "disabled"): Lag => {
    return {
      state,
      type: state === "active" ? "switchdev" : null,
      source: "debugfs",
      portSelection: null,
      sharedFdb: null,
      mapping: [],
      members: [],
    };
  };
  const ports = (...states: ("active" | "disabled")[]) =>
    states.map((state, index) => ({ address: [pf, other][index] ?? pf, lag: lag(state) }));

  test("is read again while one of them shows it as it was", async () => {
    let reads = 0;
    const found = await withAgreedLags(
      ports("disabled", "active"),
      () => "card",
      () => {
        reads++;
        return lag("active");
      },
    );
    assert.deepEqual([found.map((port) => port.lag.state), reads], [["active", "active"], 2]);
  });

  test("is as it is where they agree, are of different cards, or do not come to agree", async () => {
    let reads = 0;
    const read = ({ lag: found }: { lag: Lag }) => {
      reads++;
      return found;
    };
    const agreed = ports("active", "active");
    assert.deepEqual(await withAgreedLags(agreed, () => "card", read), agreed);
    const two = ports("active", "disabled");
    assert.deepEqual(await withAgreedLags(two, (address) => address, read), two);
    assert.equal(reads, 0);
    assert.deepEqual(await withAgreedLags(two, () => "card", read), two);
    assert.equal(reads, 8);
  });
});

test("a file that keeps refusals can be read by a person", async (t) => {
  const filesRoot = makeTree(t, {});
  const action = { kind: "ask-steering", pf, steering: "smfs" } as const;
  await keepRefused({ filesRoot }, action, "EOPNOTSUPP", "not supported by current device", {
    kernel: "6.1",
    pfs: [{ address: pf, driver: "mlx5_core", firmware: null }],
  });
  assert.match(
    readFileSync(join(filesRoot, "var/lib/vflag/refused.json"), "utf8"),
    /^\[\n {2}\{\n {4}"pf": "0000:37:00.0",\n/,
  );
});
