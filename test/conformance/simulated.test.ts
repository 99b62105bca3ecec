import { buildHost } from "../../src/host/simulated/build.ts";
import { enslave, lagEvent, network } from "../../src/host/simulated/events.ts";
import { SimulatedHost } from "../../src/host/simulated/host.ts";
import { addNetdev, type World } from "../../src/host/simulated/world.ts";
import { conformance } from "./suite.ts";
import type { NicProperties, Testbed } from "./testbed.ts";

conformance(
  simulated("ConnectX-6 Dx", {
    totalVfs: 64,
    tellsVfProduct: true,
    vfDriver: "mlx5_core",
    eswitch: true,
    lag: true,
    steering: ["dmfs", "smfs"],
    maxChannels: 63,
  }),
);
conformance(
  simulated("82576", { totalVfs: 7, tellsVfProduct: true, vfDriver: "igbvf", eswitch: false, lag: false, steering: [], maxChannels: 2 }),
);

function simulated(model: string, nic: NicProperties): Testbed {
  let world: World = buildHost([]);
  return {
    name: `simulated ${model}`,
    nic,
    reset: async () => {
      world = buildHost([{ model, ports: 2 }]);
      const other = world.state.netdevs.find((netdev) => netdev.name === "eno1");
      if (other !== undefined) addNetdev(world, { ...other, name: "third0" });
      return new SimulatedHost(world);
    },
    bond: async (name, mode, netdevs) => {
      world.hidden.networking = [{ name, mode, slaves: [] }];
      network(world);
      for (const netdev of netdevs) enslave(world, name, netdev);
      world.hidden.clock += 5;
    },
    linkEvent: async () => {
      lagEvent(world);
      world.hidden.clock += 5;
    },
    giveToVfio: async (address) => {
      const vf = world.state.pfs.flatMap((pf) => pf.vfs).find((candidate) => candidate.address === address);
      if (vf === undefined) throw new Error(`no VF ${address}`);
      Object.assign(vf, { driver: "vfio-pci", driverOverride: "vfio-pci" });
    },
    close: async () => {},
  };
}
