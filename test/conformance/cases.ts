import assert from "node:assert/strict";
import type { Action } from "../../src/host/actions/action.ts";
import { known } from "../../src/host/state/observed.ts";
import { HostState } from "../../src/host/state/state.ts";
import {
  bothSwitchdev,
  type Case,
  createVfs,
  eventually,
  first,
  nameOf,
  pause,
  port,
  portNames,
  portsOf,
  refused,
  switchdev,
} from "./case-tools.ts";
import { driverCases } from "./driver-cases.ts";

export const cases: readonly Case[] = [
  {
    title: "a snapshot fits the published schema, and names two ports",
    needs: "sriov",
    run: async (host, bed) => {
      const state = HostState.parse(await host.observe());
      const ports = await portsOf(host);
      assert.equal(ports.length, 2);
      for (const pf of ports) {
        assert.equal(pf.sriov?.total, bed.nic.totalVfs);
        assert.equal(pf.sriov?.count, 0);
        assert.ok(state.netdevs.some((netdev) => netdev.name === pf.netdev && netdev.device === pf.address));
      }
    },
  },
  {
    title: "VFs created with autoprobe off have no driver",
    needs: "sriov",
    run: async (host) => {
      await createVfs(host, 2);
      const { sriov, vfs } = await port(host);
      assert.equal(sriov?.count, 2);
      assert.equal(sriov?.autoprobe, false);
      assert.deepEqual(
        vfs.map(({ index, driver }) => ({ index, driver })),
        [
          { index: 0, driver: null },
          { index: 1, driver: null },
        ],
      );
    },
  },
  {
    title: "VFs have the addresses and the product id that the PF's capability tells",
    needs: "sriov",
    run: async (host, bed) => {
      const before = (await port(host)).sriov;
      await createVfs(host, 2);
      const pf = await port(host);
      const routingId = (address: string) => {
        const [bus = "", slot = "", fn = ""] = address.slice(address.indexOf(":") + 1).split(/[:.]/);
        return Number.parseInt(bus, 16) * 256 + Number.parseInt(slot, 16) * 8 + Number(fn);
      };
      assert.ok(before?.offset != null && before.stride != null);
      const expected = [0, 1].map(
        (index) => routingId(pf.address) + (before.offset ?? 0) + index * (before.stride ?? 0),
      );
      assert.deepEqual(
        pf.vfs.map((vf) => routingId(vf.address)),
        expected,
      );
      if (bed.nic.tellsVfProduct)
        assert.deepEqual([...new Set(pf.vfs.map((vf) => vf.product))], [before.vfProduct]);
    },
  },
  {
    title: "a VF gets a driver and a netdev when it is bound with autoprobe on",
    needs: "sriov",
    run: async (host, bed) => {
      await createVfs(host, 2);
      const pf = await port(host);
      const vf = first(pf.vfs);
      await host.perform({ kind: "set-vf-autoprobe", pf: pf.address, on: true });
      await host.perform({ kind: "bind-vf", pf: pf.address, vf: vf.address, driver: bed.nic.vfDriver });
      assert.equal(first((await port(host)).vfs).driver, bed.nic.vfDriver);
      await eventually(async () =>
        (await host.observe()).netdevs.some((netdev) => netdev.device === vf.address),
      );
    },
  },
  {
    title: "with autoprobe off a bind is refused with ENODEV",
    needs: "sriov",
    run: async (host, bed) => {
      await createVfs(host, 1);
      const pf = await port(host);
      const action: Action = {
        kind: "bind-vf",
        pf: pf.address,
        vf: first(pf.vfs).address,
        driver: bed.nic.vfDriver,
      };
      await refused(host, action, "ENODEV");
      assert.equal(first((await port(host)).vfs).driver, null);
    },
  },
  {
    title: "binding and unbinding can be repeated without harm",
    needs: "sriov",
    run: async (host, bed) => {
      await createVfs(host, 1);
      const pf = await port(host);
      const vf = first(pf.vfs).address;
      await host.perform({ kind: "set-vf-autoprobe", pf: pf.address, on: true });
      for (let n = 0; n < 2; n++)
        await host.perform({ kind: "bind-vf", pf: pf.address, vf, driver: bed.nic.vfDriver });
      assert.equal(first((await port(host)).vfs).driver, bed.nic.vfDriver);
      for (let n = 0; n < 2; n++)
        await host.perform({ kind: "unbind-vf", pf: pf.address, vf, driver: bed.nic.vfDriver });
      assert.equal(first((await port(host)).vfs).driver, null);
    },
  },
  {
    title: "VFs created with autoprobe on are bound at once",
    needs: "sriov",
    run: async (host, bed) => {
      const pf = await port(host);
      await host.perform({ kind: "set-vf-autoprobe", pf: pf.address, on: true });
      await host.perform({ kind: "set-vf-count", pf: pf.address, count: 2 });
      assert.deepEqual(
        (await port(host)).vfs.map((vf) => vf.driver),
        [bed.nic.vfDriver, bed.nic.vfDriver],
      );
    },
  },
  {
    title: "another number of VFs without 0 between is refused with EBUSY",
    needs: "sriov",
    run: async (host) => {
      await createVfs(host, 2);
      const pf = await port(host);
      await refused(host, { kind: "set-vf-count", pf: pf.address, count: 3 }, "EBUSY");
      assert.equal((await port(host)).sriov?.count, 2);
    },
  },
  {
    title: "the same number of VFs again is accepted and changes nothing",
    needs: "sriov",
    run: async (host) => {
      await createVfs(host, 2);
      const before = (await port(host)).vfs;
      await host.perform({ kind: "set-vf-count", pf: (await port(host)).address, count: 2 });
      assert.deepEqual(
        (await port(host)).vfs.map((vf) => vf.address),
        before.map((vf) => vf.address),
      );
    },
  },
  {
    title: "more VFs than the NIC offers are refused with ERANGE",
    needs: "sriov",
    run: async (host, bed) => {
      const pf = await port(host);
      await refused(host, { kind: "set-vf-count", pf: pf.address, count: bed.nic.totalVfs + 1 }, "ERANGE");
      assert.equal((await port(host)).sriov?.count, 0);
    },
  },
  {
    title: "all VFs that the NIC offers can be created, and 0 takes them away",
    needs: "sriov",
    run: async (host, bed) => {
      await createVfs(host, bed.nic.totalVfs);
      assert.equal((await port(host)).vfs.length, bed.nic.totalVfs);
      await host.perform({ kind: "set-vf-count", pf: (await port(host)).address, count: 0 });
      const { sriov, vfs } = await port(host);
      assert.deepEqual({ count: sriov?.count, vfs }, { count: 0, vfs: [] });
    },
  },
  {
    title: "a VF's address is set through its PF, and is the VF's when it is bound",
    needs: "sriov",
    run: async (host, bed) => {
      await createVfs(host, 2);
      const pf = await port(host);
      const netdev = nameOf(pf);
      const vf = pf.vfs[1]?.address ?? pf.address;
      await host.perform({ kind: "set-vf-settings", netdev, vf: 1, settings: { mac: "02:5d:00:00:00:01" } });
      const settings = known((await port(host)).vfs[1]?.settings);
      assert.equal(settings?.mac, "02:5d:00:00:00:01");
      await host.perform({ kind: "set-vf-autoprobe", pf: pf.address, on: true });
      await host.perform({ kind: "bind-vf", pf: pf.address, vf, driver: bed.nic.vfDriver });
      await eventually(async () =>
        (await host.observe()).netdevs.some(
          (candidate) => candidate.device === vf && candidate.mac === "02:5d:00:00:00:01",
        ),
      );
    },
  },
  {
    title: "settings of a VF beyond what the NIC offers are refused with EINVAL",
    needs: "sriov",
    run: async (host, bed) => {
      await createVfs(host, 1);
      const netdev = nameOf(await port(host));
      await refused(
        host,
        { kind: "set-vf-settings", netdev, vf: bed.nic.totalVfs + 5, settings: { mac: "02:5d:00:00:00:05" } },
        "EINVAL",
      );
    },
  },
  {
    title: "more channels than the device offers are refused with EINVAL, as many as it offers are accepted",
    needs: "sriov",
    run: async (host, bed) => {
      // igb offers more while it has no VFs.
      await createVfs(host, 1);
      const netdev = nameOf(await port(host));
      await refused(host, { kind: "set-channels", netdev, combined: bed.nic.maxChannels + 1 }, "EINVAL");
      await host.perform({ kind: "set-channels", netdev, combined: bed.nic.maxChannels });
      const channels = known(
        (await host.observe()).netdevs.find((candidate) => candidate.name === netdev)?.channels,
      );
      assert.deepEqual(channels, { combined: bed.nic.maxChannels, max: bed.nic.maxChannels });
      await host.perform({ kind: "set-channels", netdev, combined: 1 });
    },
  },
  {
    title: "0 channels are refused with EINVAL",
    needs: "sriov",
    run: async (host) => {
      const netdev = nameOf(await port(host));
      await refused(host, { kind: "set-channels", netdev, combined: 0 }, "EINVAL");
    },
  },
  {
    title: "a device that does not exist is refused with ENODEV",
    needs: "sriov",
    run: async (host) => {
      await refused(host, { kind: "set-channels", netdev: "nosuch0", combined: 1 }, "ENODEV");
      await refused(host, { kind: "set-tc-offload", netdev: "nosuch0", on: true }, "ENODEV");
    },
  },
  {
    title: "switchdev gives every VF a representor, of the port's eSwitch",
    needs: "eswitch",
    run: async (host) => {
      await createVfs(host, 3);
      await switchdev(host);
      const pf = await port(host);
      const state = await host.observe();
      assert.equal(known(pf.eswitch)?.mode, "switchdev");
      const representors = state.representors.filter((representor) => representor.pf === pf.address);
      assert.deepEqual(representors.map((representor) => representor.vf).sort(), [0, 1, 2]);
      for (const { netdev: name } of representors) {
        const netdev = state.netdevs.find((candidate) => candidate.name === name);
        assert.equal(
          netdev?.switchId,
          state.netdevs.find((candidate) => candidate.name === pf.netdev)?.switchId,
        );
      }
    },
  },
  {
    title:
      "switchdev leaves the uplink one channel and turns its offload on, fixed where the kernel takes no rules",
    needs: "eswitch",
    run: async (host, bed) => {
      await createVfs(host, 1);
      await switchdev(host);
      const { netdev: name } = await port(host);
      const netdev = (await host.observe()).netdevs.find((candidate) => candidate.name === name);
      assert.equal(known(netdev?.channels)?.combined, 1);
      assert.deepEqual(netdev?.tcOffload, { on: true, fixed: !bed.nic.tcOffload });
    },
  },
  {
    title: "legacy takes the representors away, and the VFs stay",
    needs: "eswitch",
    run: async (host) => {
      await createVfs(host, 2);
      await switchdev(host);
      await host.perform({ kind: "set-eswitch-mode", pf: (await port(host)).address, mode: "legacy" });
      const pf = await port(host);
      assert.equal(known(pf.eswitch)?.mode, "legacy");
      assert.equal(pf.vfs.length, 2);
      assert.deepEqual(
        (await host.observe()).representors.filter((representor) => representor.pf === pf.address),
        [],
      );
    },
  },
  {
    title: "VFs that are destroyed in switchdev mode take their representors along, and the mode stays",
    needs: "eswitch",
    run: async (host) => {
      await createVfs(host, 2);
      await switchdev(host);
      await host.perform({ kind: "set-vf-count", pf: (await port(host)).address, count: 0 });
      const pf = await port(host);
      assert.equal(known(pf.eswitch)?.mode, "switchdev");
      assert.deepEqual(
        (await host.observe()).representors.filter((representor) => representor.pf === pf.address),
        [],
      );
    },
  },
  {
    title: "VFs that are created in switchdev mode have representors",
    needs: "eswitch",
    run: async (host) => {
      await switchdev(host);
      await createVfs(host, 2);
      const { address } = await port(host);
      await eventually(
        async () =>
          (await host.observe()).representors.filter((representor) => representor.pf === address).length ===
          2,
      );
    },
  },
  {
    title: "the other port is not touched by a mode change",
    needs: "eswitch",
    run: async (host) => {
      await createVfs(host, 1);
      await switchdev(host);
      const second = (await portsOf(host))[1];
      assert.equal(known(second?.eswitch)?.mode, "legacy");
    },
  },
  {
    title: "the same mode again is accepted, and leaves VFs and representors as they were",
    needs: "eswitch",
    run: async (host) => {
      await createVfs(host, 2);
      await switchdev(host);
      const before = await host.observe();
      await switchdev(host);
      const after = await host.observe();
      const shape = ({ pfs, representors }: HostState) => ({
        vfs: pfs.map((pf) => pf.vfs.map((vf) => vf.address)),
        modes: pfs.map((pf) => known(pf.eswitch)?.mode),
        representors: representors.map(({ pf, vf }) => `${pf} ${vf}`).sort(),
      });
      assert.deepEqual(shape(after), shape(before));
    },
  },
  {
    title: "hw-tc-offload can be turned off and on",
    needs: "rules",
    run: async (host) => {
      await createVfs(host, 1);
      await switchdev(host);
      const netdev = nameOf(await port(host));
      for (const on of [false, true]) {
        await host.perform({ kind: "set-tc-offload", netdev, on });
        const found = (await host.observe()).netdevs.find((candidate) => candidate.name === netdev);
        assert.equal(known(found?.tcOffload)?.on, on);
      }
    },
  },
  {
    title: "a representor's channels can be set",
    needs: "eswitch",
    run: async (host) => {
      await createVfs(host, 1);
      await switchdev(host);
      // udev may rename the representor at any time: it is looked up by what it stands for, and acted on by
      // its index.
      const representor = async () => {
        const { representors, netdevs } = await host.observe();
        const name = representors.find((candidate) => candidate.vf === 0)?.netdev;
        return netdevs.find((netdev) => netdev.name === name);
      };
      const { name = "none", index = -1 } = (await representor()) ?? {};
      await host.perform({ kind: "set-channels", netdev: name, index, combined: 2 });
      assert.equal(known((await representor())?.channels)?.combined, 2);
    },
  },
  {
    title: "in switchdev mode a VF's address can be set, its trust, spoof check and link state cannot",
    needs: "eswitch",
    run: async (host) => {
      await createVfs(host, 1);
      await switchdev(host);
      const netdev = nameOf(await port(host));
      await host.perform({ kind: "set-vf-settings", netdev, vf: 0, settings: { mac: "02:5d:00:00:00:07" } });
      assert.equal(known((await port(host)).vfs[0]?.settings)?.mac, "02:5d:00:00:00:07");
      await refused(
        host,
        { kind: "set-vf-settings", netdev, vf: 0, settings: { trust: true } },
        "EOPNOTSUPP",
      );
      await refused(
        host,
        { kind: "set-vf-settings", netdev, vf: 0, settings: { spoofCheck: true } },
        "EOPNOTSUPP",
      );
      await refused(
        host,
        { kind: "set-vf-settings", netdev, vf: 0, settings: { linkState: "enable" } },
        "EOPNOTSUPP",
      );
    },
  },
  {
    title: "in legacy mode trust, spoof check and link state can be set",
    needs: "eswitch",
    run: async (host) => {
      await createVfs(host, 1);
      const netdev = nameOf(await port(host));
      await host.perform({
        kind: "set-vf-settings",
        netdev,
        vf: 0,
        settings: { trust: true, spoofCheck: true, linkState: "enable" },
      });
      const settings = known((await port(host)).vfs[0]?.settings);
      assert.deepEqual([settings?.trust, settings?.spoofCheck, settings?.linkState], [true, true, "enable"]);
    },
  },
  {
    title:
      "an address that was set in legacy mode survives the change to switchdev, and link state reads disable",
    needs: "eswitch",
    run: async (host) => {
      await createVfs(host, 1);
      await host.perform({
        kind: "set-vf-settings",
        netdev: nameOf(await port(host)),
        vf: 0,
        settings: { mac: "02:5d:00:00:00:09" },
      });
      await switchdev(host);
      const settings = known((await port(host)).vfs[0]?.settings);
      assert.deepEqual([settings?.mac, settings?.linkState], ["02:5d:00:00:00:09", "disable"]);
    },
  },
  {
    title: "an inline mode other than none is refused with EOPNOTSUPP",
    needs: "eswitch",
    run: async (host) => {
      const { address } = await port(host);
      await refused(host, { kind: "set-inline", pf: address, inline: "transport" }, "EOPNOTSUPP");
      await host.perform({ kind: "set-inline", pf: address, inline: "none" });
    },
  },
  {
    title: "encap can be set in legacy mode, and reads back",
    needs: "encap",
    run: async (host) => {
      const { address } = await port(host);
      for (const encap of [false, true]) {
        await host.perform({ kind: "set-encap", pf: address, encap });
        assert.equal(known((await port(host)).eswitch)?.encap, encap);
      }
    },
  },
  {
    title: "flow steering can be set in legacy mode, and reads back",
    needs: "steering",
    run: async (host, bed) => {
      const { address } = await port(host);
      for (const steering of bed.nic.steering) {
        await host.perform({ kind: "set-steering", pf: address, steering });
        assert.equal(known((await port(host)).eswitch)?.steering, steering);
      }
    },
  },
  {
    title: "a flow steering that the driver does not know is refused with EINVAL",
    needs: "steering",
    run: async (host) =>
      refused(host, { kind: "set-steering", pf: (await port(host)).address, steering: "hmfs" }, "EINVAL"),
  },
  {
    title: "smfs is refused with EOPNOTSUPP in switchdev mode",
    needs: "steering",
    run: async (host) => {
      await createVfs(host, 1);
      const { address } = await port(host);
      await host.perform({ kind: "set-steering", pf: address, steering: "dmfs" });
      await switchdev(host);
      await refused(host, { kind: "set-steering", pf: address, steering: "smfs" }, "EOPNOTSUPP");
    },
  },
  {
    title: "dmfs is accepted in switchdev mode, and reads back",
    needs: "smfs",
    run: async (host) => {
      const { address } = await port(host);
      await host.perform({ kind: "set-steering", pf: address, steering: "smfs" });
      await switchdev(host);
      await host.perform({ kind: "set-steering", pf: address, steering: "dmfs" });
      const eswitch = known((await port(host)).eswitch);
      assert.deepEqual([eswitch?.mode, eswitch?.steering], ["switchdev", "dmfs"]);
    },
  },
  {
    title: "a bond of both ports in switchdev mode makes a LAG of type switchdev",
    needs: "lag",
    run: async (host, bed) => {
      await bothSwitchdev(host);
      await bed.bond("bond0", "active-backup", await portNames(host));
      await host.perform({ kind: "activate-lag", pf: (await port(host)).address, seconds: 10 });
      for (const pf of await portsOf(host)) {
        const lag = known(pf.lag);
        assert.deepEqual([lag?.state, lag?.type], ["active", "switchdev"]);
        assert.equal(lag?.members.length, 2);
      }
    },
  },
  {
    title: "a bonded port's channels are not touched: EBUSY",
    needs: "lag",
    run: async (host, bed) => {
      const [netdev = "none", ...others] = await portNames(host);
      await host.perform({ kind: "set-channels", netdev, combined: 2 });
      await bed.bond("bond0", "active-backup", [netdev, ...others]);
      await refused(host, { kind: "set-channels", netdev, combined: 3 }, "EBUSY");
    },
  },
  {
    title: "a bond of both ports before VFs and switchdev makes a LAG of type roce",
    needs: "lag",
    run: async (host, bed) => {
      await bed.bond("bond0", "active-backup", await portNames(host));
      await eventually(async () => known((await port(host)).lag)?.type === "roce");
    },
  },
  {
    title: "VFs in legacy mode keep the LAG disabled",
    needs: "lag",
    run: async (host, bed) => {
      await createVfs(host, 1);
      await bed.bond("bond0", "active-backup", await portNames(host));
      await refused(host, { kind: "activate-lag", pf: (await port(host)).address, seconds: 2 }, "ETIMEDOUT");
      assert.equal(known((await port(host)).lag)?.state, "disabled");
    },
  },
  {
    title:
      "a bond mode that cannot be offloaded keeps the LAG disabled, and whoever makes the bond is warned",
    needs: "lag",
    run: async (host, bed) => {
      await bothSwitchdev(host);
      const warnings = await bed.bond("bond0", "balance-rr", await portNames(host));
      assert.match(warnings.join("\n"), /Can't activate LAG offload, TX type isn't supported/);
      await refused(host, { kind: "activate-lag", pf: (await port(host)).address, seconds: 2 }, "ETIMEDOUT");
    },
  },
  {
    title: "a third slave keeps the LAG disabled",
    needs: "lag",
    run: async (host, bed) => {
      await bothSwitchdev(host);
      await bed.bond("bond0", "active-backup", [...(await portNames(host)), "third0"]);
      await refused(host, { kind: "activate-lag", pf: (await port(host)).address, seconds: 2 }, "ETIMEDOUT");
    },
  },
  {
    title: "a bond of one port keeps the LAG disabled",
    needs: "lag",
    run: async (host, bed) => {
      await bothSwitchdev(host);
      await bed.bond("bond0", "active-backup", [nameOf(await port(host))]);
      await refused(host, { kind: "activate-lag", pf: (await port(host)).address, seconds: 2 }, "ETIMEDOUT");
      for (const pf of await portsOf(host)) assert.equal(known(pf.lag)?.state, "disabled");
    },
  },
  {
    title: "eSwitches in different modes keep the LAG disabled",
    needs: "lag",
    run: async (host, bed) => {
      // Without VFs on the legacy port: it is the modes alone that differ.
      await createVfs(host, 1);
      await switchdev(host);
      await bed.bond("bond0", "active-backup", await portNames(host));
      await refused(host, { kind: "activate-lag", pf: (await port(host)).address, seconds: 2 }, "ETIMEDOUT");
      for (const pf of await portsOf(host)) assert.equal(known(pf.lag)?.state, "disabled");
    },
  },
  {
    title: "a VF that is with vfio-pci, and with no guest, does not keep the LAG from coming up",
    needs: "lag",
    run: async (host, bed) => {
      await bothSwitchdev(host);
      const pf = await port(host);
      await bed.giveToVfio(first(pf.vfs).address);
      assert.equal(first((await port(host)).vfs).driver, "vfio-pci");
      await bed.bond("bond0", "active-backup", await portNames(host));
      await host.perform({ kind: "activate-lag", pf: pf.address, seconds: 10 });
      assert.equal(known((await port(host)).lag)?.state, "active");
    },
  },
  {
    title:
      "VFs bound when the bond forms keep the LAG disabled; unbinding them and asking again brings it up",
    needs: "lag",
    run: async (host, bed) => {
      await bothSwitchdev(host);
      const pf = await port(host);
      const vf = first(pf.vfs).address;
      await host.perform({ kind: "set-vf-autoprobe", pf: pf.address, on: true });
      await host.perform({ kind: "bind-vf", pf: pf.address, vf, driver: bed.nic.vfDriver });
      await bed.bond("bond0", "active-backup", await portNames(host));
      await refused(host, { kind: "activate-lag", pf: pf.address, seconds: 5 }, "ETIMEDOUT");
      await host.perform({ kind: "unbind-vf", pf: pf.address, vf, driver: bed.nic.vfDriver });
      await host.perform({ kind: "activate-lag", pf: pf.address, seconds: 10 });
      assert.equal(known((await port(host)).lag)?.state, "active");
    },
  },
  {
    title: "a link event makes the driver try again when the VFs are unbound",
    needs: "lag",
    run: async (host, bed) => {
      await bothSwitchdev(host);
      const pf = await port(host);
      const vf = first(pf.vfs).address;
      await host.perform({ kind: "set-vf-autoprobe", pf: pf.address, on: true });
      await host.perform({ kind: "bind-vf", pf: pf.address, vf, driver: bed.nic.vfDriver });
      await bed.bond("bond0", "active-backup", await portNames(host));
      assert.equal(known((await port(host)).lag)?.state, "disabled");
      await host.perform({ kind: "unbind-vf", pf: pf.address, vf, driver: bed.nic.vfDriver });
      await pause(1500);
      assert.equal(known((await port(host)).lag)?.state, "disabled", "unbinding alone is no event");
      await bed.linkEvent(nameOf(pf));
      await eventually(async () => known((await port(host)).lag)?.state === "active");
    },
  },
  {
    title: "VFs are bound under an active LAG, and it stays active",
    needs: "lag",
    run: async (host, bed) => {
      await bothSwitchdev(host);
      await bed.bond("bond0", "active-backup", await portNames(host));
      const pf = await port(host);
      await host.perform({ kind: "activate-lag", pf: pf.address, seconds: 10 });
      await host.perform({ kind: "set-vf-autoprobe", pf: pf.address, on: true });
      await host.perform({
        kind: "bind-vf",
        pf: pf.address,
        vf: first(pf.vfs).address,
        driver: bed.nic.vfDriver,
      });
      assert.equal(known((await port(host)).lag)?.state, "active");
    },
  },
  ...driverCases,
];
