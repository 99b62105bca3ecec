import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { LinuxHost } from "../../src/host/linux/host.ts";
import { known } from "../../src/host/observed.ts";
import { conformance } from "./suite.ts";
import type { NicProperties } from "./testbed.ts";

/**
 * The same cases on a real kernel: run as root in a guest of the lab, `node --test test/conformance/guest.ts`, with the
 * NIC's name in VFLAG_NIC. It takes the ports of the first card for itself: never run it on a machine that needs them.
 */
const nics: Readonly<Record<string, NicProperties>> = {
  igb: { totalVfs: 7, vfDriver: "igbvf", eswitch: false, lag: false, steering: [], maxChannels: 2 },
  mlx5: { totalVfs: 7, vfDriver: "mlx5_core", eswitch: true, lag: true, steering: ["dmfs", "smfs"], maxChannels: 63 },
};

const name = process.env["VFLAG_NIC"] ?? "";
const nic = nics[name];
if (nic === undefined) throw new Error(`VFLAG_NIC is "${name}": one of ${Object.keys(nics).join(", ")}`);

const host = LinuxHost.open();
ip("link", "add", "third0", "type", "dummy");

conformance({
  name: `${name} on a real kernel`,
  nic,
  reset: async () => {
    const state = await host.observe();
    for (const bond of state.bonds) ip("link", "del", bond.name);
    for (const pf of state.pfs) {
      if (known(pf.eswitch)?.mode === "switchdev") execFileSync("devlink", ["dev", "eswitch", "set", `pci/${pf.address}`, "mode", "legacy"]);
      writeFileSync(`/sys/bus/pci/devices/${pf.address}/sriov_numvfs`, "0");
      writeFileSync(`/sys/bus/pci/devices/${pf.address}/sriov_drivers_autoprobe`, "1");
      if (nic.steering.includes("smfs")) {
        execFileSync("devlink", ["dev", "param", "set", `pci/${pf.address}`, "name", "flow_steering_mode", "value", "smfs", "cmode", "runtime"]);
      }
    }
    execFileSync("udevadm", ["settle", "-t", "60"]);
    await host.observe();
    return host;
  },
  bond: async (bond, mode, netdevs) => {
    ip("link", "add", bond, "type", "bond", "mode", mode, "miimon", "100");
    for (const netdev of netdevs) {
      ip("link", "set", netdev, "down");
      ip("link", "set", netdev, "master", bond);
    }
    ip("link", "set", bond, "up");
  },
  linkEvent: async (netdev) => {
    ip("link", "set", netdev, "down");
    ip("link", "set", netdev, "up");
  },
  close: async () => {
    ip("link", "del", "third0");
    host.close();
  },
});

function ip(...words: string[]): void {
  execFileSync("ip", words, { stdio: ["ignore", "ignore", "inherit"], timeout: 60_000 });
}
