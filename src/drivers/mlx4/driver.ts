import type { Driver, Model } from "../driver.ts";
import { generic } from "../generic/driver.ts";
import { switchdevNic } from "../generic/profiles.ts";

const model = (name: string, product: string): Model => ({ name, vendor: "15b3", product, vfProduct: "1004", vfLag: false });

/** Source: linux drivers/net/ethernet/mellanox/mlx4/main.c: num_vfs, probe_vf, port_type_array, and no sriov_configure. */
export const mlx4: Driver = {
  ...generic,
  name: "mlx4_core",
  models: [model("ConnectX-3", "1003"), model("ConnectX-3 Pro", "1007")],
  vfDriver: "mlx4_core",
  vfsFrom: "module options",
  hidesSriov: true,
  hasPortsOnOneFunction: true,
  hasFirmwareTool: true,
  profileOf: () => ({ ...switchdevNic, eswitch: false, vfLag: false, steering: [], tcOffload: false, totalVfs: 16 }),
};
