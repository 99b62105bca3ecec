import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { LinuxHost } from "../../../src/host/linux/host.ts";
import { devicesIn, listNamespaces } from "../../../src/host/linux/links/namespaces.ts";
import { HostState } from "../../../src/host/state/state.ts";
import { pciAddress } from "../../../src/host/state/values.ts";
import { fakeKernel, fakeNetlink, link, pciLink, port, slaveOf, vf } from "./fake-kernel.ts";
import { addTree, connectX5, connectX5Vf, makeTree } from "./tree.ts";

const pf = pciAddress("0000:37:00.0");
const vfs = ["0000:37:00.2", "0000:37:00.3"];

/** True where a network namespace can be made. */
const canNamespace = process.getuid?.() === 0 && succeeds("ip", ["netns", "list"]);

test("this machine can be observed, and what is observed is a host's state", async () => {
  using host = LinuxHost.open();
  const state = await host.observe();
  assert.deepEqual(HostState.parse(JSON.parse(JSON.stringify(state))), state);
  assert.ok(state.netdevs.some((netdev) => netdev.name === "lo"));
  assert.equal(new Set(state.netdevs.map((netdev) => netdev.index)).size, state.netdevs.length);
});

test("a host with a NIC in switchdev mode is told whole", async (t) => {
  const root = makeTree(t, {
    sys: {
      "bus/pci/devices": connectX5(pf, vfs),
      "kernel/debug/mlx5": { [pf]: { lag: { state: "disabled\n", members: `${pf}\n` } } },
    },
    "proc/sys/kernel": { hostname: "compute7\n", osrelease: "6.12.95+deb12-amd64\n" },
  });
  const fake = fakeNetlink({
    links: [
      pciLink(4, "ens3f0np0", pf, { switchId: "9c03", portName: "p0", vfs: [vf(0), vf(1)], vfCount: 2 }),
      pciLink(9, "ens3f0npf0vf0", pf, { switchId: "9c03", portName: "pf0vf0" }),
      pciLink(10, "eth0", pf, { switchId: "9c03", portName: "pf0vf1" }),
    ],
    eswitches: { [`pci/${pf}`]: { mode: "switchdev", inline: "none", encap: "basic" } },
    steering: { [`pci/${pf}`]: "smfs" },
    ports: [
      port(`pci/${pf}`, 1, {
        flavour: "pcivf",
        ifindex: 9,
        netdev: "ens3f0npf0vf0",
        pf: 0,
        vf: 0,
        controller: 0,
      }),
    ],
  });
  using host = LinuxHost.open(fakeKernel(root, fake));
  const state = HostState.parse(await host.observe());
  const [found] = state.pfs;
  assert.deepEqual([state.hostname, state.kernel], ["compute7", "6.12.95+deb12-amd64"]);
  assert.equal(found?.netdev, "ens3f0np0");
  assert.deepEqual(found?.eswitch, { mode: "switchdev", inline: "none", encap: true, steering: "smfs" });
  assert.deepEqual(
    found?.vfs.map(({ address, holders, settings }) => [address, holders, "mac" in settings]),
    vfs.map((address) => [address, [], true]),
  );
  assert.deepEqual(state.representors, [
    { netdev: "ens3f0npf0vf0", pf, vf: 0 },
    { netdev: "eth0", pf, vf: 1 },
  ]);
  assert.equal(
    found?.lag !== null && found?.lag !== undefined && "state" in found.lag && found.lag.state,
    "disabled",
  );
});

test("a devlink device on the auxiliary bus is that of the PCI device above it", async (t) => {
  const link = "-> ../../../devices/pci0000:36/0000:36:00.0/0000:37:00.0/mlx5_core.eth.0";
  const root = makeTree(t, {
    sys: { "bus/pci/devices": connectX5(pf), "bus/auxiliary/devices": { "mlx5_core.eth.0": link } },
  });
  const eswitches = {
    "auxiliary/mlx5_core.eth.0": { mode: "legacy", inline: "none", encap: "basic" },
  } as const;
  using host = LinuxHost.open(
    fakeKernel(root, fakeNetlink({ links: [pciLink(4, "ens3f0", pf)], eswitches })),
  );
  const [found] = (await host.observe()).pfs;
  assert.deepEqual(found?.eswitch, { mode: "legacy", inline: "none", encap: true, steering: null });
});

