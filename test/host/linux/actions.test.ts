import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { Action } from "../../../src/host/actions/action.ts";
import { act } from "../../../src/host/linux/act.ts";
import {
  setEncap,
  setInline,
  setMode,
  setSteering,
} from "../../../src/host/linux/eswitch/eswitch-actions.ts";
import { activateLag } from "../../../src/host/linux/lag/activate-lag.ts";
import { observeLag } from "../../../src/host/linux/lag/lag.ts";
import { bindVf, unbindVf } from "../../../src/host/linux/pci/drivers.ts";
import { setAutoprobe, setVfCount } from "../../../src/host/linux/pci/sriov.ts";
import type { Kernel } from "../../../src/host/linux/system/kernel.ts";
import { Refusal } from "../../../src/host/linux/system/refusal.ts";
import { pciAddress } from "../../../src/host/state/values.ts";
import type { Link } from "../../../src/netlink/index.ts";
import {
  bond,
  type FakeNetlink,
  fakeKernel,
  fakeNetlink,
  link,
  pciLink,
  port,
  slaveOf,
} from "./fake-kernel.ts";
import { addTree, connectX5, connectX5Pf, connectX5Vf, makeTree, type Tree } from "./tree.ts";

/**
 * The kernel's own effects are the lab's to show: here files stay what was written, and what is refused is
 * not written.
 */

const pf = pciAddress("0000:37:00.0");
const vf = pciAddress("0000:37:00.2");
const handle = `pci/${pf}`;
const legacy = { mode: "legacy", inline: "none", encap: "basic" } as const;
const switchdev = { mode: "switchdev", inline: "none", encap: "basic" } as const;

interface World {
  readonly devices?: Tree;
  readonly netlink?: Partial<FakeNetlink>;
  readonly proc?: Tree;
  readonly drivers?: Tree;
  readonly debug?: Tree;
}

function world(
  test: Parameters<typeof makeTree>[0],
  { devices = connectX5(pf), netlink = {}, proc = {}, drivers = {}, debug = {} }: World,
) {
  const root = makeTree(test, {
    sys: { "bus/pci/devices": devices, "bus/pci/drivers": drivers, "kernel/debug": debug },
    proc,
  });
  const fake = fakeNetlink({
    links: [pciLink(4, "ens3f0", pf)],
    eswitches: { [handle]: legacy },
    ...netlink,
  });
  return {
    kernel: fakeKernel(root, fake),
    fake,
    read: (path: string) => readFileSync(join(root, "sys", path), "utf8"),
    root,
  };
}

const enslaved: Link[] = [
  pciLink(4, "ens3f0", pf, slaveOf(7)),
  link(7, "bond0", { kind: "bond", bond: bond("802.3ad") }),
];
const heldVf = connectX5Vf(pf, 12, { driver: "-> ../../drivers/vfio-pci" });
const heldDevices = { [pf]: connectX5Pf([vf]), [vf]: heldVf };
const qemu = { "4711": { comm: "qemu-kvm\n", "fd/9": "-> /dev/vfio/12" } };
const inUse = new Refusal("EBUSY", `not done: VF 0 (${vf}) is in use by process 4711 (qemu-kvm)`);
const inBond = new Refusal("EBUSY", `not done: ens3f0 (${pf}) is in bond0`);

/** As the host performs it: looked at first. */
function perform(kernel: Kernel, action: Action): Promise<void> {
  return act(kernel, action, () => null);
}

function same(expected: Refusal) {
  return ({ code, message }: Refusal) => {
    assert.deepEqual({ code, message }, { code: expected.code, message: expected.message });
    return true;
  };
}

test("autoprobe is written only when it is another", async (t) => {
  const { kernel, read } = world(t, {});
  await setAutoprobe(kernel, pf, false);
  assert.match(read(`bus/pci/devices/${pf}/sriov_drivers_autoprobe`), /^0/);
  await assert.rejects(setAutoprobe(kernel, pciAddress("0000:99:00.0"), true), {
    code: "ENOENT",
    message: /write 1 to .*99:00\.0.*: ENOENT: no such file/,
  });
});

