import type { Driver, Model } from "../driver.ts";
import { generic } from "../generic/driver.ts";
import { switchdevNic } from "../generic/profiles.ts";

const model = (name: string, product: string): Model => ({
  name,
  vendor: "15b3",
  product,
  vfProduct: "1004",
  vfLag: false,
});

/**
 * It makes VFs by module options alone. One value of `num_vfs` is the number of VFs that have both ports;
 * three would be port 1, port 2, both. `probe_vf` is how many of them the host itself drives. Port type 2 is
 * Ethernet. There is no list by card. Source: linux drivers/net/ethernet/mellanox/mlx4/main.c, num_vfs,
 * probe_vf, port_type_array and __mlx4_init_one().
 */
export const mlx4: Driver = {
  ...generic,
  name: "mlx4_core",
  models: [model("ConnectX-3", "1003"), model("ConnectX-3 Pro", "1007")],
  vfDriver: "mlx4_core",
  moduleOptions: {
    // Of VFs that have both ports; each needs a place in the 64 of either port.
    mostVfs: 63,
    source: "linux drivers/net/ethernet/mellanox/mlx4/main.c",
    words: (vfs) => `port_type_array=2,2 num_vfs=${vfs} probe_vf=${vfs}`,
  },
  hidesSriov: true,
  hasPortsOnOneFunction: true,
  hasFirmwareTool: true,
  profileOf: () => ({
    ...switchdevNic,
    eswitch: false,
    vfLag: false,
    steering: [],
    tcOffload: false,
    totalVfs: 16,
  }),
};