test("a glance is at the PCI bus alone, and shows the VFs that were made", async (t) => {
  const root = makeTree(t, { "sys/bus/pci/devices": connectX5(pf) });
  const fake = fakeNetlink({
    links: [pciLink(4, "ens3f0", pf)],
    eswitches: { [`pci/${pf}`]: { mode: "legacy", inline: "none", encap: "basic" } },
  });
  const kernel = fakeKernel(root, fake);
  let silent = false;
  const route = {
    ...kernel.netlink.route,
    listLinks: () => {
      assert.ok(!silent, "netlink is asked");
      return fake.links;
    },
  };
  using host = LinuxHost.open({ ...kernel, netlink: { ...kernel.netlink, route } });
  const before = await host.observe();
  silent = true;
  const devices = join(root, "sys/bus/pci/devices");
  addTree(devices, { [pf]: { virtfn0: `-> ../${vfs[0]}` }, [vfs[0] ?? ""]: connectX5Vf(pf, 12) });
  writeFileSync(join(devices, pf, "sriov_numvfs"), "1\n");
  const state = HostState.parse(await host.glance(before, [pf], "vfs"));
  assert.deepEqual(
    [state.pfs[0]?.sriov?.count, state.pfs[0]?.vfs.map(({ address }) => address)],
    [1, [vfs[0]]],
  );
  for (const looks of ["vfs", "pfs"] as const)
    assert.equal(await host.glance(before, [pciAddress("0000:99:00.0")], looks), null);

  writeFileSync(join(devices, pf, "sriov_drivers_autoprobe"), "0\n");
  const told = HostState.parse(await host.glance(state, [pf], "pfs"));
  assert.deepEqual([told.pfs[0]?.sriov?.autoprobe, told.pfs[0]?.vfs], [false, state.pfs[0]?.vfs]);
  assert.equal(await host.glance(before, [pf], "pfs"), null, "there are VFs that nobody has looked at");
});

test("a netdev that udev renames after the observation is acted on all the same", async (t) => {
  const fake = fakeNetlink({
    links: [pciLink(10, "eth0", pf)],
    channels: [{ index: 10, name: "eth0", rx: null, tx: null, other: null, combined: { count: 1, max: 4 } }],
  });
  using host = LinuxHost.open(fakeKernel(makeTree(t, {}), fake));
  await host.observe();
  fake.links = [pciLink(10, "ens3f0npf0vf1", pf), pciLink(11, "eth0", pf)];
  await host.perform({ kind: "set-tc-offload", netdev: "eth0", index: 10, on: true });
  await host.perform({ kind: "set-channels", netdev: "eth0", index: 10, combined: 2 });
  await host.perform({
    kind: "set-vf-settings",
    netdev: "eth0",
    index: 10,
    vf: 3,
    settings: { mac: "02:00:00:00:00:03", trust: null, linkState: "auto" },
  });
  assert.deepEqual(fake.asked, [
    ["features", 10, { "hw-tc-offload": true }],
    ["channels", 10, 2],
    ["mac", 10, 3, "02:00:00:00:00:03"],
    ["link state", 10, 3, "auto"],
  ]);
});

test("a bonded port's channels are left alone, also when it was bonded only now", async (t) => {
  const fake = fakeNetlink({
    links: [pciLink(10, "ens3f0", pf, slaveOf(20)), link(20, "bond0", { kind: "bond" })],
    channels: [
      { index: 10, name: "ens3f0", rx: null, tx: null, other: null, combined: { count: 1, max: 4 } },
    ],
  });
  using host = LinuxHost.open(fakeKernel(makeTree(t, { "sys/class/net/ens3f0/bonding_slave": {} }), fake));
  await assert.rejects(host.perform({ kind: "set-channels", netdev: "ens3f0", index: 10, combined: 2 }), {
    code: "EBUSY",
    message: /is in a bond/,
  });
  assert.deepEqual(fake.asked, []);
});