test("VFs are made, and waited for until their links are all there", async (t) => {
  const { kernel, read, root } = world(t, {});
  let linked = false;
  setTimeout(() => {
    addTree(join(root, "sys/bus/pci/devices"), {
      [pf]: { virtfn0: `-> ../${vf}` },
      [vf]: connectX5Vf(pf, 12),
    });
    linked = true;
  }, 150);
  await setVfCount(kernel, pf, 1);
  assert.ok(linked);
  assert.match(read(`bus/pci/devices/${pf}/sriov_numvfs`), /^1/);
});

test("in switchdev mode new VFs are waited for until their representors are there", async (t) => {
  const { kernel, fake, root } = world(t, { netlink: { eswitches: { [handle]: switchdev } } });
  addTree(join(root, "sys/bus/pci/devices"), { [pf]: { virtfn0: `-> ../${vf}` }, [vf]: connectX5Vf(pf, 12) });
  let there = false;
  setTimeout(() => {
    there = true;
    fake.links = [...fake.links, pciLink(9, "eth0", pf, { portName: "pf0vf0", switchId: "9c" })];
    fake.ports = [port(handle, 1, { flavour: "pcivf", ifindex: 9, vf: 0, controller: 0 })];
  }, 150);
  await setVfCount(kernel, pf, 1);
  assert.ok(there);
});

test("representors that are on their PF's device are not asked of netlink", async (t) => {
  const { kernel, root } = world(t, { netlink: { eswitches: { [handle]: switchdev } } });
  const net = { ens3f0: {}, eth0: {} };
  addTree(join(root, "sys/bus/pci/devices"), {
    [pf]: { virtfn0: `-> ../${vf}`, net },
    [vf]: connectX5Vf(pf, 12),
  });
  let asked = 0;
  const listLinks = () => {
    asked++;
    return kernel.netlink.route.listLinks();
  };
  const route = { ...kernel.netlink.route, listLinks };
  await perform({ ...kernel, netlink: { ...kernel.netlink, route } }, { kind: "set-vf-count", pf, count: 1 });
  // Once, for who uses the VFs and the port.
  assert.equal(asked, 1);
});

test("a number of VFs that is there already is not written again, whoever uses them", async (t) => {
  const { kernel, read } = world(t, { devices: heldDevices, proc: qemu, netlink: { links: enslaved } });
  await perform(kernel, { kind: "set-vf-count", pf, count: 1 });
  assert.equal(read(`bus/pci/devices/${pf}/sriov_numvfs`), "1\n");
});

for (const count of [0, 2]) {
  test(`VFs are not changed to ${count} when a guest has taken one since the observation`, async (t) => {
    const { kernel, read } = world(t, { devices: heldDevices, proc: qemu });
    await assert.rejects(perform(kernel, { kind: "set-vf-count", pf, count }), same(inUse));
    assert.equal(read(`bus/pci/devices/${pf}/sriov_numvfs`), "1\n");
  });
}

test("VFs are not made on a PF that has joined a bond since the observation", async (t) => {
  const { kernel, read } = world(t, { netlink: { links: enslaved } });
  await assert.rejects(perform(kernel, { kind: "set-vf-count", pf, count: 2 }), same(inBond));
  assert.equal(read(`bus/pci/devices/${pf}/sriov_numvfs`), "0\n");
});

test("a PF without SR-IOV, or that is not there, says so", async (t) => {
  const { sriov_totalvfs: _, ...plain } = connectX5Pf();
  const { kernel } = world(t, { devices: { [pf]: plain } });
  await assert.rejects(setVfCount(kernel, pf, 2), {
    code: "ENOENT",
    message: /has no sriov_numvfs: SR-IOV is off in the BIOS/,
  });
  await assert.rejects(setVfCount(kernel, pciAddress("0000:99:00.0"), 2), {
    code: "ENODEV",
    message: "there is no PF 0000:99:00.0",
  });
});

const drivers = { "mlx5_core/bind": "", "mlx5_core/unbind": "", "vfio-pci/unbind": "" };
const bound = connectX5Vf(pf, 12, { driver: "-> ../../drivers/mlx5_core" });

