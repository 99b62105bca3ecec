import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { availableParallelism, release } from "node:os";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { LinuxHost } from "../../src/host/linux/host.ts";
import { known } from "../../src/host/observed.ts";
import { HostState } from "../../src/host/state.ts";
import { igb } from "./simulated-bed.ts";
import { conformance } from "./suite.ts";
import type { NicProperties } from "./testbed.ts";

/**
 * The same cases on a real kernel: run as root in a guest of the lab, `node --test test/conformance/guest.ts`, with the
 * NIC's name in VFLAG_NIC. It takes the ports of the first card for itself: never run it on a machine that needs them.
 */
const nics: Readonly<Record<string, NicProperties>> = {
  igb,
  connectx: {
    totalVfs: 8,
    tellsVfProduct: true,
    vfDriver: "mlx5_core",
    eswitch: true,
    lag: true,
    steering: ["dmfs"],
    // The driver has one for each processor.
    maxChannels: availableParallelism(),
    // Debian builds 6.12 without MLX5_CLS_ACT.
    tcOffload: !release().startsWith("6.12."),
    encap: true,
    faults: [],
  },
};

const name = process.env["VFLAG_NIC"] ?? "";
const nic = nics[name];
if (nic === undefined) throw new Error(`VFLAG_NIC is "${name}": one of ${Object.keys(nics).join(", ")}`);

test("a snapshot of everything fits the published schema", async () => {
  using everything = LinuxHost.open();
  HostState.parse(await everything.observe());
});

/** The cases are about the NICs. To look at everything takes seconds each time. */
const host = LinuxHost.open({ looks: "nics" });
/** The other ends of the ports' cables, so that bonds have links to watch. */
for (const peer of ["peer0", "peer1"]) ip("link", "set", peer, "up");
ip("link", "add", "third0", "type", "dummy");

conformance({
  name: `${name} on a real kernel`,
  nic,
  reset: async () => {
    // First the VFs, then the bond: a LAG cannot be taken down while a VF is driven ("driver restart required").
    const state = await host.observe();
    for (const pf of state.pfs) writeFileSync(`/sys/bus/pci/devices/${pf.address}/sriov_numvfs`, "0");
    for (const bond of state.bonds) ip("link", "del", bond.name);
    for (const pf of state.pfs) {
      if (known(pf.eswitch)?.mode === "switchdev")
        execFileSync("devlink", ["dev", "eswitch", "set", `pci/${pf.address}`, "mode", "legacy"]);
      writeFileSync(`/sys/bus/pci/devices/${pf.address}/sriov_drivers_autoprobe`, "1");
      if (nic.steering.includes("smfs")) {
        execFileSync("devlink", [
          "dev",
          "param",
          "set",
          `pci/${pf.address}`,
          "name",
          "flow_steering_mode",
          "value",
          "smfs",
          "cmode",
          "runtime",
        ]);
      }
    }
    execFileSync("udevadm", ["settle", "-t", "60"]);
    // igbvf learns its address from a PF that is up.
    for (const pf of state.pfs) if (pf.netdev !== null) ip("link", "set", pf.netdev, "up");
    await host.observe();
    return host;
  },
  bond: async (bond, mode, netdevs) => {
    ip("link", "add", bond, "type", "bond", "mode", mode, "miimon", "100");
    const warnings = netdevs.flatMap((netdev) => {
      ip("link", "set", netdev, "down");
      return enslave(netdev, bond);
    });
    ip("link", "set", bond, "up");
    await linksUp(bond, netdevs.length);
    return warnings;
  },
  release: async (netdev) => {
    ip("link", "set", netdev, "nomaster");
    ip("link", "set", netdev, "up");
  },
  unbond: async (bond) => ip("link", "del", bond),
  // The driver's work on the LAG, udev's on netdevs.
  settle: () => sleep(100),
  patience: 15_000,
  linkEvent: async (netdev) => {
    ip("link", "set", netdev, "down");
    // The bond looks at its slaves every 100 ms, and sees nothing of what is shorter.
    await sleep(500);
    ip("link", "set", netdev, "up");
  },
  giveToVfio: async (vf) => {
    execFileSync("modprobe", ["vfio-pci"]);
    writeFileSync(`/sys/bus/pci/devices/${vf}/driver_override`, "vfio-pci");
    writeFileSync("/sys/bus/pci/drivers/vfio-pci/bind", vf);
  },
  close: async () => {
    ip("link", "del", "third0");
    host.close();
  },
});

/** Waits until bonding has seen every slave's link and told the drivers: 10 s at most. */
async function linksUp(bond: string, slaves: number): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    const up = readFileSync(`/proc/net/bonding/${bond}`, "utf8").match(/^MII Status: up$/gm)?.length ?? 0;
    await new Promise((resolve) => setTimeout(resolve, 100));
    // The bond itself has a line of this kind too.
    if (up === slaves + 1) break;
  }
  await new Promise((resolve) => setTimeout(resolve, 1000));
}

/** What the driver says to it (extack), which `ip` prints as a warning. */
function enslave(netdev: string, bond: string): string[] {
  const { stderr, status } = spawnSync("ip", ["link", "set", netdev, "master", bond], { encoding: "utf8", timeout: 60_000 });
  if (status !== 0) throw new Error(`ip link set ${netdev} master ${bond}: ${stderr}`);
  return stderr.split("\n").flatMap((line) => (line.startsWith("Warning: ") ? [line.slice("Warning: ".length)] : []));
}

function ip(...words: string[]): void {
  execFileSync("ip", words, { stdio: ["ignore", "ignore", "inherit"], timeout: 60_000 });
}
