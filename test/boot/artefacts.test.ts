import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { artefacts } from "../../src/boot/artefacts.ts";
import { metricsFile } from "../../src/boot/metrics-file.ts";
import { verifyTimer, verifyUnit } from "../../src/boot/verify-units.ts";
import type { CardOptions } from "../../src/host/simulated/build.ts";
import { observeWorld } from "../../src/host/simulated/host.ts";
import { known } from "../../src/host/state/observed.ts";
import { nicsFound } from "../../src/requirements/evaluate.ts";
import { addTree, makeTree, type Tree } from "../host/linux/tree.ts";
import { dualPort, fresh, spec, vfLagSpec } from "../support/hosts.ts";
import { inSandbox, noSandbox } from "./sandbox.ts";

/** Every file that vflag makes, as it should be, reviewed like code: `UPDATE_GOLDEN=1` writes them. */
const golden = join(import.meta.dirname, "golden");
const update = process.env["UPDATE_GOLDEN"] === "1";

const x710: CardOptions = { model: "X710", ports: 2 };
const connectX3: CardOptions = { model: "ConnectX-3", ports: 2 };

const mixed = spec(`
version: 1
nics:
  - {name: data, mode: vf-lag, ports: [ens3f0, ens3f1], vfs: 2, bond: bond0}
  - {name: plain, mode: sriov, ports: [{address: "0000:5d:00.*"}], vfs: 8, persistence: udev}
`);
const byModule = spec(`
version: 1
nics:
  - {name: old, mode: sriov, ports: [ens3f0, ens3f1], vfs: 4, persistence: modprobe}
`);

/** A file of vflag's for a spec on a host with these cards; systemd-networkd runs there. */
function render(name: string, wanted: typeof mixed, cards: readonly CardOptions[]): string | null {
  const world = fresh(cards);
  known(world.state.units)?.push({
    name: "systemd-networkd.service",
    path: null,
    enabled: "enabled",
    active: "active",
    result: "success",
  });
  const state = observeWorld(world);
  const artefact = artefacts.find((candidate) => candidate.name === name);
  assert.ok(artefact !== undefined);
  return artefact.text({ spec: wanted, state, program: "/usr/bin/vflag", nics: nicsFound(wanted, state) });
}

const cases: readonly (readonly [
  file: string,
  artefact: string,
  wanted: typeof mixed,
  cards: readonly CardOptions[],
])[] = [
  ["vflag-early.service", "vflag-early.service", vfLagSpec, [dualPort]],
  ["vflag-late.service", "vflag-late.service", vfLagSpec, [dualPort]],
  ["70-vflag.rules", "70-vflag.rules", mixed, [dualPort, x710]],
  ["00-vflag.network", "00-vflag.network", vfLagSpec, [dualPort]],
  ["vflag.conf", "vflag.conf", byModule, [connectX3]],
];

describe("golden files", () => {
  for (const { name, text } of [
    verifyUnit({ program: "/usr/bin/vflag", metrics: metricsFile }),
    verifyTimer,
  ]) {
    test(name, () => {
      const path = join(golden, name);
      if (update) writeFileSync(path, text);
      assert.equal(text, readFileSync(path, "utf8"));
    });
  }

  for (const [file, artefact, wanted, cards] of cases) {
    test(file, () => {
      const text = render(artefact, wanted, cards);
      const path = join(golden, file);
      if (update) writeFileSync(path, text ?? "");
      assert.ok(existsSync(path), `${path} is missing: UPDATE_GOLDEN=1 writes it`);
      assert.equal(text, readFileSync(path, "utf8"));
    });
  }

  test("there is one for every artefact, and no other", () => {
    // GRUB's drop-in is an action of its own: grub.test.ts.
    const others = ["vflag.cfg", "vflag-verify.service", "vflag-verify.timer"];
    assert.deepEqual(readdirSync(golden).sort(), [...artefacts.map(({ name }) => name), ...others].sort());
  });

  test("a host that needs none of them gets none", () => {
    assert.equal(render("vflag.conf", vfLagSpec, [dualPort]), null);
    assert.equal(render("vflag-early.service", byModule, [connectX3]), null);
  });
});

test("modprobe reads the options of mlx4_core", { skip: missing("modprobe") }, () => {
  const { status, stdout, stderr } = spawnSync("modprobe", ["--showconfig", "-C", golden], {
    encoding: "utf8",
    env: pathWithSbin(),
  });
  assert.deepEqual([status, stderr], [0, ""]);
  assert.match(stdout, /^options mlx4_core port_type_array=2,2 num_vfs=4 probe_vf=4$/m);
});