test("a VF that has the driver already is not bound again, and one without is not unbound", async (t) => {
  const { kernel } = world(t, { devices: { [pf]: connectX5Pf([vf]), [vf]: bound } });
  await bindVf(kernel, pf, vf, "mlx5_core");
  const unbound = world(t, { devices: connectX5(pf, [vf]) });
  await unbindVf(unbound.kernel, pf, vf, "mlx5_core");
});

test("a VF is bound by its address, and a kernel that says yes and binds nothing is not believed", async (t) => {
  const { kernel, read } = world(t, { devices: connectX5(pf, [vf]), drivers });
  await assert.rejects(bindVf(kernel, pf, vf, "mlx5_core"), {
    code: null,
    message: /the kernel took it, and the VF has no driver/,
  });
  assert.equal(read("bus/pci/drivers/mlx5_core/bind"), vf);
});

test("a VF of another driver, of another PF, or of none is left alone", async (t) => {
  const { kernel, read } = world(t, { devices: heldDevices, drivers });
  await assert.rejects(bindVf(kernel, pf, vf, "mlx5_core"), {
    code: "EBUSY",
    message: `VF ${vf} is bound to vfio-pci, not free for mlx5_core`,
  });
  await assert.rejects(perform(kernel, { kind: "unbind-vf", pf, vf, driver: "mlx5_core" }), {
    code: "EBUSY",
    message: /is bound to vfio-pci by now, not to mlx5_core/,
  });
  const other = pciAddress("0000:37:00.3");
  await assert.rejects(unbindVf(kernel, pf, other, "mlx5_core"), {
    code: "ENODEV",
    message: `${pf} has no VF ${other}`,
  });
  assert.equal(read("bus/pci/drivers/mlx5_core/unbind"), "");
});

test("a VF in use is never unbound", async (t) => {
  const { kernel, read } = world(t, { devices: heldDevices, proc: qemu, drivers });
  await assert.rejects(perform(kernel, { kind: "unbind-vf", pf, vf, driver: "vfio-pci" }), same(inUse));
  assert.equal(read("bus/pci/drivers/vfio-pci/unbind"), "");
});

test("a driver that is not loaded, or whose name is no name, is refused", async (t) => {
  const { kernel } = world(t, { devices: connectX5(pf, [vf]) });
  await assert.rejects(bindVf(kernel, pf, vf, "igbvf"), {
    code: "ENOENT",
    message: /the driver is not loaded \(modprobe igbvf\)/,
  });
  await assert.rejects(bindVf(kernel, pf, vf, "../../devices/x"), {
    code: "EINVAL",
    message: /is no driver's name/,
  });
});

test("the eSwitch mode is set, once, and read back", async (t) => {
  const { kernel, fake } = world(t, {});
  await setMode(kernel, pf, "switchdev");
  await setMode(kernel, pf, "switchdev");
  assert.deepEqual(fake.asked, [{ kind: "setEswitch", handle, change: { mode: "switchdev" } }]);
});

test("the eSwitch mode is not touched under a bond, nor under a guest", async (t) => {
  const bonded = world(t, { netlink: { links: enslaved } });
  await assert.rejects(
    perform(bonded.kernel, { kind: "set-eswitch-mode", pf, mode: "switchdev" }),
    same(inBond),
  );
  const held = world(t, { devices: heldDevices, proc: qemu });
  await assert.rejects(
    perform(held.kernel, { kind: "set-eswitch-mode", pf, mode: "switchdev" }),
    same(inUse),
  );
  assert.deepEqual([...bonded.fake.asked, ...held.fake.asked], []);
});

test("steering is not set when it is so, nor where the kernel shows no value", async (t) => {
  const { kernel, fake } = world(t, {
    netlink: { eswitches: { [handle]: switchdev }, steering: { [handle]: "smfs" } },
  });
  await setSteering(kernel, pf, "smfs");
  fake.steering[handle] = undefined;
  await assert.rejects(setSteering(kernel, pf, "smfs"), {
    code: "EOPNOTSUPP",
    message: /the kernel shows no value for it/,
  });
  assert.deepEqual(fake.asked, []);
  fake.steering[handle] = "dmfs";
  await setSteering(kernel, pf, "smfs");
  assert.deepEqual(fake.asked, [
    { kind: "setParam", handle, name: "flow_steering_mode", value: "smfs", mode: "runtime" },
  ]);
});

