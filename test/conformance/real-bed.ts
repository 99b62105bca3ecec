import { execFileSync } from "node:child_process";
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, release } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { LinuxHost } from "../../src/host/linux/host.ts";
import { known } from "../../src/host/state/observed.ts";
import { bondOf, ip, linkEvent, unbond } from "./real-bonds.ts";
import { igb } from "./simulated-bed.ts";
import type { NicProperties, Testbed } from "./testbed.ts";

/** The NICs of the lab's guests. */
export const labNics: Readonly<Record<string, NicProperties>> = {
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

export interface BedOptions {
  /**
   * Whether the driver starts again at each reset, which takes seconds: it alone forgets a LAG that the
   * firmware kept ("driver restart required"), encap, and what was set of VFs that are gone.
   */
  readonly restarts?: boolean;
}

/**
 * A guest of the lab as a testbed: it takes the ports of the first card for itself. Never open it on a
 * machine that needs them. It looks at nothing but the NICs: to look at everything takes seconds each time.
 */
export function realBed(name: string, nic: NicProperties, { restarts = false }: BedOptions = {}): Testbed {
  const host = LinuxHost.open({ looks: "nics" });
  // The other ends of the ports' cables, so that bonds have links to watch.
  ip("link set peer0 up", "link set peer1 up");
  if (!existsSync("/sys/class/net/third0")) ip("link add third0 type dummy");
  return {
    name,
    nic,
    reset: async () => {
      await asAfterPowerOn(host, nic, restarts);
      return host;
    },
    bond: async (bond, mode, netdevs) => bondOf(bond, mode, netdevs),
    release: async (netdev) => {
      ip(`link set ${netdev} nomaster`, `link set ${netdev} up`);
    },
    unbond,
    // The driver's work on the LAG, udev's on netdevs.
    settle: () => sleep(100),
    patience: 15_000,
    linkEvent,
    giveToVfio: async (vf) => {
      execFileSync("modprobe", ["vfio-pci"]);
      writeFileSync(`/sys/bus/pci/devices/${vf}/driver_override`, "vfio-pci");
      writeFileSync("/sys/bus/pci/drivers/vfio-pci/bind", vf);
    },
    close: async () => {
      ip("link del third0");
      host.close();
    },
  };
}

/** First the VFs go, then the bond: a LAG ends only while no VF is driven. */
async function asAfterPowerOn(host: LinuxHost, nic: NicProperties, restarts: boolean): Promise<void> {
  const { pfs, bonds } = await host.observe();
  for (const { address } of pfs) writeFileSync(`/sys/bus/pci/devices/${address}/sriov_numvfs`, "0");
  for (const { name } of bonds) await unbond(name);
  for (const { address, eswitch } of pfs) {
    if (!restarts && known(eswitch)?.mode === "switchdev")
      devlink(`dev eswitch set pci/${address} mode legacy`);
    writeFileSync(`/sys/bus/pci/devices/${address}/sriov_drivers_autoprobe`, "1");
  }
  // What a change that failed makes of it stays: driver-cases.ts.
  const inline = pfs.some(({ eswitch }) => (known(eswitch)?.inline ?? "none") !== "none");
  if (restarts || inline) {
    execFileSync("modprobe", ["-r", "mlx5_core"]);
    execFileSync("modprobe", ["mlx5_core"]);
    // What vflag keeps of devices that refuse a setting.
    rmSync("/var/lib/vflag/refused.json", { force: true });
  }
  execFileSync("udevadm", ["settle", "-t", "60"]);
  const ports = (await host.observe()).pfs;
  for (const { address } of nic.steering.includes("smfs") ? ports : [])
    devlink(`dev param set pci/${address} name flow_steering_mode value smfs cmode runtime`);
  // igbvf learns its address from a PF that is up.
  ip(...ports.flatMap(({ netdev }) => (netdev === null ? [] : [`link set ${netdev} up`])));
  await host.observe();
}

function devlink(words: string): void {
  execFileSync("devlink", words.split(" "), { timeout: 60_000 });
}