const networkd = "/lib/systemd/systemd-networkd";

test("systemd-networkd knows every word of the .network file", { skip: noSandbox(networkd) }, (t) => {
  const look = (text: string) => {
    const folder = makeTree(t, { "00-vflag.network": text });
    return inSandbox(
      [
        // networkd runs as a user of its own.
        'chmod 755 "$1"',
        "mkdir -p /run/systemd/netif",
        'mount --bind "$1" /etc/systemd/network',
        "mount -t tmpfs tmpfs /usr/lib/systemd/network",
        `SYSTEMD_LOG_LEVEL=debug timeout 2 ${networkd} || true`,
      ],
      folder,
    );
  };
  const text = readFileSync(join(golden, "00-vflag.network"), "utf8");
  const said = look(text);
  // It has started, so it has read its files.
  assert.match(said, /Enumeration completed/);
  assert.doesNotMatch(said, /00-vflag\.network/);
  assert.match(look(text.replace("Unmanaged", "Unmanagd")), /00-vflag\.network:\d+: Unknown key 'Unmanagd'/);
});

describe("udev on a made-up /sys", { skip: noSandbox("udevadm") }, () => {
  const pf = "devices/pci0000:36/0000:37:00.0";
  const x = "devices/pci0000:5c/0000:5d:00.0";
  const card = (vendor: string, device: string, address: string): Tree => ({
    uevent: `DRIVER=some\nPCI_SLOT_NAME=${address}\n`,
    vendor: `${vendor}\n`,
    device: `${device}\n`,
    sriov_numvfs: "0\n",
    sriov_drivers_autoprobe: "0\n",
  });
  const tree: Tree = {
    "class/net": {},
    [pf]: card("0x15b3", "0x1017", "0000:37:00.0"),
    [x]: card("0x8086", "0x1572", "0000:5d:00.0"),
  };
  const virtualFunction = (device: string, physfn: string): Tree => ({
    [device]: { uevent: "DRIVER=some\n", physfn: `-> ../${physfn}` },
  });

  test("the rules are understood as a whole", (t) => {
    const { said } = ask(t, tree, netdev(pf, "ens3f0", null));
    assert.doesNotMatch(said, /70-vflag\.rules:\d+ (?!NAME|ATTR|Skipping)/, said);
  });

  test("udevadm verify accepts them", { skip: noVerify() }, () => {
    const { status, stdout, stderr } = spawnSync("udevadm", ["verify", join(golden, "70-vflag.rules")], {
      encoding: "utf8",
    });
    assert.equal(status, 0, stdout + stderr);
  });

  test("a port keeps its name, with the port's name and without", (t) => {
    for (const portName of [null, "p0"]) {
      const { properties } = ask(t, tree, netdev(pf, "eth0", portName));
      assert.equal(properties.get("INTERFACE"), "ens3f0", `port name ${portName}`);
      assert.equal(properties.get("NM_UNMANAGED"), undefined);
    }
  });

  test("neither another card at the same address, nor InfiniBand, nor a subfunction below the port gets it", (t) => {
    const other = { ...tree, [pf]: card("0x8086", "0x1572", "0000:37:00.0") };
    assert.equal(ask(t, other, netdev(pf, "eth0", null)).properties.get("INTERFACE"), "eth0");
    assert.equal(ask(t, tree, netdev(pf, "ib0", null, "32")).properties.get("INTERFACE"), "ib0");
    const subfunction = netdev(`${pf}/mlx5_core.sf.4`, "eth0", null);
    assert.equal(ask(t, tree, subfunction).properties.get("INTERFACE"), "eth0");
  });

  for (const portName of ["pf0vf3", "c1pf0vf3"]) {
    test(`a representor (${portName}) keeps its own name, and network managers leave it alone`, (t) => {
      const { properties } = ask(t, tree, netdev(pf, "eth7", portName));
      assert.deepEqual([properties.get("INTERFACE"), ...marks(properties)], ["eth7", "1", "1"]);
    });
  }

  for (const portName of ["pf0", "pf0sf88", "4"]) {
    test(`what is no port (${portName}) does not get the port's name`, (t) => {
      assert.equal(ask(t, tree, netdev(pf, "eth7", portName)).properties.get("INTERFACE"), "eth7");
    });
  }

  test("a VF of a declared port is left alone, and one of another is not", (t) => {
    const ours = netdev("devices/pci0000:36/0000:37:00.2", "ens3f0v0", null);
    assert.deepEqual(
      marks(ask(t, { ...tree, ...virtualFunction(ours.device, "0000:37:00.0") }, ours).properties),
      ["1", "1"],
    );
    const other = { ...tree, "devices/pci0000:36/0000:38:00.0": card("0x15b3", "0x1017", "0000:38:00.0") };
    const theirs = netdev("devices/pci0000:36/0000:38:00.2", "ens4v0", null);
    assert.deepEqual(
      marks(ask(t, { ...other, ...virtualFunction(theirs.device, "0000:38:00.0") }, theirs).properties),
      [undefined, undefined],
    );
  });

  test("a port with persistence: udev gets its VFs, once", (t) => {
    const first = ask(t, tree, netdev(x, "ens4f0", null));
    assert.deepEqual(
      [first.read(`${x}/sriov_numvfs`), first.read(`${x}/sriov_drivers_autoprobe`)],
      ["8", "1"],
    );
    const has = { ...tree, [x]: { ...card("0x8086", "0x1572", "0000:5d:00.0"), sriov_numvfs: "3\n" } };
    assert.equal(ask(t, has, netdev(x, "ens4f0", null)).read(`${x}/sriov_numvfs`), "3");
    assert.equal(ask(t, tree, netdev(x, "ens4f0", null), "change").read(`${x}/sriov_numvfs`), "0");
    assert.equal(ask(t, tree, netdev(pf, "ens3f0", null)).read(`${pf}/sriov_numvfs`), "0");
  });

  test("the marks stay when a netdev changes", (t) => {
    assert.deepEqual(marks(ask(t, tree, netdev(pf, "eth7", "pf0vf3"), "change").properties), ["1", "1"]);
  });
});

