import { buildHost } from "../../src/host/simulated/build.ts";
import { enslave, lagEvent, network, release } from "../../src/host/simulated/events.ts";
import { type FaultName, inject } from "../../src/host/simulated/faults.ts";
import { SimulatedHost } from "../../src/host/simulated/host.ts";
import { addNetdev, removeNetdev, type World } from "../../src/host/simulated/world.ts";
import { converge } from "./converge.ts";
import type { BedFault, NicProperties, Testbed } from "./testbed.ts";

export const connectx: NicProperties = {
  totalVfs: 64,
  tellsVfProduct: true,
  vfDriver: "mlx5_core",
  eswitch: true,
  lag: true,
  steering: ["dmfs", "smfs"],
  maxChannels: 63,
  tcOffload: true,
  encap: true,
  faults: [
    "lag-refused",
    "eswitch-busy",
    "mode-change-fails",
    "bind-fails",
    "firmware-takes-encap",
    "firmware-frees-lag",
  ],
};

export const igb: NicProperties = {
  ...connectx,
  ...{
    totalVfs: 7,
    vfDriver: "igbvf",
    eswitch: false,
    lag: false,
    steering: [],
    maxChannels: 2,
    tcOffload: false,
    encap: false,
    faults: [],
  },
};

/**
 * A simulated host as a testbed.
 * @param born faults that it has from power-on, which make it the twin of a card or kernel in the lab
 * @param kernel its release; without, that of every simulated host
 */
export function simulatedBed(
  name: string,
  model: string,
  nic: NicProperties,
  born: readonly FaultName[] = [],
  kernel?: string,
): Testbed {
  let world: World = buildHost([]);
  const later = () => {
    world.hidden.clock += 5;
  };
  return {
    name,
    nic,
    patience: 0,
    reset: async () => {
      world = buildHost([{ model, ports: 2 }]);
      if (kernel !== undefined) world.state.kernel = kernel;
      for (const fault of born) inject(world, fault);
      const other = world.state.netdevs.find((netdev) => netdev.name === "eno1");
      if (other !== undefined) addNetdev(world, { ...other, name: "third0" });
      return new SimulatedHost(world);
    },
    bond: async (bond, mode, netdevs) => {
      world.hidden.networking = [{ name: bond, mode, slaves: [] }];
      network(world);
      const warnings = netdevs.flatMap((netdev) => enslave(world, bond, netdev) ?? []);
      later();
      return warnings;
    },
    release: async (netdev) => {
      release(world, netdev);
      later();
    },
    unbond: async (bond) => {
      for (const { netdev } of world.state.bonds.find((found) => found.name === bond)?.slaves.slice() ?? [])
        release(world, netdev);
      world.state.bonds = world.state.bonds.filter((found) => found.name !== bond);
      removeNetdev(world, bond);
      later();
    },
    linkEvent: async () => {
      lagEvent(world);
      later();
    },
    giveToVfio: async (address) => {
      const vf = world.state.pfs.flatMap((pf) => pf.vfs).find((candidate) => candidate.address === address);
      if (vf === undefined) throw new Error(`no VF ${address}`);
      Object.assign(vf, { driver: "vfio-pci", driverOverride: "vfio-pci" });
    },
    fault: async (fault: BedFault, on: boolean) => {
      world.hidden.behaviours = world.hidden.behaviours.filter((other) => other !== fault);
      if (on) inject(world, fault);
    },
    killed: async (host, actions) => {
      const killed = new Error("killed");
      let left = actions;
      const actionBegins = () => {
        if (left-- <= 0) throw killed;
      };
      await converge(host, { actionBegins }).catch((error: unknown) => {
        if (error !== killed) throw error;
      });
    },
    settle: async () => later(),
    close: async () => {},
  };
}