test("a refusal of the real kernel is an action's error with its name and words", async () => {
  using host = LinuxHost.open();
  const action = { kind: "set-tc-offload", netdev: "no-such-netdev", on: true } as const;
  await assert.rejects(host.perform(action), {
    name: "ActionError",
    action,
    // The kernel asks who is asking before it looks for the device.
    code: process.getuid?.() === 0 ? "ENODEV" : "EPERM",
    message: /^set hw-tc-offload on on no-such-netdev: (ENODEV|EPERM): /,
  });
  const vfs = { kind: "set-vf-count", pf: pciAddress("ffff:ff:1f.7"), count: 1 } as const;
  await assert.rejects(host.perform(vfs), {
    name: "ActionError",
    code: "ENODEV",
    message: "there is no PF ffff:ff:1f.7",
  });
  const mode = { kind: "set-eswitch-mode", pf: pciAddress("ffff:ff:1f.7"), mode: "switchdev" } as const;
  await assert.rejects(host.perform(mode), { name: "ActionError", code: "ENODEV" });
});

test("an observation waits for a NIC's long request without stopping this thread", async (t) => {
  const fake = fakeNetlink({ eswitches: { [`pci/${pf}`]: { mode: "legacy", inline: null, encap: null } } });
  const kernel = fakeKernel(makeTree(t, { "sys/bus/pci/devices": connectX5(pf) }), fake);
  const { promise, resolve } = Promise.withResolvers<void>();
  const request: typeof kernel.request = async (long) => {
    await promise;
    await kernel.request(long);
  };
  using host = LinuxHost.open({ ...kernel, request });
  const change = host.perform({ kind: "set-eswitch-mode", pf, mode: "switchdev" });
  const observation = host.observe();
  setTimeout(resolve, 50);
  const eswitch = (await observation).pfs[0]?.eswitch;
  assert.equal(eswitch !== null && eswitch !== undefined && "mode" in eswitch && eswitch.mode, "switchdev");
  await change;
});

test("namespaces are found by name, looked into, and left again", {
  skip: !canNamespace && "needs root and ip",
}, (t) => {
  const name = `vflag-test-${process.pid}`;
  run("ip", ["netns", "add", name]);
  t.after(() => run("ip", ["netns", "delete", name]));
  const home = statSync("/proc/thread-self/ns/net").ino;
  const found = listNamespaces("/run", "/proc");
  const ours = found.find((namespace) => namespace.name === name);
  assert.ok(ours);
  assert.equal(new Set(found.map(({ path }) => statSync(path).ino)).size, found.length, "each once");
  assert.deepEqual(devicesIn(ours), []);
  assert.throws(() => devicesIn({ name: "gone", path: "/run/netns/no-such-namespace" }), { code: "ENOENT" });
  assert.throws(() => devicesIn({ name: "no namespace", path: "/etc/hostname" }), /cannot be entered/);
  assert.equal(statSync("/proc/thread-self/ns/net").ino, home);
});

test("another network namespace can be observed, with hundreds of netdevs", {
  skip: !canNamespace && "needs root and ip",
}, (t) => {
  const name = `vflag-test-many-${process.pid}`;
  run("ip", ["netns", "add", name]);
  t.after(() => run("ip", ["netns", "delete", name]));
  const lines = Array.from({ length: 127 }, (_, n) => `link add v${n} type veth peer name w${n}\n`);
  run("ip", ["-n", name, "-batch", "-"], lines.join(""));
  const script = `
    import { LinuxHost } from ${JSON.stringify(new URL("../../../src/host/linux/host.ts", import.meta.url).href)};
    import { HostState } from ${JSON.stringify(new URL("../../../src/host/state/state.ts", import.meta.url).href)};
    using host = LinuxHost.open();
    const first = performance.now();
    const state = await host.observe();
    const second = performance.now();
    await host.observe();
    const end = performance.now();
    HostState.parse(state);
    console.log(JSON.stringify({ netdevs: state.netdevs.length, first: second - first, second: end - second }));
  `;
  const args = [
    "netns",
    "exec",
    name,
    process.execPath,
    "--disable-warning=ExperimentalWarning",
    "--input-type=module-typescript",
    "-e",
    script,
  ];
  const { netdevs, ...times } = JSON.parse(run("ip", args));
  assert.equal(netdevs, 255);
  t.diagnostic(`first ${times.first.toFixed(1)} ms, second ${times.second.toFixed(1)} ms`);
});

function run(program: string, args: readonly string[], input = ""): string {
  return execFileSync(program, args, { input, encoding: "utf8", stdio: ["pipe", "pipe", "inherit"] });
}

function succeeds(program: string, args: readonly string[]): boolean {
  try {
    execFileSync(program, args, { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