interface MadeUpNetdev {
  readonly device: string;
  readonly path: string;
  readonly tree: Tree;
}

function netdev(device: string, name: string, portName: string | null, type = "1"): MadeUpNetdev {
  const path = `${device}/net/${name}`;
  const up = "../".repeat(path.split("/").length);
  const port: Tree = portName === null ? {} : { phys_port_name: `${portName}\n` };
  const tree: Tree = {
    [path]: {
      uevent: `INTERFACE=${name}\nIFINDEX=4711\n`,
      type: `${type}\n`,
      device: "-> ../..",
      subsystem: `-> ${up}class/net`,
      ...port,
    },
    [`class/net/${name}`]: `-> ../../${path}`,
  };
  return { device, path, tree };
}

/** What udev makes of a netdev's event with the golden rules, and no others. */
function ask(t: TestContext, sys: Tree, { path, tree }: MadeUpNetdev, action = "add") {
  const root = makeTree(t, {
    sys,
    rules: { "70-vflag.rules": readFileSync(join(golden, "70-vflag.rules"), "utf8") },
  });
  addTree(join(root, "sys"), tree);
  const said = inSandbox(
    [
      "mount -t tmpfs tmpfs /usr/lib/udev/rules.d",
      'mount --bind "$1/rules" /etc/udev/rules.d',
      'mount --bind "$1/sys" /sys',
      'SYSTEMD_DEVICE_VERIFY_SYSFS=0 udevadm test -a "$3" "/sys/$2"',
    ],
    root,
    path,
    action,
  );
  const properties = new Map(
    [...said.matchAll(/^([A-Z_]+)=(.*)$/gm)].map(([, name = "", value = ""]) => [name, value]),
  );
  return { said, properties, read: (file: string) => readFileSync(join(root, "sys", file), "utf8").trim() };
}

function marks(properties: ReadonlyMap<string, string>) {
  return [properties.get("NM_UNMANAGED"), properties.get("VFLAG_UNMANAGED")];
}

function missing(program: string): string | false {
  return spawnSync(program, ["--version"], { env: pathWithSbin() }).error === undefined
    ? false
    : `${program} is not installed`;
}

function noVerify(): string | false {
  const { status } = spawnSync("udevadm", ["verify", "--help"]);
  return status === 0 ? false : "this udevadm has no verify (systemd < 254)";
}

function pathWithSbin() {
  return { ...process.env, PATH: `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin` };
}
