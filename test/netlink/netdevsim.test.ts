import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { carryOut, openNetlink } from "../../src/netlink/index.ts";

/*
 * devlink against upstream code: the kernel's netdevsim module, where it is loaded (the lab's machine).
 * Makes a simulated NIC of two ports and two VFs, and removes it.
 */

const bus = "/sys/bus/netdevsim";
const id = 4242;
const handle = `netdevsim/netdevsim${id}`;

const skip =
  process.getuid?.() !== 0
    ? "needs root"
    : existsSync(`${bus}/new_device`)
      ? false
      : "this kernel has no netdevsim (modprobe netdevsim)";

describe("against netdevsim", { skip }, () => {
  before(async () => {
    await writeFile(`${bus}/new_device`, `${id} 2`);
    await writeFile(`${bus}/devices/netdevsim${id}/sriov_numvfs`, "2");
    await carryOut({ kind: "setEswitch", handle, change: { mode: "switchdev" } });
  });

  after(() => writeFile(`${bus}/del_device`, `${id}`));

  test("the device is listed", () => {
    using netlink = openNetlink();
    assert.ok(netlink.devlink.listDevices().includes(handle));
  });

  test("the eSwitch is in the mode that was set", () => {
    using netlink = openNetlink();
    assert.equal(netlink.devlink.getEswitch(handle)?.mode, "switchdev");
  });

  test("uplinks and representors are ports of their flavours, with their netdevs", () => {
    using netlink = openNetlink();
    const ports = netlink.devlink.listPorts().filter((port) => port.handle === handle);
    assert.deepEqual(ports.filter(({ flavour }) => flavour === "physical").length, 2);
    const representors = ports.filter(({ flavour }) => flavour === "pcivf");
    assert.deepEqual(
      representors.map(({ pf, vf }) => [pf, vf]),
      [
        [0, 0],
        [0, 1],
      ],
    );
    const links = netlink.route.listLinks();
    for (const port of representors) {
      const link = links.find(({ index }) => index === port.ifindex);
      assert.equal(link?.portName, `pf0vf${port.vf}`);
      assert.notEqual(link?.switchId, null);
    }
  });

  test("a parameter is read by its name, set, and read back", () => {
    using netlink = openNetlink();
    const before = netlink.devlink.getParam(handle, "max_macs")?.values.driverinit;
    assert.equal(typeof before, "number");
    netlink.devlink.setParam(handle, "max_macs", 64, "driverinit");
    assert.equal(netlink.devlink.getParam(handle, "max_macs")?.values.driverinit, 64);
    assert.equal(netlink.devlink.getParam(handle, "nosuch"), null);
    assert.ok(
      netlink.devlink.listParams().some((param) => param.handle === handle && param.name === "test1"),
    );
  });

  test("the driver is told", () => {
    using netlink = openNetlink();
    assert.equal(netlink.devlink.getInfo(handle)?.driver, "netdevsim");
    assert.ok(netlink.devlink.listInfo().some((info) => info.handle === handle));
  });

  test("hw-tc-offload is switched on and off", async () => {
    using netlink = openNetlink();
    await sleep(100); // udev may be renaming the netdevs
    const uplink = netlink.devlink
      .listPorts()
      .find((port) => port.handle === handle && port.flavour === "physical");
    const index = uplink?.ifindex ?? 0;
    for (const on of [false, true]) {
      netlink.ethtool.setFeatures(index, { "hw-tc-offload": on });
      assert.equal(
        netlink.ethtool.getFeatures(index, ["hw-tc-offload"]).features["hw-tc-offload"]?.active,
        on,
      );
    }
  });

  test("a device that does not exist is refused", () => {
    using netlink = openNetlink();
    assert.throws(() => netlink.devlink.setEswitch("netdevsim/netdevsim4243", { mode: "switchdev" }), {
      code: "ENODEV",
    });
  });
});
