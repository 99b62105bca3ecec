import type { Driver, Model } from "../driver.ts";
import { generic } from "../generic/driver.ts";

const model = (name: string, product: string, vfProduct: string): Model => ({
  name,
  vendor: "8086",
  product,
  vfProduct,
  vfLag: false,
});

/** Its VFs are driven by a module of their own: linux drivers/net/ethernet/intel/. */
export const ixgbe: Driver = {
  ...generic,
  name: "ixgbe",
  models: [model("82599", "10fb", "10ed"), model("X550", "1563", "1565")],
  vfDriver: "ixgbevf",
};