test("inline and encap modes are set only when they are others", async (t) => {
  const { kernel, fake } = world(t, {});
  await setInline(kernel, pf, "none");
  await setEncap(kernel, pf, true);
  assert.equal(fake.asked.length, 0);
  await setInline(kernel, pf, "transport");
  await setEncap(kernel, pf, false);
  assert.deepEqual(
    fake.asked.map(
      (request) => typeof request === "object" && request !== null && "change" in request && request.change,
    ),
    [{ inline: "transport" }, { encap: "none" }],
  );
});

test("a port in a bond is left alone also where its PCI function cannot be read", async (t) => {
  const { kernel, fake } = world(t, { devices: { [pf]: {} }, netlink: { links: enslaved } });
  for (const action of [
    { kind: "set-eswitch-mode", pf, mode: "switchdev" },
    { kind: "set-encap", pf, encap: false },
  ] as const)
    await assert.rejects(perform(kernel, action), same(inBond));
  assert.deepEqual(fake.asked, []);
});

test("a PF without devlink, or without an eSwitch, says so", async (t) => {
  const { kernel, fake } = world(t, {});
  delete fake.eswitches[handle];
  await assert.rejects(setMode(kernel, pf, "switchdev"), {
    code: "ENODEV",
    message: /devlink has no device for 0000:37:00\.0/,
  });
});

const lagOf = (kernel: Kernel) => () => observeLag(kernel.sysRoot, "6.12.0", pf, "mlx5_core");

function lagWorld(test: Parameters<typeof makeTree>[0], eswitch: typeof legacy | typeof switchdev) {
  const debug = { mlx5: { [pf]: { lag: { state: "disabled\n", type: "switchdev\n", members: "" } } } };
  const made = world(test, { debug, netlink: { eswitches: { [handle]: eswitch } } });
  const activate = () => writeFileSync(join(made.root, "sys/kernel/debug/mlx5", pf, "lag/state"), "active\n");
  return { ...made, activate };
}

test("a LAG that becomes active by itself is waited for, and the driver is left alone", async (t) => {
  const { kernel, fake, activate } = lagWorld(t, switchdev);
  setTimeout(activate, 120);
  await activateLag(kernel, lagOf(kernel), pf, 5);
  assert.deepEqual(fake.asked, []);
});

test("a LAG that stays disabled makes us ask the driver once, by the mode that it has", async (t) => {
  const { kernel, fake, activate } = lagWorld(t, switchdev);
  const request: typeof kernel.request = async (long) => {
    await kernel.request(long);
    activate();
  };
  await activateLag({ ...kernel, request }, lagOf(kernel), pf, 5, 100);
  assert.deepEqual(fake.asked, [{ kind: "setEswitch", handle, change: { mode: "switchdev" } }]);
});

test("a LAG that never becomes active is told with its state, after the time that was given", async (t) => {
  const { kernel, fake } = lagWorld(t, switchdev);
  const before = performance.now();
  const timeout = { code: "ETIMEDOUT", message: /^the LAG of 0000:37:00\.0 is disabled after 0\.4 s/ };
  await assert.rejects(activateLag(kernel, lagOf(kernel), pf, 0.4, 100), timeout);
  assert.ok(performance.now() - before >= 390);
  assert.equal(fake.asked.length, 1);
});

test("in legacy mode the driver is not asked: that would not be a repetition but a change", async (t) => {
  const { kernel, fake } = lagWorld(t, legacy);
  await assert.rejects(activateLag(kernel, lagOf(kernel), pf, 0.2, 50), { code: "ETIMEDOUT" });
  assert.deepEqual(fake.asked, []);
});

test("where the LAG cannot be seen, nothing is waited for", async (t) => {
  const { kernel } = world(t, {});
  await assert.rejects(activateLag(kernel, lagOf(kernel), pf, 60), {
    code: null,
    message: /wait for the LAG of 0000:37:00\.0: debugfs is not mounted/,
  });
});
