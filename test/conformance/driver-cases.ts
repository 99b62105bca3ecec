import assert from "node:assert/strict";
import type { Host } from "../../src/host/host.ts";
import { isKernelSince } from "../../src/host/kernel-release.ts";
import { known } from "../../src/host/state/observed.ts";
import type { Netdev } from "../../src/host/state/state.ts";
import {
  bothSwitchdev,
  type Case,
  createVfs,
  eventually,
  first,
  nameOf,
  port,
  portNames,
  portsOf,
  refused,
  switchdev,
} from "./case-tools.ts";

/**
 * Rules of mlx5 and its firmware in which the simulated host once was wrong: each names what it was read in,
 * or who refuses.
 */
export const driverCases: readonly Case[] = [
  {
    // linux esw/legacy.c, esw_legacy_enable()
    title: "back in legacy mode the link state of VFs is auto again",
    needs: "eswitch",
    run: async (host) => {
      await createVfs(host, 2);
      await switchdev(host);
      const { address } = await port(host);
      assert.deepEqual(await linkStates(host), ["disable", "disable"]);
      await host.perform({ kind: "set-eswitch-mode", pf: address, mode: "legacy" });
      assert.deepEqual(await linkStates(host), ["auto", "auto"]);
    },
  },
  {
    // linux en_rep.c, mlx5e_uplink_rep_enable(): what it wants stays wanted
    title: "back in legacy mode the uplink's hw-tc-offload stays on",
    needs: "eswitch",
    run: async (host, bed) => {
      await createVfs(host, 1);
      await switchdev(host);
      await host.perform({ kind: "set-eswitch-mode", pf: (await port(host)).address, mode: "legacy" });
      assert.deepEqual((await uplink(host)).tcOffload, { on: true, fixed: !bed.nic.tcOffload });
    },
  },
  {
    // linux en_rep.c, mlx5e_build_rep_netdev()
    title: "representors have hw-tc-offload, on",
    needs: "rules",
    run: async (host) => assert.deepEqual((await representor(host)).tcOffload, { on: true, fixed: false }),
  },
  {
    title:
      "a kernel without CONFIG_MLX5_CLS_ACT gives representors no hw-tc-offload, and nobody can turn it on",
    needs: "no-rules",
    run: async (host) => {
      const { name, tcOffload } = await representor(host);
      assert.deepEqual(tcOffload, { on: false, fixed: true });
      await refused(host, { kind: "set-tc-offload", netdev: name, on: true }, "EOPNOTSUPP");
    },
  },
  {
    // linux en_rep.c, mlx5e_rep_max_nch_limit()
    title: "a representor offers no more channels than its uplink",
    needs: "eswitch",
    run: async (host) => {
      const { channels } = await representor(host);
      const most = known((await uplink(host)).channels)?.max ?? 0;
      assert.ok((known(channels)?.max ?? Number.POSITIVE_INFINITY) <= most);
      assert.equal(known(channels)?.combined, 1);
    },
  },
  {
    // linux fs_core.c, mlx5_fs_mode_validate()
    title: "smfs where the card has it: in switchdev mode it is the mode that is refused",
    needs: "smfs",
    run: async (host) => {
      const { address } = await port(host);
      await host.perform({ kind: "set-steering", pf: address, steering: "dmfs" });
      await switchdev(host);
      await refused(
        host,
        { kind: "set-steering", pf: address, steering: "smfs" },
        "EOPNOTSUPP",
        /when eswitch offloads enabled/,
      );
      await host.perform({ kind: "ask-steering", pf: address, steering: "smfs" });
      assert.equal(known((await port(host)).eswitch)?.steering, "dmfs", "the question changes nothing");
    },
  },
  {
    title: "smfs where the card lacks it: in either mode it is the card that is refused, and it is kept",
    needs: "no-smfs",
    run: async (host) => {
      const { address } = await port(host);
      const lacks = /not supported by current device/;
      await refused(host, { kind: "set-steering", pf: address, steering: "smfs" }, "EOPNOTSUPP", lacks);
      await switchdev(host);
      await refused(host, { kind: "set-steering", pf: address, steering: "smfs" }, "EOPNOTSUPP", lacks);
      await refused(host, { kind: "ask-steering", pf: address, steering: "smfs" }, "EOPNOTSUPP", lacks);
      const kept = (await host.observe()).refused.filter(({ pf }) => pf === address);
      assert.deepEqual(
        kept.map(({ setting, value }) => [setting, value]),
        [["steering", "smfs"]],
      );
    },
  },
  {
    title: "to ask whether the eSwitch is free leaves it and its VFs as they are",
    needs: "eswitch",
    run: async (host) => {
      await createVfs(host, 1);
      const { address } = await port(host);
      await host.perform({ kind: "ask-eswitch-mode", pf: address, mode: "legacy" });
      await switchdev(host);
      await host.perform({ kind: "ask-eswitch-mode", pf: address, mode: "switchdev" });
      assert.equal(known((await port(host)).eswitch)?.mode, "switchdev");
      await refused(host, { kind: "ask-eswitch-mode", pf: address, mode: "legacy" }, "EBUSY");
    },
  },
  {
    // The firmware: syndrome 0x98afbb, Mellanox/ovs-tests test-eswitch-toggle-mode-fail.sh
    title: "switchdev with encap is refused while a VF is driven, and taken when it is unbound",
    needs: "encap",
    run: async (host, bed) => {
      const { address } = await port(host);
      await host.perform({ kind: "set-encap", pf: address, encap: true });
      const vf = await drivenVf(host, bed.nic.vfDriver);
      const words = (await asksForInline(host))
        ? /Inline mode is different between vports/
        : /Failed setting eswitch to offloads/;
      await refused(host, { kind: "set-eswitch-mode", pf: address, mode: "switchdev" }, "EINVAL", words);
      assert.equal(known((await port(host)).eswitch)?.mode, "legacy");
      await host.perform({ kind: "unbind-vf", pf: address, vf, driver: bed.nic.vfDriver });
      await host.perform({ kind: "set-eswitch-mode", pf: address, mode: "switchdev" });
      assert.equal(known((await port(host)).eswitch)?.mode, "switchdev");
    },
  },
  {
    // linux eswitch_offloads.c, esw_offloads_start(); found by seed 101 of the random steps, on 6.1
    title:
      "before Linux 6.5 a change to switchdev that failed leaves the inline mode at link, whatever is done then",
    needs: "encap",
    run: async (host, bed) => {
      const { address } = await port(host);
      await host.perform({ kind: "set-encap", pf: address, encap: true });
      const vf = await drivenVf(host, bed.nic.vfDriver);
      await refused(host, { kind: "set-eswitch-mode", pf: address, mode: "switchdev" }, "EINVAL");
      const inline = (await asksForInline(host)) ? "link" : "none";
      assert.equal(known((await port(host)).eswitch)?.inline, inline);
      await host.perform({ kind: "unbind-vf", pf: address, vf, driver: bed.nic.vfDriver });
      for (const mode of ["switchdev", "legacy"] as const)
        await host.perform({ kind: "set-eswitch-mode", pf: address, mode });
      assert.equal(known((await port(host)).eswitch)?.inline, inline);
    },
  },
  {
    title: "switchdev without encap is taken while a VF is driven",
    needs: "eswitch",
    run: async (host, bed) => {
      const { address, eswitch } = await port(host);
      if (known(eswitch)?.encap === true)
        await host.perform({ kind: "set-encap", pf: address, encap: false });
      await drivenVf(host, bed.nic.vfDriver);
      await host.perform({ kind: "set-eswitch-mode", pf: address, mode: "switchdev" });
      assert.equal(first((await port(host)).vfs).driver, bed.nic.vfDriver);
    },
  },
  {
    // linux lag/lag.c, mlx5_infer_tx_affinity_mapping()
    title: "under active-backup the LAG sends everything by one port",
    needs: "lag",
    run: async (host, bed) => {
      await bothSwitchdev(host);
      await bed.bond("bond0", "active-backup", await portNames(host));
      await host.perform({ kind: "activate-lag", pf: (await port(host)).address, seconds: 10 });
      await eventually(async () => {
        const mapping = known((await port(host)).lag)?.mapping ?? [];
        return mapping.length === 2 && new Set(mapping.map((entry) => entry.split(":")[1])).size === 1;
      });
    },
  },
  {
    // The firmware refuses DESTROY_LAG too; the driver: "driver restart required"
    title: "a LAG that ends while a VF is driven does not come back when the VF is unbound",
    needs: "lag",
    run: async (host, bed) => {
      await bothSwitchdev(host);
      const names = await portNames(host);
      await bed.bond("bond0", "active-backup", names);
      const { address, vfs } = await port(host);
      await host.perform({ kind: "activate-lag", pf: address, seconds: 10 });
      await host.perform({ kind: "set-vf-autoprobe", pf: address, on: true });
      await host.perform({ kind: "bind-vf", pf: address, vf: first(vfs).address, driver: bed.nic.vfDriver });
      await bed.unbond("bond0");
      await eventually(async () => known((await port(host)).lag)?.state === "disabled");
      await host.perform({
        kind: "unbind-vf",
        pf: address,
        vf: first(vfs).address,
        driver: bed.nic.vfDriver,
      });
      await bed.bond("bond0", "active-backup", names);
      await refused(host, { kind: "activate-lag", pf: address, seconds: 5 }, "ETIMEDOUT");
      for (const pf of await portsOf(host)) assert.equal(known(pf.lag)?.state, "disabled");
    },
  },
];

async function linkStates(host: Host): Promise<(string | null | undefined)[]> {
  return (await port(host)).vfs.map(({ settings }) => known(settings)?.linkState);
}

async function uplink(host: Host): Promise<Netdev> {
  const name = nameOf(await port(host));
  return first((await host.observe()).netdevs.filter((netdev) => netdev.name === name));
}

/** The representor of the only VF, in switchdev mode. */
async function representor(host: Host): Promise<Netdev> {
  await createVfs(host, 1);
  await switchdev(host);
  const { representors, netdevs } = await host.observe();
  const { netdev: name } = first(representors);
  return first(netdevs.filter((netdev) => netdev.name === name));
}

/** Makes one VF and binds it to its driver; returns its address. */
/** Whether the driver asks for the inline mode also after a change that failed. */
async function asksForInline(host: Host): Promise<boolean> {
  return !isKernelSince((await host.observe()).kernel, [6, 5]);
}

async function drivenVf(host: Host, driver: string) {
  await createVfs(host, 1);
  const pf = await port(host);
  const vf = first(pf.vfs).address;
  await host.perform({ kind: "set-vf-autoprobe", pf: pf.address, on: true });
  await host.perform({ kind: "bind-vf", pf: pf.address, vf, driver });
  return vf;
}
